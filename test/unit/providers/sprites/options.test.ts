import { sprites } from "playpen/sprites";
import { describe, expect, it } from "vitest";
import { resolveSpritesOptions } from "../../../../providers/sprites/options.ts";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["token", ""],
  ["baseUrl", "api.sprites.dev"],
  ["runtime", "large"],
  ["cpus", 0],
  ["cpus", 1.5],
  ["memoryBytes", "much"],
  ["diskBytes", 12],
  ["region", ""],
  ["waitForCapacity", "yes"],
  ["publicUrl", 1],
  ["cwd", "workspace"],
  ["env", { "A-B": "1" }],
  ["user", "root; id"],
  ["labels", { "playpen.owner": "me" }],
  ["labels", { a: 1 }],
  ["requestTimeoutMs", 0],
  ["image", "node:22"],
  ["template", "base"],
  ["snapshot", "v1"],
  ["pidsLimit", 5],
  ["timeoutMs", 60_000],
  ["mounts", []],
  ["tokne", "x"],
];

describe("sprites()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options: object = { [name]: value };
    expect(() => sprites(options)).toThrow(TypeError);
    expect(() => sprites(options)).toThrow(`"${name}"`);
  });

  it("says what to do instead of an option that the vendor has no word for", () => {
    const options: object = { timeoutMs: 60_000 };
    expect(() => sprites(options)).toThrow("goes with destroy()");
  });

  it("suggests the option that was meant", () => {
    const options: object = { publicURL: true };
    expect(() => sprites(options)).toThrow('Did you mean "publicUrl"?');
  });

  it("fills in what is missing, and reads sizes", () => {
    expect(resolveSpritesOptions({ memoryBytes: "2g", diskBytes: "10g", cpus: undefined as never })).toEqual({
      memoryBytes: 2 * 2 ** 30,
      diskBytes: 10 * 2 ** 30,
      publicUrl: false,
      env: {},
      labels: {},
      requestTimeoutMs: 60_000,
    });
  });

  it("does nothing when it is called, and shows no secret", () => {
    const provider = sprites({ token: "secret-token", env: { KEY: "secret-value" } });
    expect(provider.name).toBe("sprites");
    expect(JSON.stringify(provider.describe?.())).not.toContain("secret");
  });
});
