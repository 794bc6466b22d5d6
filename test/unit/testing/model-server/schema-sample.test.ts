import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/spec/json.ts";
import { sampleOf, schemaOf } from "../../../../src/testing/model-server/schema-sample.ts";

describe("sampleOf", () => {
  it.each<[string, JsonObject, unknown]>([
    ["a constant", { const: 3, type: "string" }, 3],
    ["the first of an enumeration", { type: "string", enum: ["user", "model"] }, "user"],
    ["a text", { type: "string" }, "None"],
    ["a text that is long enough", { type: "string", minLength: 6 }, "None.."],
    ["the least number", { type: "integer", minimum: 2 }, 2],
    ["a number", { type: ["number", "null"] }, 0],
    ["a truth", { type: "BOOLEAN" }, false],
    ["no more items than are wanted", { type: "array", items: { type: "number" }, minItems: 2 }, [0, 0]],
    ["an empty list", { type: "array", items: { type: "number" } }, []],
    ["the first alternative", { anyOf: [{ type: "boolean" }, { type: "string" }] }, false],
    ["nothing when nothing is said", {}, null],
    [
      "what an object requires",
      { properties: { a: { type: "string" }, b: { type: "string" } }, required: ["b"] },
      { b: "None" },
    ],
    [
      "all of an object that requires nothing",
      { type: "object", properties: { title: { type: "string" }, n: { type: "number" } } },
      { title: "A session with a stand-in model", n: 0 },
    ],
    [
      "what is defined elsewhere",
      {
        type: "object",
        properties: { a: { $ref: "#/$defs/x~1y" } },
        $defs: { "x/y": { type: "object", properties: { deep: { type: "boolean" } } } },
      },
      { a: { deep: false } },
    ],
  ])("makes %s", (_name, schema, value) => {
    expect(sampleOf(schema)).toEqual(value);
  });

  it("ends where a schema does not", () => {
    const schema = { type: "object", properties: { next: { $ref: "#" } } };
    expect(JSON.stringify(sampleOf(schema))).toMatch(/^(?:\{"next":)+null\}+$/);
  });
});

describe("schemaOf", () => {
  it("finds the schema in the format of each API", () => {
    const schema = { type: "object", properties: {} };
    expect(schemaOf({ type: "json_schema", json_schema: { name: "x", schema } })).toBe(schema);
    expect(schemaOf({ type: "json_schema", name: "x", schema })).toBe(schema);
    expect(schemaOf(schema)).toBe(schema);
  });
});
