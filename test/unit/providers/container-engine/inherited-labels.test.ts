import { describe, expect, it } from "vitest";
import { hasLabels } from "playpen/kit";
import {
  labelsIn,
  visibleLabels,
  withHidden,
} from "../../../../providers/container-engine/inherited-labels.ts";

const own = { "playpen.provider": "docker", colour: "red" };

describe("labels of a container made of a snapshot", () => {
  const ofImage = { "playpen.provider": "docker", colour: "blue", size: "1" };

  it("are the sandbox's own, not those of the sandbox before", () => {
    const labels = withHidden(own, ofImage);
    // As an engine merges them.
    const merged = { ...ofImage, ...labels };
    expect(merged).toMatchObject({ size: "", colour: "red" });
    expect(visibleLabels(merged)).toEqual(own);
  });

  it("stay apart over generations", () => {
    const first = { ...ofImage, ...withHidden(own, ofImage) };
    const second = { ...first, ...withHidden({ ...own, size: "" }, first) };
    expect(visibleLabels(second)).toEqual({ ...own, size: "" });
    expect(hasLabels(visibleLabels(second), { size: "" })).toBe(true);
    expect(hasLabels(visibleLabels(first), { size: "" })).toBe(false);
  });

  it("are left alone where the image is no snapshot", () => {
    expect(withHidden(own, { maintainer: "somebody" })).toEqual(own);
    expect(visibleLabels({ ...own, maintainer: "somebody" })).toEqual({ ...own, maintainer: "somebody" });
  });

  it("are read from whatever an engine says", () => {
    expect(labelsIn({ Labels: { a: "b", c: 5 } })).toEqual({ a: "b" });
    for (const nothing of [undefined, null, {}, { Labels: null }, { Labels: "a" }])
      expect(labelsIn(nothing)).toEqual({});
    expect(visibleLabels({ "playpen.hidden-labels": "no JSON", a: "b" })).toEqual({ a: "b" });
  });
});
