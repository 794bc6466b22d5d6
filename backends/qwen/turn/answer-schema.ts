import { isJsonObject, outputInstructions, type JsonObject, type TurnInput } from "../../../src/kit.ts";

const dialects: readonly unknown[] = [
  undefined,
  "http://json-schema.org/draft-07/schema#",
  "http://json-schema.org/draft-07/schema",
  "https://json-schema.org/draft/2020-12/schema",
];

/** Both of its dialects read these the same way, and its compiler has nothing against them in any company. */
const plainKeywords: ReadonlySet<string> = new Set([
  ...["type", "enum", "const", "required", "title", "description", "default", "examples", "format"],
  ...["multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"],
  ...["minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"],
  ...["readOnly", "writeOnly", "$comment"],
]);
const schemaKeywords: ReadonlySet<string> = new Set(["items", "additionalProperties", "contains", "not"]);
const listKeywords: ReadonlySet<string> = new Set(["allOf", "anyOf", "oneOf"]);
const mapKeywords: ReadonlySet<string> = new Set(["properties", "$defs", "definitions"]);
const maxDepth = 50;

/**
 * Whether Qwen Code takes an answer by this schema. One that its compiler does not like keeps it from starting, and the
 * schema becomes the input of a tool, which has to be an object, with no choice at the top.
 */
export function takesSchema(schema: JsonObject): boolean {
  const { $schema, ...root } = schema;
  if (!dialects.includes($schema) || root["type"] !== "object" || root["$ref"] !== undefined) return false;
  return ![...listKeywords].some((keyword) => root[keyword] !== undefined) && isTaken(root, root, 0);
}

/** The text of a turn, with the schema in words where there is no other way to say it. */
export function promptText({ content, outputSchema }: TurnInput): string {
  const texts = content.flatMap((part) => (part.type === "text" ? part.text : []));
  const inWords =
    outputSchema === undefined || takesSchema(outputSchema) ? [] : [outputInstructions(outputSchema)];
  return [...texts, ...inWords].join("\n\n");
}

function isTaken(schema: unknown, root: JsonObject, depth: number): boolean {
  if (typeof schema === "boolean") return true;
  if (!isJsonObject(schema) || depth > maxDepth) return false;
  return Object.entries(schema).every(([keyword, value]) => {
    if (plainKeywords.has(keyword)) return true;
    if (schemaKeywords.has(keyword)) return isTaken(value, root, depth + 1);
    if (listKeywords.has(keyword)) {
      return Array.isArray(value) && value.every((item) => isTaken(item, root, depth + 1));
    }
    if (mapKeywords.has(keyword)) {
      return isJsonObject(value) && Object.values(value).every((item) => isTaken(item, root, depth + 1));
    }
    if (keyword === "pattern") return isPattern(value);
    return keyword === "$ref" && isKnown(value, root);
  });
}

function isKnown(reference: unknown, root: JsonObject): boolean {
  if (typeof reference !== "string") return false;
  const [, place = "", name = ""] = /^#\/(\$defs|definitions)\/([^/~%]+)$/.exec(reference) ?? [];
  const definitions = root[place];
  return reference === "#" || (isJsonObject(definitions) && Object.hasOwn(definitions, name));
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === "string" && new RegExp(value, "u") instanceof RegExp;
  } catch {
    return false;
  }
}
