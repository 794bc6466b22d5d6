import { opencode } from "playpen/opencode";
import type { AgentDescription } from "./agent-description.ts";

export const opencodeScene: AgentDescription = {
  name: "opencode",
  command: "opencode",
  hasTurnMode: true,
  // It tries again for long when the model fails.
  patienceMs: 120_000,
  backend: ({ url, key, env, ...options }) =>
    opencode({
      ...options,
      baseUrl: `${url}/v1`,
      model: "stand-in",
      models: ["other-model"],
      env: { OPENAI_API_KEY: key, ...env },
    }),
};
