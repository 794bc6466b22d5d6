import { describe, expect, it } from "vitest";
import { takesSchema } from "../../../../backends/qwen/turn/answer-schema.ts";
import type { JsonObject } from "../../../../src/kit.ts";

const text = { type: "string" } as const;
const object = (more: JsonObject): JsonObject => ({ type: "object", ...more });

describe("a schema that Qwen Code takes", () => {
  it.each<JsonObject>([
    { type: "object" },
    object({ $schema: "https://json-schema.org/draft/2020-12/schema" }),
    object({ properties: { a: text, b: { type: "array", items: text } }, required: ["a"] }),
    object({ properties: { a: { anyOf: [text, { type: "null" }] } }, additionalProperties: false }),
    object({ properties: { a: { $ref: "#/$defs/name" }, b: { $ref: "#" } }, $defs: { name: text } }),
    object({ properties: { a: { type: "string", pattern: "^\\p{L}+$" } } }),
  ])("%j", (schema) => {
    expect(takesSchema(schema)).toBe(true);
  });
});

describe("a schema that would keep Qwen Code from starting, or that a tool cannot have", () => {
  it.each<JsonObject>([
    {},
    { type: "array", items: text },
    { anyOf: [object({})] },
    object({ $ref: "#/$defs/name", $defs: { name: text } }),
    object({ oneOf: [object({})] }),
    object({ $schema: "http://json-schema.org/draft-04/schema#" }),
    object({ properties: { a: { $ref: "#/$defs/other" } } }),
    object({ properties: { a: { $ref: "https://example.com/schema" } } }),
    object({ properties: { a: { type: "string", pattern: "(" } } }),
    object({ properties: { a: { dependentRequired: {} } } }),
    object({ properties: { a: 5 } }),
    object({ properties: [] }),
    object({ properties: { a: { anyOf: text } } }),
    object({ invented: true }),
  ])("%j", (schema) => {
    expect(takesSchema(schema)).toBe(false);
  });

  it("is one without a bottom", () => {
    let schema: JsonObject = text;
    for (let depth = 0; depth < 60; depth += 1) schema = { type: "array", items: schema };
    expect(takesSchema(object({ properties: { a: schema } }))).toBe(false);
  });
});
