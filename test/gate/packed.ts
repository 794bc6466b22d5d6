import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { asObject } from "../../scripts/json-file.ts";
import { repositoryRoot } from "../../scripts/subpaths.ts";

/** The package as npm would publish it, from the `dist` that is there. */
export interface PackedPackage extends AsyncDisposable {
  /** A temporary folder, removed when disposed. */
  readonly folder: string;
  readonly tarball: string;
  /** Relative to the package's root, such as `dist/index.js`. */
  readonly files: readonly string[];
  readonly unpackedBytes: number;
}

export async function packPackage(): Promise<PackedPackage> {
  const folder = await mkdtemp(join(tmpdir(), "playpen-gate-"));
  const { stdout } = await execa(
    "npm",
    ["pack", "--json", "--ignore-scripts", "--pack-destination", folder],
    {
      cwd: repositoryRoot,
    },
  );
  const answer: unknown = JSON.parse(stdout);
  const report = asObject(Array.isArray(answer) ? answer[0] : answer, "what npm pack reports");
  const { filename, files, unpackedSize } = report;
  if (typeof filename !== "string" || typeof unpackedSize !== "number" || !Array.isArray(files)) {
    throw new TypeError(`npm pack reports something else than expected: ${stdout}`);
  }
  return {
    folder,
    tarball: join(folder, filename),
    files: files.map((file) => String(asObject(file, "a packed file")["path"])),
    unpackedBytes: unpackedSize,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
