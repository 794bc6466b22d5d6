/**
 * Runs the consumer project of test/gate under other runtimes than the one at hand: `npm run test:runtimes`, after
 * `npm run build`. The runtimes come from npm, into .cache/runtimes.
 */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { installConsumer } from "../test/gate/consumer.ts";
import { repositoryRoot } from "./subpaths.ts";

interface Runtime {
  readonly name: string;
  /** The npm package with the binary for this machine; its wrapper packages would download it in an install script. */
  readonly package: string;
  readonly version: string;
  readonly binary: string;
}

const machine = `${process.platform}-${process.arch}`;
const runtimes: readonly Runtime[] = [
  { name: "node 20", package: `node-${machine}`, version: "20.18.0", binary: "bin/node" },
  { name: "node 22", package: `node-${machine}`, version: "22.23.3", binary: "bin/node" },
  { name: "node 24", package: `node-${machine}`, version: "24.9.0", binary: "bin/node" },
  { name: "bun", package: `@oven/bun-${machine}`, version: "1.4.5", binary: "bin/bun" },
];

async function install(runtime: Runtime): Promise<string> {
  const folder = join(
    repositoryRoot,
    ".cache/runtimes",
    `${runtime.name.replace(" ", "-")}-${runtime.version}`,
  );
  const binary = join(folder, "node_modules", runtime.package, runtime.binary);
  try {
    await access(binary);
  } catch {
    const spec = `${runtime.package}@${runtime.version}`;
    await execa("npm", ["install", spec, "--prefix", folder, "--no-save", "--ignore-scripts", "--no-audit"]);
  }
  return binary;
}

await using consumer = await installConsumer();
for (const runtime of runtimes) {
  const binary = await install(runtime);
  const { stdout: version } = await execa(binary, ["--version"]);
  const { stdout } = await execa(binary, [consumer.program], { cwd: consumer.folder, timeout: 60_000 });
  if (stdout !== "consumer: ok")
    throw new Error(`${runtime.name} ${version} printed ${JSON.stringify(stdout)}`);
  console.log(`${runtime.name} (${version}): ok`);
}
