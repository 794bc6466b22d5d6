import { describe, it } from "vitest";
import type { ProcessMode } from "playpen/kit";
import { local } from "playpen/local";
import { describeBackendConformance } from "playpen/testing";
import { describeWith } from "../../image/engines.ts";
import { hostCliDirectory } from "../../image/paths.ts";
import { agentScenes } from "../../integration/agents/scenes/index.ts";

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

const isEverythingWanted = process.env["PLAYPEN_TEST_ALL"] === "true";

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
      const knownFailures = agent.knownFailures?.[mode];
      const slow = agent.slowRequirements ?? [];
      const isWhole = isEverythingWanted || wholeIn.includes(mode);
      describeBackendConformance(
        { describe, it },
        {
          backend: ({ url, apiKey }) =>
            agent.backend({ url, key: apiKey, mode, command: `${hostCliDirectory()}/${agent.command}` }),
          sandbox: () => local({ isolation: "none" }),
          ...(isWhole ? {} : { only: coreRequirements.filter((id) => !slow.includes(id)) }),
          ...(knownFailures === undefined ? {} : { knownFailures }),
          ...(agent.otherModel === undefined ? {} : { otherModel: agent.otherModel }),
          ...(agent.patienceMs === undefined ? {} : { patienceMs: agent.patienceMs }),
        },
      );
    }
  });
}
