import { describe, expect, it } from "vitest";
import { z } from "zod";
import { promptContent, strictSchema } from "../../../../backends/codex/strict-schema.ts";
import type { JsonObject } from "../../../../src/kit.ts";

const closed = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});

describe("strictSchema", () => {
  it("closes objects that are merely not said to be closed", () => {
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        list: {
          type: "array",
          items: { type: "object", properties: { a: { type: "integer" } }, required: ["a"] },
        },
      },
      required: ["list"],
    };
    expect(strictSchema(schema)).toEqual(
      closed({ list: { type: "array", items: closed({ a: { type: "integer" } }) } }),
    );
  });

  it("says in the description what strict mode does not know", () => {
    const property = {
      type: "string",
      description: "A name.",
      minLength: 2,
      format: "cuid",
      title: "T",
      default: "x",
    };
    expect(strictSchema(closed({ name: property }))).toEqual(
      closed({ name: { type: "string", description: "A name.; minLength: 2; format: cuid" } }),
    );
    const patterns = {
      plain: { type: "string", pattern: "^a+$" },
      around: { type: "string", pattern: "^(?=a)" },
    };
    expect(strictSchema(closed(patterns))).toEqual(
      closed({ plain: patterns.plain, around: { type: "string", description: "pattern: ^(?=a)" } }),
    );
  });

  it("keeps what strict mode knows", () => {
    const schema = closed(
      {
        when: { type: "string", format: "date-time" },
        count: { type: "integer", minimum: 0, maximum: 9 },
        tags: { type: "array", items: { $ref: "#/$defs/tag" }, minItems: 1 },
        maybe: { type: ["string", "null"] },
        choice: { anyOf: [closed({ kind: { type: "string", const: "a" } }), { type: "null" }] },
        parent: { $ref: "#" },
      },
      { $defs: { tag: { type: "string", enum: ["x", "y"] } } },
    );
    expect(strictSchema(schema)).toEqual(schema);
  });

  it("writes other words for the same", () => {
    expect(strictSchema(closed({ a: { const: "x" }, b: { enum: [1, null] } }))).toEqual(
      closed({ a: { const: "x", type: "string" }, b: { enum: [1, null], type: ["number", "null"] } }),
    );
    const definitions = { tag: { type: "string" } };
    expect(strictSchema(closed({ a: { $ref: "#/definitions/tag", title: "T" } }, { definitions }))).toEqual(
      closed({ a: { $ref: "#/$defs/tag" } }, { $defs: definitions }),
    );
    const either = [{ type: "string" }, { type: "number" }];
    expect(strictSchema(closed({ a: { oneOf: either } }))).toEqual(closed({ a: { anyOf: either } }));
    expect(strictSchema({ type: "object", additionalProperties: false })).toEqual(closed({}));
  });

  it.each<readonly [string, JsonObject]>([
    ["no object", { type: "array", items: { type: "string" } }],
    ["a choice at the top", { type: "object", anyOf: [closed({})] }],
    ["a reference at the top", { type: "object", $ref: "#/$defs/a", $defs: { a: closed({}) } }],
    ["a member that may be left out", closed({ a: { type: "string" } }, { required: [] })],
    ["a member that is required and not described", closed({}, { required: ["a"] })],
    ["members of any name", closed({ a: { type: "object", additionalProperties: { type: "string" } } })],
    ["members beside those that are described", closed({}, { additionalProperties: true })],
    ["an object of which nothing is said", closed({ a: { type: "object" } })],
    ["anything", closed({ a: {} })],
    ["anything, in one word", closed({ a: true })],
    ["a list of anything", closed({ a: { type: "array" } })],
    ["a tuple", closed({ a: { type: "array", prefixItems: [{ type: "string" }] } })],
    ["an intersection", closed({ a: { allOf: [closed({}), closed({})] } })],
    ["a negation", closed({ a: { type: "string", not: { const: "x" } } })],
    ["patterns of names", closed({ a: { type: "object", patternProperties: { "^a": { type: "string" } } } })],
    ["an unknown reference", closed({ a: { $ref: "#/$defs/none" } })],
    ["a reference with more beside it", closed({ a: { $ref: "#", type: "object" } })],
    ["a type that is none", closed({ a: { type: "text" } })],
    ["values that are objects", closed({ a: { enum: [{ b: 1 }] } })],
    ["a schema that is none", closed({ a: "string" })],
    ["what no later version can be asked about", closed({ a: { type: "string", newKeyword: 1 } })],
  ])("gives up: %s", (_, schema) => {
    expect(strictSchema(schema)).toBeUndefined();
  });

  it("gives up on schemas that are deeper than the API allows, or have no end", () => {
    let deep: JsonObject = { type: "string" };
    for (let depth = 0; depth < 11; depth++) deep = closed({ a: deep });
    expect(strictSchema(deep)).toBeUndefined();
    const endless: { [name: string]: unknown } = { type: "object", required: ["a"] };
    endless["properties"] = { a: endless };
    expect(strictSchema(endless)).toBeUndefined();
  });

  it("takes what zod makes of an object, a list, a choice and a literal", () => {
    const schema = z.object({
      name: z.string().min(1),
      age: z.number().int().nullable(),
      mail: z.email(),
      when: z.iso.datetime(),
      tags: z.array(z.enum(["a", "b"])),
      shape: z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("circle"), radius: z.number() }),
        z.object({ kind: z.literal("square"), side: z.number() }),
      ]),
    });
    expect(strictSchema(z.toJSONSchema(schema, { io: "input" }) as JsonObject)).toBeDefined();
    const optional = z.object({ name: z.string().optional() });
    expect(strictSchema(z.toJSONSchema(optional, { io: "input" }) as JsonObject)).toBeUndefined();
  });
});

describe("promptContent", () => {
  const content = [{ type: "text", text: "Go." }] as const;

  it("adds words only where the schema cannot be given", () => {
    expect(promptContent({ turnId: "t", content })).toBe(content);
    expect(promptContent({ turnId: "t", content, outputSchema: closed({}) })).toBe(content);
    const outputSchema = { type: "array", items: { type: "string" } };
    expect(promptContent({ turnId: "t", content, outputSchema })).toEqual([
      ...content,
      { type: "text", text: expect.stringContaining(JSON.stringify(outputSchema)) as string },
    ]);
  });
});
