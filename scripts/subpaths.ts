import { fileURLToPath } from "node:url";
import { objectAt, readJsonFile } from "./json-file.ts";

/** One public sub-path of the package: what users import, where its source is, what the build calls it. */
export interface Subpath {
  /** As imported, such as `playpen` or `playpen/docker`. */
  readonly specifier: string;
  /** Relative to the repository's root, such as `providers/docker/index.ts`. */
  readonly source: string;
  /** The built file's name without its ending, such as `docker`. */
  readonly output: string;
}

export const repositoryRoot = fileURLToPath(new URL("..", import.meta.url));

/**
 * Lists the public sub-paths in the order of tsconfig.json's `paths`.
 *
 * The build's entries and the tests' aliases both come from here, so `exports` in package.json is the only other
 * place that names a sub-path; test/gate compares the two.
 */
export function subpaths(): readonly Subpath[] {
  const paths = objectAt(readJsonFile(`${repositoryRoot}tsconfig.json`), "compilerOptions", "paths");
  return Object.entries(paths).map(([specifier, targets]) => {
    const target: unknown = Array.isArray(targets) ? targets[0] : undefined;
    if (typeof target !== "string") {
      throw new TypeError(`tsconfig.json: compilerOptions.paths["${specifier}"] must name one file`);
    }
    const [, ...rest] = specifier.split("/");
    return { specifier, source: target.replace(/^\.\//, ""), output: rest.join("-") || "index" };
  });
}
