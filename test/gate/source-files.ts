import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { repositoryRoot } from "../../scripts/subpaths.ts";

/** One import, export-from or `import()` of a source file. */
export interface Import {
  /** The file that imports, relative to the repository's root. */
  readonly from: string;
  /** As written, such as `node:fs` or `../kit.ts`. */
  readonly specifier: string;
  /** The file it means, relative to the repository's root; undefined for a package or a builtin module. */
  readonly file: string | undefined;
}

/** Lists the TypeScript files of a folder and its sub-folders, relative to the repository's root. */
export function sourceFiles(folder: string): readonly string[] {
  return readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name))
    .sort();
}

/** Lists what a file imports, types included. */
export function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(repositoryRoot, file), "utf8");
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => ({
    from: file,
    specifier: fileName,
    file: fileName.startsWith(".") ? relative(".", join(dirname(file), fileName)) : undefined,
  }));
}

/** Lists the files that `entry` reaches through imports, itself included. */
export function reachableFrom(entry: string): readonly string[] {
  const seen = new Set([entry]);
  for (const file of seen) {
    for (const { file: target } of importsOf(file)) if (target !== undefined) seen.add(target);
  }
  return [...seen].sort();
}

/** The package's name in a specifier: `@scope/name/part` is of `@scope/name`. */
export function packageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
