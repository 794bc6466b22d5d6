import { existsSync, readdirSync } from "node:fs";
import { describe, it } from "vitest";
import { acp } from "playpen/acp";
import { local } from "playpen/local";
import { backendRequirements, describeBackendConformance } from "playpen/testing";
import { repositoryRoot } from "../../../scripts/subpaths.ts";
import { acpBackend } from "../../integration/agents/scenes/acp.ts";

/**
 * Claude Code and Codex by the adapters that speak the protocol for them. Each brings a CLI of its own, of some 400 MB,
 * and is no part of what `npm run engines` installs: put there, it is tested.
 */
const folder = `${repositoryRoot}.cache/acp-adapters`;

/** The session's title is asked for some time in its first turns, of a small model, and costs something too. */
const claudeRequirements = backendRequirements.map(({ id }) => id).filter((id) => id !== "cost.turn");
const knownFailures = {
  "model.set": "models have names of the adapter's own, which the API calls otherwise",
};

for (const preset of ["claude", "codex"] as const) {
  const { cli } = acp(preset);
  const program = `${folder}/node_modules/.bin/${cli.command}`;
  const node = nodeOf(cli.nodeMajor ?? 20);
  const reason = !existsSync(program)
    ? `npm install --prefix .cache/acp-adapters ${cli.package}@${cli.version}`
    : node === undefined
      ? `it needs Node ${String(cli.nodeMajor)}: npm run test:runtimes installs one`
      : undefined;
  if (reason !== undefined || node === undefined) {
    describe.skip(`acp-${preset} [skipped: ${reason ?? ""}]`, () => it("is tested", () => undefined));
    continue;
  }
  describe(`acp-${preset}`, () => {
    describeBackendConformance(
      { describe, it },
      {
        backend: ({ url, apiKey }) => acpBackend(preset, { url, key: apiKey, command: [node, program] }),
        sandbox: () => local({ isolation: "none" }),
        patienceMs: 60_000,
        ...(preset === "codex" ? { otherModel: "gpt-5.6-sol" } : { only: claudeRequirements, knownFailures }),
      },
    );
  });
}

/** This Node, or a later one that is at hand. */
function nodeOf(major: number): string | undefined {
  if (Number(process.versions.node.split(".")[0]) >= major) return process.execPath;
  const runtimes = `${repositoryRoot}.cache/runtimes`;
  const names = existsSync(runtimes) ? readdirSync(runtimes) : [];
  const name = names.find((each) => Number(/^node-(\d+)-/.exec(each)?.[1] ?? 0) >= major);
  const machine = `node-${process.platform}-${process.arch}`;
  return name === undefined ? undefined : `${runtimes}/${name}/node_modules/${machine}/bin/node`;
}
