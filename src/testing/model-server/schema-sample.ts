import { arrayField, isJsonObject, numberField, objectField, stringField } from "../../kit/json.ts";
import type { JsonObject } from "../../spec/json.ts";

const maxDepth = 12;

/** The JSON schema within the format that a request asks for, as each API wraps it. */
export function schemaOf(outputFormat: JsonObject): JsonObject {
  const wrapped = { ...objectField(outputFormat, "json_schema"), ...outputFormat };
  const schema = objectField(wrapped, "schema");
  return Object.keys(schema).length > 0 ? schema : outputFormat;
}

/** The plainest value that a JSON schema admits: of an enumeration the first, of an object what it requires. */
export function sampleOf(schema: JsonObject): unknown {
  return sample(schema, "", schema, 0);
}

function sample(schema: unknown, name: string, root: JsonObject, depth: number): unknown {
  if (!isJsonObject(schema) || depth > maxDepth) return null;
  const { const: constant } = schema;
  if (constant !== undefined) return constant;
  const values = arrayField(schema, "enum");
  if (values.length > 0) return values[0];
  const target = resolve(stringField(schema, "$ref"), root);
  if (target !== undefined) return sample(target, name, root, depth + 1);
  const choice = [...arrayField(schema, "anyOf"), ...arrayField(schema, "oneOf")][0];
  if (choice !== undefined) return sample(choice, name, root, depth + 1);
  switch (typeOf(schema)) {
    case "object":
      return sampleObject(schema, root, depth);
    case "array": {
      const items = Array.from({ length: numberField(schema, "minItems") ?? 0 });
      return items.map(() => sample(schema["items"], name, root, depth + 1));
    }
    case "integer":
    case "number":
      return numberField(schema, "minimum") ?? 0;
    case "boolean":
      return false;
    case "string":
      return (name === "title" ? "A session with a stand-in model" : "None").padEnd(
        numberField(schema, "minLength") ?? 0,
        ".",
      );
    default:
      return null;
  }
}

function sampleObject(schema: JsonObject, root: JsonObject, depth: number): JsonObject {
  const properties = objectField(schema, "properties");
  const required = arrayField(schema, "required").filter((name) => typeof name === "string");
  const names = required.length > 0 ? required : Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, sample(properties[name], name, root, depth + 1)]));
}

/** Gemini's API writes the types in capitals. A union takes its first type; what has properties is an object. */
function typeOf(schema: JsonObject): string | undefined {
  const first = arrayField(schema, "type")[0];
  const type = stringField(schema, "type") ?? (typeof first === "string" ? first : undefined);
  return type?.toLowerCase() ?? (isJsonObject(schema["properties"]) ? "object" : undefined);
}

function resolve(reference: string | undefined, root: JsonObject): JsonObject | undefined {
  if (reference?.startsWith("#") !== true) return undefined;
  const keys = reference.split("/").slice(1);
  return keys.reduce(
    (found, key) => objectField(found, key.replaceAll("~1", "/").replaceAll("~0", "~")),
    root,
  );
}
