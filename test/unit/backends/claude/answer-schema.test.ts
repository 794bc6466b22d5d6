import { describe, expect, it } from "vitest";
import { z } from "zod";
import { answerIssues, answerSchema, promptContent } from "../../../../backends/claude/answer-schema.ts";
import type { JsonObject } from "../../../../src/kit.ts";

const object = (property: unknown, more: JsonObject = {}): JsonObject => ({
  type: "object",
  properties: { a: property },
  ...more,
});

describe("answerSchema", () => {
  it("leaves out what the CLI's validator stumbles over, and says it in words where it has a meaning", () => {
    const schema = object(
      { type: "string", format: "date-time", description: "When.", somethingNew: 1, pattern: "^(a" },
      {
        $schema: "https://json-schema.org/draft/2020-12/schema",
        $id: "https://example.com/x",
        $comment: "c",
      },
    );
    expect(answerSchema(schema)).toEqual(
      object({ type: "string", description: "When.; format: date-time; pattern: ^(a" }),
    );
  });

  it("keeps what both validators understand", () => {
    const schema = object(
      {
        oneOf: [
          { $ref: "#/$defs/tag" },
          { type: "array", items: { $ref: "#" }, uniqueItems: true },
          { type: "object", patternProperties: { "^x": true }, additionalProperties: false },
          { if: { required: ["b"] }, then: { not: { type: "null" } } },
          { const: 1 },
        ],
      },
      { required: ["a"], $defs: { tag: { type: "string", minLength: 1, pattern: "^\\p{L}" } } },
    );
    expect(answerSchema(schema)).toEqual(schema);
  });

  it.each<readonly [string, JsonObject]>([
    ["no object", { type: "array", items: { type: "string" } }],
    ["a choice at the top", { type: "object", anyOf: [object({ type: "string" })] }],
    ["a reference at the top", { type: "object", $ref: "#/$defs/a", $defs: { a: object({}) } }],
    ["a tuple", object({ type: "array", prefixItems: [{ type: "string" }] })],
    ["a tuple of the old kind", object({ type: "array", items: [{ type: "string" }] })],
    ["conditions on members", object({ type: "object", dependentRequired: { b: ["c"] } })],
    ["an unknown reference", object({ $ref: "#/$defs/none" })],
    ["a reference to elsewhere", object({ $ref: "https://example.com/x" })],
    ["a place to refer to", object({ type: "string", $anchor: "here" })],
    ["an address within", object({ type: "string", $id: "https://example.com/y" })],
    ["a schema that is none", object("string")],
    ["patterns that are none", object({ type: "object", patternProperties: { "(": true } })],
    ["more than an argument holds", object({ enum: ["x".repeat(120_000)] })],
  ])("gives up: %s", (_, schema) => {
    expect(answerSchema(schema)).toBeUndefined();
  });

  it("gives up on a schema without end", () => {
    const endless: { [name: string]: unknown } = { type: "object" };
    endless["properties"] = { a: endless };
    expect(answerSchema(endless)).toBeUndefined();
  });

  it("takes what zod makes of an object", () => {
    const schema = z.object({
      mail: z.email(),
      tags: z.array(z.enum(["a", "b"])).optional(),
      more: z.record(z.string(), z.number()),
    });
    expect(answerSchema(z.toJSONSchema(schema) as JsonObject)).toBeDefined();
  });
});

describe("promptContent", () => {
  const content = [{ type: "text", text: "Go." }] as const;

  it("adds words only where the schema cannot be given", () => {
    expect(promptContent({ turnId: "t", content })).toBe(content);
    expect(promptContent({ turnId: "t", content, outputSchema: object({}) })).toBe(content);
    const outputSchema = { type: "array", items: { type: "string" } };
    expect(promptContent({ turnId: "t", content, outputSchema })).toEqual([
      ...content,
      { type: "text", text: expect.stringContaining(JSON.stringify(outputSchema)) as string },
    ]);
  });
});

describe("answerIssues", () => {
  it("reads what the CLI found wrong", () => {
    const refusal =
      "Output does not match required schema: /list/0/name: must be string, root: must have required property 'a, b', /: must NOT be valid";
    expect(answerIssues(refusal)).toEqual([
      { path: "list[0].name", message: "must be string" },
      { path: "", message: "must have required property 'a, b'" },
      { path: "", message: "must NOT be valid" },
    ]);
    expect(answerIssues("Something else.")).toEqual([]);
    expect(answerIssues("Output does not match required schema: no place")).toEqual([
      { path: "", message: "no place" },
    ]);
  });
});
