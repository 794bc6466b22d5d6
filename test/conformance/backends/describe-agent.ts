import { describe, it } from "vitest";
import type { ProcessMode } from "playpen/kit";
import { local } from "playpen/local";
import { backendRequirements, describeBackendConformance } from "playpen/testing";
import { describeWith } from "../../image/engines.ts";
import { hostCliDirectory } from "../../image/paths.ts";
import { isEverythingWanted } from "../../image/wanted.ts";
import { type AgentDescription, agentScenes } from "../../integration/agents/scenes/index.ts";

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
  const modes = agent.hasTurnMode === true ? (["session", "turn"] as const) : (["session"] as const);
  describeWith(["host-clis"], name, () => {
    for (const mode of modes) {
      const isWhole = isEverythingWanted || wholeIn.includes(mode);
      const wanted = isWhole ? allRequirements : coreRequirements.filter((id) => !isSlow(agent, id));
      describeRequirements(agent, mode, wanted);
    }
  });
}

const allRequirements = backendRequirements.map(({ id }) => id);

function isSlow(agent: AgentDescription, id: string): boolean {
  return agent.slowRequirements?.includes(id) === true;
}

function describeRequirements(agent: AgentDescription, mode: ProcessMode, only: readonly string[]): void {
  const knownFailures = agent.knownFailures?.[mode];
  describeBackendConformance(
    { describe, it },
    {
      backend: ({ url, apiKey }) =>
        agent.backend({ url, key: apiKey, mode, command: `${hostCliDirectory()}/${agent.command}` }),
      sandbox: () => local({ isolation: "none" }),
      only,
      ...(knownFailures === undefined ? {} : { knownFailures }),
      ...(agent.otherModel === undefined ? {} : { otherModel: agent.otherModel }),
      ...(agent.patienceMs === undefined ? {} : { patienceMs: agent.patienceMs }),
    },
  );
}
