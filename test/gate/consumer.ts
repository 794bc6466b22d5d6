import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { repositoryRoot } from "../../scripts/subpaths.ts";
import { packPackage } from "./packed.ts";

/** A project in a temporary folder that has the packed package installed, and its program compiled. */
export interface Consumer extends AsyncDisposable {
  readonly folder: string;
  /** The compiled program, to be run by any runtime. */
  readonly program: string;
}

export async function installConsumer(): Promise<Consumer> {
  const packed = await packPackage();
  const folder = join(packed.folder, "consumer");
  await cp(join(repositoryRoot, "test/gate/consumer"), folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await execa(
    "npm",
    ["install", packed.tarball, "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"],
    { cwd: folder },
  );
  // The compiler is the repository's own; of types the consumer has those of Node, as every TypeScript project does.
  await mkdir(join(folder, "node_modules/@types"), { recursive: true });
  await symlink(
    join(repositoryRoot, "node_modules/@types/node"),
    join(folder, "node_modules/@types/node"),
    "dir",
  );
  await execa("tsc", ["--project", folder], {
    cwd: repositoryRoot,
    preferLocal: true,
  });
  return {
    folder,
    program: join(folder, "built/main.js"),
    [Symbol.asyncDispose]: () => packed[Symbol.asyncDispose](),
  };
}
