import { type DockerOptions, docker } from "playpen/docker";

/** What a test tells its host program. */
export interface HostTask {
  readonly options: DockerOptions;
  readonly labels: { readonly [name: string]: string };
  readonly then: "wait" | "leave" | "destroy" | "detach";
  readonly ttlMs?: number;
}

const task = JSON.parse(process.argv[2] ?? "{}") as HostTask;
const sandbox = await docker(task.options).create({ env: {}, labels: task.labels });
const child = await sandbox.spawn({
  argv: ["/bin/sh", "-c", "setsid sleep 300 & echo ready; cat > /dev/null"],
});
const reader = child.stdout.getReader();
await reader.read();
reader.releaseLock();

if (task.then === "destroy") await sandbox.destroy();
if (task.then === "detach") {
  await child.kill();
  await child.exited;
  await sandbox.detach({ ttlMs: task.ttlMs ?? 60_000 });
}
if (task.then === "leave") {
  // A host that has nothing to wait for, without a word to its sandbox.
  await child.kill();
  await child.exited;
}
process.stdout.write(`${sandbox.id}\n`);
// Otherwise it is the end of the event loop that ends this program.
if (task.then === "wait") await new Promise((resolve) => setTimeout(resolve, 60_000));
