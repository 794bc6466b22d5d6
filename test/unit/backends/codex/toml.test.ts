import { describe, expect, it } from "vitest";
import { isTomlValue, tomlDocument, tomlValue } from "../../../../backends/codex/toml.ts";

describe("TOML", () => {
  it("writes values on one line", () => {
    expect(tomlValue('a "b"\n\u007f\\')).toBe('"a \\"b\\"\\n\\u007f\\\\"');
    expect(tomlValue([1, 2.5, true, "x"])).toBe('[1, 2.5, true, "x"]');
    expect(tomlValue({ a: { "b c": [] }, d: -1 })).toBe('{a = {"b c" = []}, d = -1}');
    expect(tomlDocument({ a: 1, "/b": {} })).toBe('a = 1\n"/b" = {}\n');
  });

  it("knows what TOML cannot hold", () => {
    for (const value of [
      null,
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      [null],
      { a: undefined },
      1n,
    ]) {
      expect(isTomlValue(value)).toBe(false);
    }
    expect(isTomlValue({ a: [1, "b", { c: true }] })).toBe(true);
  });
});
