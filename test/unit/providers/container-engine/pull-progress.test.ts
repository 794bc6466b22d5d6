import { describe, expect, it } from "vitest";
import { PullProgress, withTag } from "../../../../providers/container-engine/pull-image.ts";

describe("PullProgress", () => {
  it("sums up the layers and never goes back", () => {
    const progress = new PullProgress();
    progress.take({ status: "Pulling from library/x", id: "latest" });
    expect(progress.fraction).toBeUndefined();
    const fractions: (number | undefined)[] = [];
    for (const [status, id, current, total] of [
      ["Pulling fs layer", "a", 0, 0],
      ["Downloading", "a", 50, 100],
      ["Downloading", "b", 0, 300],
      ["Download complete", "a", 0, 0],
      ["Extracting", "a", 50, 100],
      ["Pull complete", "a", 0, 0],
      ["Download complete", "b", 0, 0],
      ["Extracting", "b", 300, 300],
      ["Pull complete", "b", 0, 0],
    ] as const) {
      progress.take({ status, id, progressDetail: total === 0 ? {} : { current, total } });
      fractions.push(progress.fraction);
    }
    expect(fractions.at(0)).toBeUndefined();
    expect(fractions.at(1)).toBe(0.25);
    expect(fractions.at(-1)).toBe(1);
    const known = fractions.filter((fraction) => fraction !== undefined);
    expect(known).toEqual([...known].sort((left, right) => left - right));
    expect(progress.message).toBe("Pull complete b");
  });

  it("takes anything", () => {
    const progress = new PullProgress();
    for (const entry of [
      null,
      5,
      [],
      {},
      { status: 1, id: 2 },
      { status: "New", id: "a", progressDetail: 3 },
    ]) {
      progress.take(entry);
    }
    expect(progress.fraction).toBeUndefined();
  });
});

describe("withTag", () => {
  it.each([
    ["node", "node:latest"],
    ["node:22", "node:22"],
    ["registry:5000/team/node", "registry:5000/team/node:latest"],
    ["registry:5000/node:22", "registry:5000/node:22"],
    ["node@sha256:abc", "node@sha256:abc"],
  ])("turns %s into %s", (image, expected) => {
    expect(withTag(image)).toBe(expected);
  });
});
