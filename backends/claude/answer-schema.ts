import {
  isJsonObject,
  objectField,
  outputInstructions,
  stringField,
  type AgentContentPart,
  type JsonObject,
  type TurnErrorInfo,
  type TurnInput,
} from "../../src/kit.ts";

/** The CLI's tool by which the model gives an output that follows a schema: an answer, nothing that acts. */
export const answerToolName = "StructuredOutput";

/** A single argument of a process may not be longer than 128 KiB. */
const maxBytes = 100_000;
const maxDepth = 50;

/** Both the CLI's validator, which knows draft 7 alone, and the model's API read these the same way. */
const plainKeywords: ReadonlySet<string> = new Set([
  ...["type", "enum", "const", "required", "title", "description", "default", "examples"],
  ...["multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"],
  ...["minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"],
  ...["readOnly", "writeOnly", "deprecated", "contentEncoding", "contentMediaType"],
]);
const schemaKeywords: ReadonlySet<string> = new Set([
  ...["items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"],
]);
const listKeywords: ReadonlySet<string> = new Set(["allOf", "anyOf", "oneOf"]);
const mapKeywords: ReadonlySet<string> = new Set([
  ...["properties", "patternProperties", "$defs", "definitions"],
]);
/** Without these a schema means something else, and the validator refuses them, or the API does. */
const lostKeywords: ReadonlySet<string> = new Set([
  ...["prefixItems", "additionalItems", "unevaluatedItems", "unevaluatedProperties", "minContains"],
  ...["maxContains", "dependencies", "dependentRequired", "dependentSchemas", "$anchor", "$vocabulary"],
  ...["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"],
]);

/**
 * The schema in a form that the CLI takes, or `undefined` where only words can say it. A schema that its validator
 * does not like is ignored without a word, so nothing may get there of which that is not known.
 */
export function answerSchema(schema: JsonObject): JsonObject | undefined {
  // It becomes the input of a tool, which has to be an object, and the API wants no choice at the top.
  if (schema["type"] !== "object" || schema["$ref"] !== undefined) return undefined;
  if ([...listKeywords].some((keyword) => schema[keyword] !== undefined)) return undefined;
  const writer = new AnswerSchemaWriter(schema);
  const { $id: _id, ...root } = schema;
  const written = writer.write(root, 0);
  if (!writer.isFaithful || !isJsonObject(written)) return undefined;
  return new TextEncoder().encode(JSON.stringify(written)).length > maxBytes ? undefined : written;
}

/** What is said to the agent: the process was given the schema when it was started, unless only words can say it. */
export function promptContent({ content, outputSchema }: TurnInput): readonly AgentContentPart[] {
  if (outputSchema === undefined || answerSchema(outputSchema) !== undefined) return content;
  return [...content, { type: "text", text: outputInstructions(outputSchema) }];
}

class AnswerSchemaWriter {
  readonly #root: JsonObject;
  isFaithful = true;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  write(schema: unknown, depth: number): unknown {
    if (typeof schema === "boolean") return schema;
    if (!isJsonObject(schema) || depth > maxDepth) {
      this.isFaithful = false;
      return schema;
    }
    const written: { [keyword: string]: unknown } = {};
    const notes: string[] = [];
    for (const [keyword, value] of Object.entries(schema)) {
      if (keyword === "format") notes.push(`format: ${String(value)}`);
      else if (keyword !== "pattern") this.#keyword(keyword, value, written, depth);
      else if (isPattern(value)) written[keyword] = value;
      else notes.push(`pattern: ${String(value)}`);
    }
    if (notes.length > 0) {
      const description = stringField(schema, "description");
      written["description"] = [...(description === undefined ? [] : [description]), ...notes].join("; ");
    }
    return written;
  }

  #keyword(keyword: string, value: unknown, written: { [keyword: string]: unknown }, depth: number): void {
    if (plainKeywords.has(keyword)) written[keyword] = value;
    else if (schemaKeywords.has(keyword)) written[keyword] = this.write(value, depth + 1);
    else if (listKeywords.has(keyword) && Array.isArray(value)) {
      written[keyword] = value.map((item: unknown) => this.write(item, depth + 1));
    } else if (mapKeywords.has(keyword) && isJsonObject(value)) {
      const isByPattern = keyword === "patternProperties";
      if (isByPattern && !Object.keys(value).every(isPattern)) this.isFaithful = false;
      written[keyword] = Object.fromEntries(
        Object.entries(value).map(([name, item]) => [name, this.write(item, depth + 1)]),
      );
    } else if (keyword === "$ref" && this.#isKnown(value)) written[keyword] = value;
    else if (keyword === "$ref" || keyword === "$id" || lostKeywords.has(keyword)) this.isFaithful = false;
    // What is left are remarks: any other keyword has no meaning to a validator.
  }

  #isKnown(reference: unknown): boolean {
    if (typeof reference !== "string") return false;
    if (reference === "#") return true;
    const [, place = "", name = ""] = /^#\/(\$defs|definitions)\/([^/~%]+)$/.exec(reference) ?? [];
    return Object.hasOwn(objectField(this.#root, place), name);
  }
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === "string" && new RegExp(value, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

type Issue = NonNullable<TurnErrorInfo["issues"]>[number];

/** What the CLI found wrong with an output that it refused; empty where it does not say. */
export function answerIssues(refusal: string): readonly Issue[] {
  const match = /^Output does not match required schema: (.*)$/s.exec(refusal);
  return match === null ? [] : (match[1] ?? "").split(/, (?=root: |\/)/).map(issueOf);
}

/** `/list/0/name: must be string`, or `root: must have required property 'name'`. */
function issueOf(text: string): Issue {
  const [, place = "", message = text] = /^(root|\/[^:]*): (.*)$/s.exec(text) ?? [];
  const path = place
    .split("/")
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join("");
  return { path: path.replace(/^\./, ""), message };
}
