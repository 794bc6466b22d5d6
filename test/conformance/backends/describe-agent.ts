import { describe, it } from "vitest";
import { local } from "playpen/local";
import { describeBackendConformance } from "playpen/testing";
import { describeWith } from "../../image/engines.ts";
import { hostCliDirectory } from "../../image/paths.ts";
import { agentScenes } from "../../integration/agents/scenes/index.ts";

/** Declares the suite for the real CLI of one agent, in every mode that its backend has. */
export function describeAgent(name: string): void {
  const agent = agentScenes.find((scene) => scene.name === name);
  if (agent === undefined) throw new Error(`There is no description of ${name} in agentScenes.`);
  const modes = agent.hasTurnMode === true ? (["session", "turn"] as const) : (["session"] as const);
  describeWith(["host-clis"], name, () => {
    for (const mode of modes) {
      const knownFailures = agent.knownFailures?.[mode];
      describeBackendConformance(
        { describe, it },
        {
          backend: ({ url, apiKey }) =>
            agent.backend({ url, key: apiKey, mode, command: `${hostCliDirectory()}/${agent.command}` }),
          sandbox: () => local({ isolation: "none" }),
          ...(knownFailures === undefined ? {} : { knownFailures }),
          ...(agent.otherModel === undefined ? {} : { otherModel: agent.otherModel }),
          ...(agent.patienceMs === undefined ? {} : { patienceMs: agent.patienceMs }),
        },
      );
    }
  });
}
