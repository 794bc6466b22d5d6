import { e2b } from "playpen/e2b";
import { describe, expect, it } from "vitest";
import { resolveE2bOptions } from "../../../../providers/e2b/e2b-options.ts";

const volume = { source: "data", target: "/data", type: "volume", writable: true };
const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["apiKey", ""],
  ["template", 7],
  ["snapshot", ""],
  ["timeoutMs", 0],
  ["cwd", "workspace"],
  ["env", { "A-B": "1" }],
  ["user", "root; id"],
  ["mounts", [{ ...volume, writable: false }]],
  ["mounts", [{ ...volume, type: "bind", source: "/data" }]],
  ["mounts", [{ source: "data" }]],
  ["network", "none"],
  ["network", { allow: "github.com" }],
  ["network", { deny: [] }],
  ["labels", { "playpen.owner": "me" }],
  ["labels", { a: 1 }],
  ["domain", ""],
  ["apiUrl", "api.e2b.app"],
  ["sandboxUrl", "ftp://host"],
  ["requestTimeoutMs", -1],
  ["image", "node:22"],
  ["cpus", 2],
  ["memoryBytes", "2g"],
  ["diskBytes", "10g"],
  ["pidsLimit", 5],
  ["region", "eu"],
  ["templte", "base"],
];

describe("e2b()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options: object = { [name]: value };
    expect(() => e2b(options)).toThrow(TypeError);
    expect(() => e2b(options)).toThrow(`"${name}"`);
  });

  it("takes a template or a snapshot, and not both", () => {
    expect(() => e2b({ template: "a", snapshot: "b" })).toThrow(
      '"template" and "snapshot" exclude each other',
    );
  });

  it("fills in what is missing", () => {
    expect(resolveE2bOptions({ template: "mine", cwd: undefined as never })).toEqual({
      template: "mine",
      timeoutMs: 600_000,
      env: {},
      mounts: [],
      network: "allow-all",
      labels: {},
      requestTimeoutMs: 60_000,
    });
  });

  it("does nothing when it is called, and shows no secret", () => {
    const provider = e2b({ apiKey: "secret-key", env: { KEY: "secret-value" } });
    expect(provider.name).toBe("e2b");
    expect(JSON.stringify(provider.describe?.())).not.toContain("secret");
  });
});
