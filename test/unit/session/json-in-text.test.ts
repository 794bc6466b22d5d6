import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonIn } from "../../../src/session/json-in-text.ts";

describe("jsonIn", () => {
  it.each([
    ['{"a":1}', { a: 1 }],
    [" [1, 2] \n", [1, 2]],
    ["42", 42],
    ['"text"', "text"],
    ['Here it is:\n```json\n{"a":1}\n```\nDone.', { a: 1 }],
    ['```\n{"a":1}\n```\nor rather\n```json\n{"a":2}\n```', { a: 2 }],
    ['The answer is {"a":{"b":[1]}}.', { a: { b: [1] } }],
    ['First {"a":1}, then {"a":2}', { a: 2 }],
    ['It says "{" and then {"a":"}"} at last', { a: "}" }],
    ["{not json} but [1]", [1]],
    ["It's {\"a\": 1} isn't it", { a: 1 }],
    ["no JSON at all", undefined],
    ["", undefined],
    ["{", undefined],
    ['{"a":1', undefined],
  ])("finds in %j", (text, value) => {
    expect(jsonIn(text)).toEqual(value);
  });

  it("finds any object behind words", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom("", "So: ", "It's "),
        (value, words) => {
          const text = JSON.stringify(value);
          expect(jsonIn(`${words}${text}`)).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  it("is bounded on a text that is all brackets", () => {
    expect(jsonIn("[{".repeat(1_000_000))).toBeUndefined();
  });
});
