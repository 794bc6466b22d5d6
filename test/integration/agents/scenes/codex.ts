import { codex } from "playpen/codex";
import type { AgentDescription } from "./agent-description.ts";

export const codexScene: AgentDescription = {
  name: "codex",
  command: "codex",
  hasTurnMode: true,
  runsEverywhere: true,
  knownFailures: {
    turn: {
      "usage.resume": "codex exec tells the sum over the thread, whose past a new session does not know",
    },
  },
  backend: ({ url, key, env, ...options }) =>
    codex({
      ...options,
      baseUrl: `${url}/v1`,
      model: "stand-in",
      env: { OPENAI_API_KEY: key, ...env },
    }),
};
