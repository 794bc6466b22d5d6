import { type SshOptions, ssh } from "playpen/ssh";

const options = JSON.parse(process.argv[2] ?? "{}") as SshOptions;
const sandbox = await ssh(options).create({ env: {}, labels: {} });
const child = await sandbox.spawn({
  argv: ["/bin/sh", "-c", "setsid sleep 300 & echo ready; exec sleep 300"],
});
await child.stdout.getReader().read();
process.stdout.write(`${sandbox.id}\n`);
await new Promise((resolve) => setTimeout(resolve, 60_000));
