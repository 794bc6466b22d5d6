import {
  arrayField,
  isJsonObject,
  objectField,
  outputInstructions,
  stringField,
  type AgentContentPart,
  type JsonObject,
  type TurnInput,
} from "../../src/kit.ts";

/** Bounds that the model's API sets. */
const maxDepth = 10;
const maxProperties = 5_000;

const annotations: ReadonlySet<string> = new Set([
  ...["$schema", "$comment", "title", "default", "examples", "deprecated", "readOnly", "writeOnly"],
]);
const kept: ReadonlySet<string> = new Set([
  ...["multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"],
  ...["minItems", "maxItems"],
]);
/** What strict mode does not know, but what can be said in the description. The core checks it in the end. */
const described: ReadonlySet<string> = new Set([
  ...["minLength", "maxLength", "uniqueItems", "minProperties", "maxProperties"],
  ...["contentEncoding", "contentMediaType"],
]);
const formats: ReadonlySet<string> = new Set([
  ...["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"],
]);
const types: ReadonlySet<unknown> = new Set([
  ...["string", "number", "integer", "boolean", "object", "array", "null"],
]);

/**
 * The schema as Codex may send it: always in strict mode, in which the model's API refuses an object that is open or
 * has members which may be left out. `undefined` where strictness would change what the schema means.
 */
export function strictSchema(schema: JsonObject): JsonObject | undefined {
  if (schema["type"] !== "object") return undefined;
  const writer = new StrictSchemaWriter(schema);
  const { $id: _id, ...root } = schema;
  const written = writer.write(root, 0);
  return writer.isFaithful ? written : undefined;
}

/** What is said to the agent: Codex is given the schema, unless only words can say it. */
export function promptContent({ content, outputSchema }: TurnInput): readonly AgentContentPart[] {
  if (outputSchema === undefined || strictSchema(outputSchema) !== undefined) return content;
  return [...content, { type: "text", text: outputInstructions(outputSchema) }];
}

type Written = { [keyword: string]: unknown };

class StrictSchemaWriter {
  readonly #root: JsonObject;
  #properties = 0;
  isFaithful = true;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  write(schema: unknown, depth: number): JsonObject {
    if (!isJsonObject(schema) || depth > maxDepth) return this.#lost();
    if (schema["$ref"] !== undefined) return this.#reference(schema);
    const written: Written = {};
    const notes: string[] = [];
    for (const [keyword, value] of Object.entries(schema)) {
      if (kept.has(keyword)) written[keyword] = value;
      else if (described.has(keyword)) notes.push(`${keyword}: ${JSON.stringify(value)}`);
      else if (keyword === "format" || keyword === "pattern") {
        if (isKnownText(keyword, String(value))) written[keyword] = value;
        else notes.push(`${keyword}: ${String(value)}`);
      } else if (!annotations.has(keyword)) this.#keyword(keyword, value, schema, written, depth);
    }
    this.#complete(schema, written);
    const description = [stringField(schema, "description") ?? [], notes].flat().join("; ");
    return description === "" ? written : { ...written, description };
  }

  #keyword(keyword: string, value: unknown, schema: JsonObject, written: Written, depth: number): void {
    switch (keyword) {
      case "description":
      case "required":
      case "additionalProperties":
        return;
      case "type":
      case "enum":
      case "const":
        written[keyword] = value;
        return;
      case "properties":
        this.#object(schema, written, depth);
        return;
      case "items":
        written[keyword] = this.write(value, depth + 1);
        return;
      case "anyOf":
      case "oneOf":
        // Strict mode has no `oneOf`. A value that fits twice is found by the core.
        if (depth === 0 || written["anyOf"] !== undefined || !Array.isArray(value)) this.#lost();
        else written["anyOf"] = value.map((item: unknown) => this.write(item, depth + 1));
        return;
      case "$defs":
      case "definitions":
        if (depth === 0) this.#definitions(value, written);
        else this.#lost();
        return;
      default:
        this.#lost();
    }
  }

  #object(schema: JsonObject, written: Written, depth: number): void {
    const properties = Object.entries(objectField(schema, "properties"));
    const required = arrayField(schema, "required");
    this.#properties += properties.length;
    if (this.#properties > maxProperties || !properties.every(([name]) => required.includes(name))) {
      this.#lost();
      return;
    }
    written["properties"] = Object.fromEntries(
      properties.map(([name, property]) => [name, this.write(property, depth + 1)]),
    );
    written["required"] = properties.map(([name]) => name);
    written["additionalProperties"] = false;
  }

  /** Adds what strict mode wants to be said, or gives up where nothing says it. */
  #complete(schema: JsonObject, written: Written): void {
    const type = written["type"] ?? impliedType(schema);
    if (type === undefined) {
      if (written["anyOf"] === undefined) this.#lost();
      return;
    }
    written["type"] = type;
    const all: readonly unknown[] = Array.isArray(type) ? type : [type];
    if (!all.every((one) => types.has(one))) this.#lost();
    if (all.includes("array") && written["items"] === undefined) this.#lost();
    if (!all.includes("object")) return;
    const { additionalProperties } = schema;
    // An object that names no members is one of any members, unless it says that it has none.
    const isOpen = additionalProperties !== false && (additionalProperties !== undefined || isBare(schema));
    if (isOpen || arrayField(schema, "required").some((name) => !isMember(schema, name))) this.#lost();
    else if (written["properties"] === undefined) {
      Object.assign(written, { properties: {}, required: [], additionalProperties: false });
    }
  }

  /** Beside a reference nothing may stand. */
  #reference(schema: JsonObject): JsonObject {
    const reference = stringField(schema, "$ref") ?? "";
    const others = Object.keys(schema).filter((name) => name !== "$ref" && name !== "description");
    if (!others.every((name) => annotations.has(name))) return this.#lost();
    if (reference === "#") return { $ref: reference };
    const [, place = "", name = ""] = /^#\/(\$defs|definitions)\/([^/~%]+)$/.exec(reference) ?? [];
    if (!Object.hasOwn(objectField(this.#root, place), name)) return this.#lost();
    return { $ref: `#/$defs/${name}` };
  }

  #definitions(value: unknown, written: Written): void {
    if (written["$defs"] !== undefined || !isJsonObject(value)) {
      this.#lost();
      return;
    }
    // How deep they are in the end depends on where they are used.
    written["$defs"] = Object.fromEntries(
      Object.entries(value).map(([name, definition]) => [name, this.write(definition, 1)]),
    );
  }

  #lost(): JsonObject {
    this.isFaithful = false;
    return {};
  }
}

/** Patterns are carried out by automata, which cannot look around or back. */
function isKnownText(keyword: "format" | "pattern", value: string): boolean {
  return keyword === "format" ? formats.has(value) : !/\(\?[=!<]|\\[1-9k]/.test(value);
}

function isBare(schema: JsonObject): boolean {
  return Object.keys(objectField(schema, "properties")).length === 0;
}

function isMember(schema: JsonObject, name: unknown): boolean {
  return typeof name === "string" && Object.hasOwn(objectField(schema, "properties"), name);
}

/** The type of the values that a schema lists. */
function impliedType(schema: JsonObject): unknown {
  const values = schema["const"] === undefined ? arrayField(schema, "enum") : [schema["const"]];
  const found = new Set(values.map((value) => (value === null ? "null" : typeof value)));
  const list = [...found];
  return list.length === 0 || list.includes("object") ? undefined : list.length === 1 ? list[0] : list;
}
