import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describeProviderConformance, providerRequirements } from "playpen/testing";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../../../scripts/subpaths.ts";
import { folderSandbox } from "./folder-sandbox.ts";

interface Registered {
  readonly suites: string[];
  readonly run: string[];
  readonly skipped: string[];
}

function register(skip?: { readonly [id: string]: string }): Registered {
  const registered: Registered = { suites: [], run: [], skipped: [] };
  const framework = {
    describe: (name: string, suite: () => void) => {
      registered.suites.push(name);
      suite();
    },
    it: Object.assign((name: string) => void registered.run.push(name), {
      skip: (name: string) => void registered.skipped.push(name),
    }),
  };
  describeProviderConformance(framework, { create: folderSandbox, ...(skip === undefined ? {} : { skip }) });
  return registered;
}

describe("describeProviderConformance", () => {
  it("registers each requirement once, with its id", () => {
    const { suites, run, skipped } = register();
    expect(suites).toEqual(["provider folder"]);
    const ids = [...run, ...skipped].map((name) => name.split(":")[0]);
    expect(ids.sort()).toEqual(providerRequirements.map(({ id }) => id).sort());
  });

  it("skips what needs a capability that the provider does not have, and says so", () => {
    const { skipped } = register();
    const capabilities: { readonly [name: string]: unknown } = { ...folderSandbox().capabilities };
    const needed = providerRequirements.filter(
      ({ needs }) => needs !== undefined && ["none", undefined].includes(capabilities[needs] as string),
    );
    expect(needed.map(({ needs }) => needs)).toEqual(expect.arrayContaining(["detach", "users", "pause"]));
    expect(skipped.length).toBe(needed.length);
    expect(skipped.find((name) => name.startsWith("process.user:"))).toMatch(
      /\[skipped: folder declares users: "none"\]$/,
    );
    expect(skipped.find((name) => name.startsWith("ability.pause:"))).toMatch(
      /\[skipped: folder does not declare the ability "pause"\]$/,
    );
  });

  it("skips what the author has named, with the reason", () => {
    const { run, skipped } = register({ "process.parallel": "one process at a time, by the vendor's plan" });
    expect(run.some((name) => name.startsWith("process.parallel:"))).toBe(false);
    expect(skipped).toContainEqual(expect.stringMatching(/^process\.parallel: .*\[skipped: one process/));
  });

  it("refuses a skip of an unknown id", () => {
    expect(() => register({ "process.paralel": "a misspelt id" })).toThrow(
      'describeProviderConformance: skip names "process.paralel", which is no requirement.',
    );
  });

  it("refuses a skip without a reason", () => {
    expect(() => register({ "process.parallel": " " })).toThrow(
      'describeProviderConformance: skip of "process.parallel" needs a reason.',
    );
  });

  it("works with Node's own test runner", () => {
    const file = fileURLToPath(new URL("run-by-node-test.ts", import.meta.url));
    const options = [
      "--import",
      "tsx",
      "--test-reporter",
      "tap",
      "--test-name-pattern",
      "/^(provider\\.|process\\.exit-code)/",
    ];
    const { stdout, status } = spawnSync(process.execPath, [...options, "--test", file], {
      cwd: repositoryRoot,
      encoding: "utf8",
      timeout: 60_000,
    });
    expect(stdout).toMatch(/^ *not ok \d+ - provider\.name: /m);
    expect(stdout).toMatch(/expected small letters, digits and -, saw "Not A Name"/);
    expect(stdout).toMatch(/^ *ok \d+ - provider\.check: /m);
    expect(stdout).toMatch(/ok \d+ - process\.exit-code: .*\[skipped: to see a reason\] # SKIP/);
    expect(status).toBe(1);
  });
});
