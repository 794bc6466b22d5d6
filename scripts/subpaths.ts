import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

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
  const config: unknown = JSON.parse(readFileSync(`${repositoryRoot}tsconfig.json`, "utf8"));
  const paths = property(property(config, "compilerOptions"), "paths");
  return Object.entries(record(paths, "tsconfig.json: compilerOptions.paths")).map(([specifier, targets]) => {
    const target: unknown = Array.isArray(targets) ? targets[0] : undefined;
    if (typeof target !== "string") {
      throw new TypeError(`tsconfig.json: compilerOptions.paths["${specifier}"] must name one file`);
    }
    const [, ...rest] = specifier.split("/");
    return { specifier, source: target.replace(/^\.\//, ""), output: rest.join("-") || "index" };
  });
}

function property(value: unknown, key: string): unknown {
  return record(value, `the object that holds "${key}"`)[key];
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new TypeError(`${what} is missing`);
  return { ...value };
}
