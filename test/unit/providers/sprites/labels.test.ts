import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeLabels, encodeLabels, isOver, ownLabels } from "../../../../providers/sprites/labels.ts";

describe("labels of a sprite", () => {
  it("come back as they were, in few characters", () => {
    const text = fc.string({ unit: "grapheme" });
    const names = text.filter((name) => name !== "" && name !== "__proto__");
    fc.assert(
      fc.property(fc.dictionary(names, text, { noNullPrototype: true }), (labels) => {
        const words = encodeLabels(labels);
        expect(decodeLabels(words)).toEqual(labels);
        for (const word of words) expect(word).toMatch(/^[A-Za-z0-9%_.!~*'()-]+=[A-Za-z0-9%_.!~*'()-]*$/);
      }),
    );
  });

  it("leave out what others have put on", () => {
    expect(decodeLabels(["production", "a=b=c", "=", "%zz=1", 5, "own=1"])).toEqual({ own: "1" });
  });

  it("tell when a sprite's time is over", () => {
    expect(isOver({})).toBe(false);
    expect(isOver({ [ownLabels.endsAt]: String(Date.now() + 10_000) })).toBe(false);
    expect(isOver({ [ownLabels.endsAt]: String(Date.now() - 1) })).toBe(true);
    expect(isOver({ [ownLabels.endsAt]: "soon" })).toBe(false);
  });
});
