import { isJsonObject } from "../kit/json.ts";
import { show } from "../kit/validate-options.ts";
import type { JsonObject } from "../spec/json.ts";

const types: ReadonlySet<unknown> = new Set([
  ...["string", "number", "integer", "boolean", "object", "array", "null"],
]);
const numbers = [
  ...["multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"],
  ...["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"],
];
const schemas = [
  ...["additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"],
  ...["unevaluatedItems", "unevaluatedProperties"],
];
const schemaLists = ["allOf", "anyOf", "oneOf", "prefixItems"];
const schemaMaps = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/**
 * Where and why a value is no JSON Schema, or `undefined` when it is one. Agents and models' APIs leave out without a word
 * what they cannot read of a schema, so that the output would be of any shape.
 */
export function jsonSchemaProblem(schema: JsonObject): string | undefined {
  return problemAt(schema, "", schema);
}

function problemAt(schema: unknown, path: string, root: JsonObject): string | undefined {
  if (typeof schema === "boolean") return undefined;
  if (!isJsonObject(schema)) return at(path, `${show(schema)} is no schema`);
  return ownProblem(schema, path, root) ?? problemBelow(schema, path, root);
}

/** A keyword that stands for itself. */
function ownProblem(schema: JsonObject, path: string, root: JsonObject): string | undefined {
  const { type, required, $ref: reference } = schema;
  const named = Array.isArray(type) ? (type as readonly unknown[]) : [type];
  const unknown = type === undefined ? undefined : named.find((name) => !types.has(name));
  if (unknown !== undefined || (type !== undefined && named.length === 0))
    return at(`${path}/type`, `${show(unknown ?? type)} is no type`);
  if (
    required !== undefined &&
    !(Array.isArray(required) && required.every((item) => typeof item === "string"))
  )
    return at(`${path}/required`, `${show(required)} is no array of names`);
  if (schema["enum"] !== undefined && !Array.isArray(schema["enum"]))
    return at(`${path}/enum`, `${show(schema["enum"])} is no array`);
  const wrong = numbers.find((name) => schema[name] !== undefined && typeof schema[name] !== "number");
  if (wrong !== undefined) return at(`${path}/${wrong}`, `${show(schema[wrong])} is no number`);
  if (reference !== undefined && !isKnown(reference, root))
    return at(`${path}/$ref`, `there is no ${show(reference)}`);
  return undefined;
}

/** A keyword that holds further schemas. */
function problemBelow(schema: JsonObject, path: string, root: JsonObject): string | undefined {
  const { items } = schema;
  const lists = Array.isArray(items) ? [...schemaLists, "items"] : schemaLists;
  for (const name of Array.isArray(items) ? schemas : [...schemas, "items"]) {
    const problem = schema[name] === undefined ? undefined : problemAt(schema[name], `${path}/${name}`, root);
    if (problem !== undefined) return problem;
  }
  for (const name of lists) {
    const list = schema[name];
    if (list === undefined) continue;
    if (!Array.isArray(list)) return at(`${path}/${name}`, `${show(list)} is no array of schemas`);
    const problem = firstProblem(Object.entries(list), `${path}/${name}`, root);
    if (problem !== undefined) return problem;
  }
  for (const name of schemaMaps) {
    const map = schema[name];
    if (map === undefined) continue;
    if (!isJsonObject(map)) return at(`${path}/${name}`, `${show(map)} is no object of schemas`);
    const problem = firstProblem(Object.entries(map), `${path}/${name}`, root);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function firstProblem(
  entries: readonly (readonly [string, unknown])[],
  path: string,
  root: JsonObject,
): string | undefined {
  for (const [name, schema] of entries) {
    const problem = problemAt(schema, `${path}/${name}`, root);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Of references, only those into the schema itself can be followed. */
function isKnown(reference: unknown, root: JsonObject): boolean {
  if (typeof reference !== "string") return false;
  if (!reference.startsWith("#/")) return true;
  let place: unknown = root;
  for (const part of reference.slice(2).split("/")) {
    const name = decoded(part).replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, name)) return false;
    place = Reflect.get(place, name);
  }
  return true;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function at(path: string, problem: string): string {
  return `${path === "" ? "" : `at ${path} `}${problem}`;
}
