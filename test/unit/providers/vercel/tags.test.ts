import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOver, labelsIn, ownLabels, tagsOf } from "../../../../providers/vercel/tags.ts";

describe("the tags that hold the labels", () => {
  it("are five at most, and give the labels back as they were", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    const names = text.filter((name) => name !== "__proto__");
    fc.assert(
      fc.property(fc.dictionary(names, text, { noNullPrototype: true, maxKeys: 4 }), (labels) => {
        const tags = tagsOf(labels);
        expect(Object.keys(tags).length).toBeLessThanOrEqual(5);
        for (const value of Object.values(tags)) expect(value).toMatch(/^[A-Za-z0-9_-]{1,256}$/);
        expect(labelsIn(tags)).toEqual(labels);
      }),
    );
  });

  it("refuse labels that are too long for them", () => {
    expect(() => tagsOf({ long: "x".repeat(800) })).toThrow("Give fewer labels, or shorter ones.");
  });

  it("are told from those of others, and from damaged ones", () => {
    expect(labelsIn(undefined)).toBeUndefined();
    expect(labelsIn({ environment: "staging" })).toBeUndefined();
    expect(labelsIn({ playpen: "sandbox", "playpen-1": "@@" })).toBeUndefined();
    expect(
      labelsIn({ playpen: "sandbox", "playpen-1": Buffer.from("[]").toString("base64url") }),
    ).toBeUndefined();
    const mixed = Buffer.from('{"a":"1","b":2}').toString("base64url");
    expect(labelsIn({ playpen: "sandbox", "playpen-1": mixed })).toEqual({ a: "1" });
  });

  it("tell when a sandbox's time is over", () => {
    expect(isOver({})).toBe(false);
    expect(isOver({ [ownLabels.endsAt]: String(Date.now() + 10_000) })).toBe(false);
    expect(isOver({ [ownLabels.endsAt]: String(Date.now() - 1) })).toBe(true);
  });
});
