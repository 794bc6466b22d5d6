import { execFileSync } from "node:child_process";
import { compute } from "computesdk";
import { computesdk, type ComputesdkOptions } from "playpen/computesdk";
import { describe, expect, it } from "vitest";
import { vendorCommand } from "../../../../providers/computesdk/commands.ts";
import { vendorCall } from "../../../../providers/computesdk/vendor-call.ts";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["compute", {}],
  ["compute", { sandbox: { create: () => undefined } }],
  ["provider", ""],
  ["image", 5],
  ["template", ""],
  ["timeoutMs", 0],
  ["createOptions", "large"],
  ["createOptions", { timeout: 5 }],
  ["createOptions", { envs: {} }],
  ["cwd", "relative"],
  ["env", { "A-B": "1" }],
  ["user", "root; id"],
  ["labels", { "playpen.owner": "me" }],
  ["requestTimeoutMs", -1],
  ["compte", {}],
  ["snapshot", "x"],
  ["cpus", 1],
  ["memoryBytes", "1g"],
  ["diskBytes", "1g"],
  ["pidsLimit", 5],
  ["region", "fra"],
  ["mounts", []],
];

describe("computesdk()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options = { compute, [name]: value };
    expect(() => computesdk(options as ComputesdkOptions)).toThrow(TypeError);
    expect(() => computesdk(options as ComputesdkOptions)).toThrow(`"${name}"`);
  });

  it("needs compute, and takes the package's own before it is set up", () => {
    expect(() => computesdk({} as ComputesdkOptions)).toThrow('"compute" is missing');
    expect(computesdk({ compute }).name).toBe("computesdk");
  });
});

describe("a command", () => {
  const odd = "line\nbreak \\n %b 'q' \"$HOME\" `id` ü\r\\0101";

  it("hands over odd and large variables by variables that no quoting can break", () => {
    const env = { ODD: odd, LARGE: "x".repeat(150_000) };
    const { line, env: carried } = vendorCommand(
      ["/bin/sh", "-c", 'printf "%s|%s|%s" "$ODD" "${#LARGE}" "$1"; env | grep -c PLAYPEN', "sh", odd],
      env,
    );
    for (const [name, value] of Object.entries(carried)) {
      expect(name).toMatch(/^PLAYPEN_ENV_\d+$/);
      expect(value).toMatch(/^[A-Za-z0-9+/=]+$/);
      expect(value.length).toBeLessThan(128 * 1024);
    }
    const smaller = vendorCommand(
      ["/bin/sh", "-c", 'printf "%s|%s|" "$ODD" "$1"; env | grep -c PLAYPEN', "sh", odd],
      { ODD: odd },
    );
    // `grep -c` exits with 1 when it has counted none.
    const output = execFileSync("/bin/sh", ["-c", `${smaller.line}; true`], {
      env: { PATH: process.env["PATH"] ?? "", ...smaller.env },
      encoding: "utf8",
    });
    expect(output).toBe(`${odd}|${odd}|0\n`);
    expect(Object.keys(carried)).toHaveLength(4);
    expect(line).not.toContain("xxx");
  });
});

describe("what a vendor's client throws", () => {
  it.each([
    [new Error("Sandbox abc not found"), "sandbox_not_found"],
    [Object.assign(new Error("no"), { statusCode: 401 }), "provider_authentication_failed"],
    [new Error("Request failed with status code 429"), "provider_rate_limited"],
    [new Error("outer", { cause: Object.assign(new Error("inner"), { status: 503 }) }), "provider_failed"],
    ["a text", "provider_failed"],
  ])("is told by a code: %s", async (thrown, code) => {
    const call = vendorCall({ action: "do it", id: "abc", timeoutMs: 1000 }, () =>
      Promise.reject(thrown as Error),
    );
    await expect(call).rejects.toMatchObject({ code });
  });
});
