import { local } from "playpen/local";
import {
  backendRequirements,
  describeBackendConformance,
  type BackendConformanceOptions,
} from "playpen/testing";
import { describe, expect, it } from "vitest";
import { referenceAgent } from "./reference/reference-agent.ts";

/** What the suite registers with a test framework. */
function register(options: Partial<BackendConformanceOptions> = {}) {
  const run = new Map<string, () => Promise<void>>();
  const skipped: string[] = [];
  const suites: string[] = [];
  describeBackendConformance(
    {
      describe: (name, suite) => {
        suites.push(name);
        suite();
      },
      it: Object.assign((name: string, test: () => Promise<void>) => void run.set(name, test), {
        skip: (name: string) => void skipped.push(name),
      }),
    },
    { backend: referenceAgent, sandbox: () => local({ isolation: "none" }), ...options },
  );
  return { run, skipped, suites };
}

const idOf = (name: string): string => name.split(":")[0] ?? "";

describe("describeBackendConformance", () => {
  it("registers each requirement once, with its id", () => {
    const { suites, run, skipped } = register();
    expect(suites).toEqual(["backend reference in mode session"]);
    expect([...run.keys(), ...skipped].map(idOf).sort()).toEqual(
      backendRequirements.map(({ id }) => id).sort(),
    );
  });

  it("skips what needs an ability that is not declared, and says so", () => {
    const { skipped } = register({
      backend: (connection) => {
        const agent = referenceAgent(connection);
        return { ...agent, capabilities: { ...agent.capabilities, images: false } };
      },
    });
    expect(skipped.map(idOf)).toContain("image.shown");
    expect(skipped.find((name) => name.startsWith("image.shown:"))).toMatch(/\[skipped: .*images.*\]$/);
  });

  it("registers only what is named", () => {
    const { run, skipped } = register({ only: ["tool.result", "text.deltas"] });
    expect([...run.keys()].map(idOf)).toEqual(["text.deltas", "tool.result"]);
    expect(skipped).toEqual([]);
  });

  it("runs what is known to fail, and fails when it does not", async () => {
    const { run } = register({ only: ["text.complete"], knownFailures: { "text.complete": "it stutters" } });
    const [[name, test] = ["", () => Promise.resolve()]] = [...run];
    expect(name).toMatch(/^text\.complete: .* \[known to fail: it stutters\]$/);
    await expect(test()).rejects.toThrow("text.complete is fulfilled now");
  });

  it("refuses ids that no requirement has, and failures without a reason", () => {
    expect(() => register({ only: ["text.delta"] })).toThrow(
      'only names "text.delta", which is no requirement',
    );
    expect(() => register({ knownFailures: { "text.delta": "x" } })).toThrow(
      'knownFailures names "text.delta", which is no requirement',
    );
    expect(() => register({ knownFailures: { "text.deltas": " " } })).toThrow(
      'the known failure of "text.deltas" needs a reason',
    );
  });
});
