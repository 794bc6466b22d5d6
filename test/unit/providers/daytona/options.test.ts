import { daytona } from "playpen/daytona";
import { describe, expect, it } from "vitest";
import { commandText, parted, scriptOf } from "../../../../providers/daytona/daytona-machine.ts";
import { resolveDaytonaOptions } from "../../../../providers/daytona/daytona-options.ts";
import { settingsOf } from "../../../../providers/daytona/daytona-sandbox.ts";
import { minutesOf } from "../../../../providers/daytona/daytona-service.ts";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["apiKey", ""],
  ["apiUrl", "app.daytona.io"],
  ["template", 7],
  ["image", ""],
  ["cpus", 2],
  ["memoryBytes", "4g"],
  ["diskBytes", "10g"],
  ["region", ""],
  ["timeoutMs", 0],
  ["cwd", "workspace"],
  ["env", { "A-B": "1" }],
  ["user", "1000:1000"],
  ["labels", { "playpen.owner": "me" }],
  ["createTimeoutMs", -1],
  ["requestTimeoutMs", "60s"],
  ["snapshot", "prepared"],
  ["pidsLimit", 5],
  ["mounts", []],
  ["templte", "base"],
];

describe("daytona()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options: object = { [name]: value };
    expect(() => daytona(options)).toThrow(TypeError);
    expect(() => daytona(options)).toThrow(`"${name}"`);
  });

  it("takes a template or an image, and whole processors", () => {
    expect(() => daytona({ template: "a", image: "b" })).toThrow('"template" and "image" exclude each other');
    expect(() => daytona({ image: "b", cpus: 1.5 })).toThrow('"cpus" must be a whole number');
  });

  it("fills in what is missing, and reads sizes", () => {
    expect(resolveDaytonaOptions({ image: "node:22", memoryBytes: "4g", cwd: undefined as never })).toEqual({
      image: "node:22",
      memoryBytes: 4 * 2 ** 30,
      timeoutMs: 900_000,
      env: {},
      labels: {},
      createTimeoutMs: 300_000,
      requestTimeoutMs: 60_000,
    });
  });

  it("does nothing when it is called, and shows no secret", () => {
    const provider = daytona({ apiKey: "secret-key", env: { KEY: "secret-value" } });
    expect(provider.name).toBe("daytona");
    expect(JSON.stringify(provider.describe?.())).not.toContain("secret");
  });
});

describe("what is sent to the daemon", () => {
  it("has a command in a text that a shell and a splitter of words take alike", () => {
    const script = scriptOf(["echo", "it's", '"$HOME"', "a\nb", ""]);
    const text = commandText(script);
    expect(text).toMatch(/^\/bin\/sh -c 'eval "\$\(printf %s [A-Za-z0-9+/=]+ \| base64 -d\)"'$/);
    const [, encoded = ""] = /%s (\S+)/.exec(text) ?? [];
    expect(Buffer.from(encoded, "base64").toString()).toBe(script);
  });

  it("comes back with both outputs apart", () => {
    expect(parted(0, "out\nplaypen-said\nx")).toEqual({
      code: 0,
      stdout: "out\nplaypen-said\nx",
      stderr: "",
    });
    expect(parted(3, "out\nplaypen-said\nwhy")).toEqual({ code: 3, stdout: "out", stderr: "why" });
    expect(parted(137, "cut")).toEqual({ code: 137, stdout: "cut", stderr: "cut" });
  });

  it("has times in minutes, never none", () => {
    expect([1, 60_000, 60_001, 900_000].map(minutesOf)).toEqual([1, 1, 2, 15]);
  });

  it("has addresses and names of a network policy apart", () => {
    expect(settingsOf({ allow: ["github.com", "10.0.0.1", "10.1.0.0/16", "*.npmjs.org"] })).toEqual({
      networkBlockAll: false,
      networkAllowList: "10.0.0.1/32,10.1.0.0/16",
      domainAllowList: "github.com,*.npmjs.org",
    });
    expect(settingsOf("deny-all").networkBlockAll).toBe(true);
  });
});
