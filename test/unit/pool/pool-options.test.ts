import { describe, expect, it } from "vitest";
import { SandboxPool } from "../../../src/pool/sandbox-pool.ts";
import { scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { countingProvider, openPool, settle } from "./support.ts";

describe("the options of a pool", () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ size: -1 }, /SandboxPool.*"size" must be a whole number, 0 or above, received -1/],
    [{ size: 1.5 }, /"size"/],
    [{ maxSize: 0 }, /"maxSize"/],
    [{ size: 5, maxSize: 4 }, /"size" must be at most "maxSize" \(4\), received 5/],
    [{ concurrency: 0 }, /"concurrency"/],
    [{ idleTtlMs: 0 }, /"idleTtlMs"/],
    [{ takeTimeoutMs: Infinity }, /"takeTimeoutMs"/],
    [{ createTimeoutMs: "1s" }, /"createTimeoutMs"/],
    [{ backoff: { initialMs: 1 } }, /"backoff" must be an object \{ initialMs, maxMs \}/],
    [{ backoff: { initialMs: 2, maxMs: 1 } }, /of milliseconds, the first at most the second/],
    [{ onPermission: () => undefined }, /"onPermission" would never be asked/],
    [{ ttlMs: 1e300 }, /at most a hundred years/],
    [{ checkOnTake: 1 }, /"checkOnTake"/],
    [{ onEvent: 1 }, /"onEvent"/],
    [{ signal: 1 }, /"signal"/],
    [{ sise: 3 }, /^new SandboxPool\(\): unknown option "sise"\. Did you mean "size"/],
    [{ cwd: "relative" }, /^new SandboxPool\(\): option "cwd"/],
    [{ ttlMs: 0 }, /^new SandboxPool\(\): option "ttlMs"/],
    [{ setup: { comands: [] } }, /^new SandboxPool\(\): option "setup"/],
    [{ labels: { "playpen.owner": "me" } }, /belong to the library/],
    [{ agent: undefined }, /"agent" is required/],
    [{ sandbox: undefined }, /^new SandboxPool\(\): option "sandbox" is required/],
    [{ session: 1 }, /"session"/],
    [{ session: { resume: "abc" } }, /"session" must be without "resume"/],
    [
      { session: { modle: "abc" } },
      /^new SandboxPool\(\{ session \}\): unknown option "modle"\. Did you mean "model"/,
    ],
    [{ session: { cwd: "relative" } }, /^new SandboxPool\(\{ session \}\): option "cwd"/],
    [{ permissions: { allow: "read" } }, /permission/],
  ];
  for (const [options, message] of wrong) {
    it(`refuse ${JSON.stringify(options)} before anything starts`, async () => {
      const provider = countingProvider();
      const all = { sandbox: provider, agent: scriptedBackend(), ...options };
      expect(() => new SandboxPool(all)).toThrow(TypeError);
      expect(() => new SandboxPool(all)).toThrow(message);
      await settle();
      expect(provider.created).toBe(0);
    });
  }

  it("refuse what is missing or cannot be had before anything starts", () => {
    const sandbox = countingProvider();
    const credentials = { anyOf: [["NO_SUCH_KEY"]], forwarded: ["NO_SUCH_KEY"], secret: ["NO_SUCH_KEY"] };
    const codeOf = (make: () => unknown): unknown => {
      try {
        make();
      } catch (error) {
        return error instanceof Error && "code" in error ? error.code : error;
      }
      return undefined;
    };
    expect(codeOf(() => new SandboxPool({ sandbox, agent: scriptedBackend({ credentials }) }))).toBe(
      "credential_missing",
    );
    const agent = scriptedBackend({ capabilities: { skills: false } });
    const skills = [{ name: "a", files: { "SKILL.md": "text" } }];
    expect(codeOf(() => new SandboxPool({ sandbox, agent, session: { skills } }))).toBe("unsupported");
    expect(sandbox.created).toBe(0);
  });

  it("have defaults", () => {
    expect(openPool().pool).toMatchObject({ size: 1, maxSize: 10 });
    expect(openPool({ size: 12 }).pool.maxSize).toBe(12);
    const { pool } = openPool({ maxSize: 3 });
    for (const size of [-1, 0.5, 4, NaN]) {
      expect(() => {
        pool.resize(size);
      }).toThrow(TypeError);
    }
    expect(pool.size).toBe(1);
  });

  it("take the agent from the session, too", async () => {
    const { pool } = openPool({ session: { agent: scriptedBackend({ name: "another" }) } });
    await using taken = await pool.take();
    expect(taken.session.agent).toBe("another");
  });
});
