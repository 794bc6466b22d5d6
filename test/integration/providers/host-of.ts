import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { build } from "esbuild";
import { repositoryRoot } from "../../../scripts/subpaths.ts";

/** A host program of its own in a folder of its own, where a vendor's packages are missing or other versions. */
export class ForeignHost {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Compiles a few lines of TypeScript that may import the package's sources by `@source/`; `external` stay imports. */
  static async compile(source: string, external: readonly string[]): Promise<ForeignHost> {
    const folder = await mkdtemp(join(tmpdir(), "foreign-host-"));
    await build({
      stdin: {
        contents: source.replaceAll("@source/", repositoryRoot),
        resolveDir: repositoryRoot,
        loader: "ts",
      },
      outfile: join(folder, "host.mjs"),
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      external: [...external],
      banner: {
        js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
      },
      logLevel: "silent",
    });
    return new ForeignHost(folder);
  }

  /** Puts a package of that name and version beside the program; it exports nothing. */
  async install(name: string, version: string): Promise<void> {
    const folder = join(this.#folder, "node_modules", name);
    await mkdir(folder, { recursive: true });
    const manifest = { name, version, type: "module", exports: "./index.js" };
    await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
    await writeFile(join(folder, "index.js"), "export {};");
  }

  /** Puts the package that this repository has beside the program. */
  async link(name: string): Promise<void> {
    const target = join(this.#folder, "node_modules", name);
    await mkdir(dirname(target), { recursive: true });
    await symlink(join(repositoryRoot, "node_modules", name), target);
  }

  /** Runs the program to its end; resolves to what it printed. */
  async run(argument: object, env: { readonly [name: string]: string } = {}): Promise<string> {
    const child: ChildProcess = spawn(
      process.execPath,
      [join(this.#folder, "host.mjs"), JSON.stringify(argument)],
      { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"], ...env } },
    );
    if (child.stdout === null || child.stderr === null) throw new Error("There are no pipes.");
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
    if (child.exitCode !== 0) throw new Error(`The program ended with ${String(child.exitCode)}: ${errors}`);
    return output;
  }

  async dispose(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
