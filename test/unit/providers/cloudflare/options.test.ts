import { cloudflare, type CloudflareOptions } from "playpen/cloudflare";
import { describe, expect, it } from "vitest";
import { resolveOptions } from "../../../../providers/cloudflare/options.ts";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["url", ""],
  ["url", 5],
  ["url", "playpen-bridge.example.workers.dev"],
  ["url", "http://playpen-bridge.example.workers.dev"],
  ["url", "http://localhost.example.com"],
  ["url", "https://example.com?x"],
  ["url", "https://a b"],
  ["token", ""],
  ["token", 1],
  ["timeoutMs", 0],
  ["cwd", "relative"],
  ["env", { "A-B": "1" }],
  ["user", "root; id"],
  ["labels", { "playpen.owner": "me" }],
  ["requestTimeoutMs", -1],
  ["createTimeoutMs", "long"],
  ["tokne", "x"],
  ["image", "node:22"],
  ["template", "x"],
  ["snapshot", "x"],
  ["cpus", 2],
  ["memoryBytes", "2g"],
  ["diskBytes", "10g"],
  ["pidsLimit", 5],
  ["region", "weur"],
  ["mounts", []],
];

describe("cloudflare()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options = { [name]: value };
    expect(() => cloudflare(options as CloudflareOptions)).toThrow(TypeError);
    expect(() => cloudflare(options as CloudflareOptions)).toThrow(`"${name}"`);
  });

  it.each([
    "https://playpen-bridge.example.workers.dev",
    "https://example.com/bridge/",
    "http://127.0.0.1:8787",
    "http://localhost:8787",
  ])("takes the address %s", (url) => {
    expect(resolveOptions({ url }).url).toBe(url);
  });

  it("has the home folder's own workspace, and another one for another user", () => {
    expect([resolveOptions({}).cwd, resolveOptions({ user: "node" }).cwd]).toEqual(["", "/workspace"]);
    expect(resolveOptions({ user: "node", cwd: "/srv" }).cwd).toBe("/srv");
  });

  it("shows no secret", () => {
    const provider = cloudflare({ token: "secret-token", env: { KEY: "secret-value" } });
    expect(JSON.stringify(provider.describe?.())).not.toContain("secret");
  });
});
