import { describe, it } from "vitest";
import type { ProcessMode } from "playpen/kit";
import { local } from "playpen/local";
import { backendRequirements, describeBackendConformance, type TestFramework } from "playpen/testing";
import { describeWith } from "../../image/engines.ts";
import { hostCliDirectory } from "../../image/paths.ts";
import { isEverythingWanted } from "../../image/wanted.ts";
import { type AgentDescription, agentScenes } from "../../integration/agents/scenes/index.ts";

/** What most CLIs spend their time on by waiting between refused requests: for all agents side by side, by itself. */
const waitingRequirements: readonly string[] = ["failure.429", "failure.500", "failure.dropped"];

/** What an agent is good for without anything else. */
const coreRequirements: readonly string[] = [
  "text.deltas",
  "turn.memory",
  "tool.result",
  "session.resume",
  "session.resume-unknown",
  "permission.allowed",
  "permission.denied",
  "permission.deny-all",
  "interrupt.text",
  "interrupt.tool",
  "failure.401",
  "failure.429",
  "failure.500",
  "failure.killed",
  "mcp.tool",
  "output.structured",
];

/**
 * Declares the suite for the real CLI of one agent, in every mode that its backend has. It is whole in the modes that
 * are named, which by default is the one that can do the most; in others only the core of it is run, unless everything
 * is asked for (`npm run test:all`).
 */
export function describeAgent(name: string, wholeIn: readonly ProcessMode[] = ["session"]): void {
  const agent = agentScenes.find((scene) => scene.name === name);
  if (agent === undefined) throw new Error(`There is no description of ${name} in agentScenes.`);
  describeWith(["host-clis"], name, () => {
    for (const mode of modesOf(agent)) {
      const wanted = isEverythingWanted || wholeIn.includes(mode) ? allRequirements : coreRequirements;
      const only = wanted.filter((id) => !waitingRequirements.includes(id));
      describeRequirements({ describe, it }, agent, mode, only);
    }
  });
}

/**
 * Declares what all agents mostly wait for, side by side: the whole of it in the mode that can do the most, in others
 * what belongs to the core of the suite and does not take minutes, unless everything is asked for.
 */
export function describeWaiting(): void {
  describeWith(["host-clis"], "refused by the model", () => {
    for (const agent of agentScenes)
      for (const mode of modesOf(agent)) {
        const isWhole = isEverythingWanted || mode === "session";
        const only = isWhole
          ? waitingRequirements
          : waitingRequirements.filter((id) => isQuickCore(agent, id));
        describeRequirements(sideBySide(`${agent.name} in mode ${mode}`), agent, mode, only);
      }
  });
}

const allRequirements = backendRequirements.map(({ id }) => id);

function modesOf(agent: AgentDescription): readonly ProcessMode[] {
  return agent.hasTurnMode === true ? ["session", "turn"] : ["session"];
}

function isQuickCore(agent: AgentDescription, id: string): boolean {
  return coreRequirements.includes(id) && agent.slowRequirements?.includes(id) !== true;
}

/** One flat suite: vitest lets the tests of different suites wait for each other. */
function sideBySide(prefix: string): TestFramework {
  const test = (name: string, run: () => Promise<void>, timeoutMs: number): void =>
    it.concurrent(`${prefix}: ${name}`, run, timeoutMs);
  return {
    describe: (_name, suite) => suite(),
    it: Object.assign(test, { skip: it.skip }),
  };
}

function describeRequirements(
  framework: TestFramework,
  agent: AgentDescription,
  mode: ProcessMode,
  only: readonly string[],
): void {
  const knownFailures = agent.knownFailures?.[mode];
  describeBackendConformance(framework, {
    backend: ({ url, apiKey }) =>
      agent.backend({ url, key: apiKey, mode, command: `${hostCliDirectory()}/${agent.command}` }),
    sandbox: () => local({ isolation: "none" }),
    only,
    ...(knownFailures === undefined ? {} : { knownFailures }),
    ...(agent.otherModel === undefined ? {} : { otherModel: agent.otherModel }),
    ...(agent.patienceMs === undefined ? {} : { patienceMs: agent.patienceMs }),
  });
}
