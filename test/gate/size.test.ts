import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { describe, expect, it } from "vitest";
import { objectAt, readJsonFile } from "../../scripts/json-file.ts";
import { repositoryRoot, subpaths } from "../../scripts/subpaths.ts";
import { packageName } from "./source-files.ts";

/** What a host program loads for `import … from "playpen"`, minified and compressed, without its dependencies. */
const coreBudgetBytes = 36_500;

const manifest = readJsonFile(join(repositoryRoot, "package.json"));
const dependencies = Object.keys(objectAt(manifest, "dependencies"));
const vendorPackages = Object.keys(objectAt(manifest, "peerDependencies"));

interface Bundle {
  /** What is loaded at once; what an `import()` loads is not in it. */
  readonly text: Uint8Array;
  readonly meta: Metafile;
}

async function bundle(output: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(repositoryRoot, "dist", `${output}.js`)],
    bundle: true,
    minify: true,
    splitting: true,
    outdir: join(repositoryRoot, "dist"),
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "silent",
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [relative(process.cwd(), path), contents]));
  const texts = loadedAtOnce(
    metafile,
    [...files.keys()].find((path) => path.endsWith(`/${output}.js`))!,
  );
  return { text: Buffer.concat(texts.map((path) => files.get(path)!)), meta: metafile };
}

/** The file and what it imports, and so on. */
function loadedAtOnce({ outputs }: Metafile, entry: string): readonly string[] {
  const found = new Set([entry]);
  // A set goes on to what is added meanwhile.
  for (const file of found) {
    for (const { path, kind, external } of outputs[file]?.imports ?? [])
      if (kind === "import-statement" && external !== true) found.add(path);
  }
  return [...found];
}

/** The packages an entry loads: at once, or only when an `import()` is reached. */
function packagesOf(meta: Metafile): {
  readonly atOnce: readonly string[];
  readonly later: readonly string[];
} {
  const imports = Object.values(meta.outputs)
    .flatMap((output) => output.imports)
    .filter(({ external, path }) => external === true && !path.startsWith("node:"));
  const names = (isDynamic: boolean): readonly string[] => [
    ...new Set(
      imports
        .filter(({ kind }) => (kind === "dynamic-import") === isDynamic)
        .map(({ path }) => packageName(path)),
    ),
  ];
  return { atOnce: names(false), later: names(true) };
}

describe("what an import costs", () => {
  it("the core stays within its budget", async () => {
    const { text } = await bundle("index");
    expect(gzipSync(text, { level: 9 }).byteLength).toBeLessThan(coreBudgetBytes);
  });

  it("the core knows no vendor's package", async () => {
    const { atOnce, later } = packagesOf((await bundle("index")).meta);
    expect([...atOnce, ...later].filter((name) => !dependencies.includes(name))).toEqual([]);
  });

  it.each(subpaths())("$specifier loads a vendor's package only when it is used", async ({ output }) => {
    const { atOnce, later } = packagesOf((await bundle(output)).meta);
    expect(atOnce.filter((name) => !dependencies.includes(name))).toEqual([]);
    expect(later.filter((name) => ![...dependencies, ...vendorPackages].includes(name))).toEqual([]);
  });
});
