import { readFileSync } from "node:fs";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads a file that holds one JSON object. */
export function readJsonFile(file: string): JsonObject {
  const value: unknown = JSON.parse(readFileSync(file, "utf8"));
  return asObject(value, file);
}

/** Returns the object at `path`, such as `("compilerOptions", "paths")`. */
export function objectAt(root: JsonObject, ...path: readonly string[]): JsonObject {
  return path.reduce((object, key) => asObject(object[key], path.join(".")), root);
}

/** Returns the value as a JSON object. */
export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${what} must be an object, not ${JSON.stringify(value)}`);
  }
  return { ...value };
}
