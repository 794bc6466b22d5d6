import { vercel } from "playpen/vercel";
import { describe, expect, it } from "vitest";
import { resolveVercelOptions } from "../../../../providers/vercel/options.ts";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["token", ""],
  ["teamId", 1],
  ["projectId", ""],
  ["baseUrl", "vercel.com"],
  ["image", ""],
  ["snapshot", 5],
  ["cpus", 0],
  ["cpus", 1.5],
  ["timeoutMs", -1],
  ["region", ""],
  ["ports", 3000],
  ["ports", [0]],
  ["ports", [70_000]],
  ["ports", Array.from({ length: 16 }, (_, index) => index + 1)],
  ["cwd", "workspace"],
  ["env", { "A-B": "1" }],
  ["user", "root; id"],
  ["labels", { "playpen.owner": "me" }],
  ["requestTimeoutMs", 0],
  ["template", "base"],
  ["memoryBytes", "2g"],
  ["diskBytes", "2g"],
  ["pidsLimit", 5],
  ["mounts", []],
  ["tokne", "x"],
];

describe("vercel()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options: object = { [name]: value };
    expect(() => vercel(options)).toThrow(TypeError);
    expect(() => vercel(options)).toThrow(`"${name}"`);
  });

  it("says what to do instead of an option that the vendor has no word for", () => {
    const options: object = { memoryBytes: "4g" };
    expect(() => vercel(options)).toThrow('choose with "cpus"');
  });

  it("refuses an image and a snapshot at once", () => {
    expect(() => vercel({ image: "vercel/sandbox/ubuntu", snapshot: "snap_1" })).toThrow(
      "exclude each other",
    );
  });

  it("fills in what is missing", () => {
    expect(resolveVercelOptions({ baseUrl: "http://127.0.0.1:1/api/", cpus: undefined as never })).toEqual({
      baseUrl: "http://127.0.0.1:1/api",
      timeoutMs: 300_000,
      ports: [],
      env: {},
      labels: {},
      requestTimeoutMs: 60_000,
    });
  });

  it("does nothing when it is called, and shows no secret", () => {
    const provider = vercel({ token: "secret-token", env: { KEY: "secret-value" } });
    expect(provider.name).toBe("vercel");
    expect(JSON.stringify(provider.describe?.())).not.toContain("secret");
  });
});
