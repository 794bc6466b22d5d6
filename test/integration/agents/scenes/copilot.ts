import { copilot } from "playpen/copilot";
import type { AgentDescription } from "./agent-description.ts";

export const copilotScene: AgentDescription = {
  name: "copilot",
  command: "copilot",
  hasTurnMode: true,
  // It tries again for long when the model fails.
  patienceMs: 90_000,
  backend: ({ url, key, env, ...options }) =>
    copilot({
      ...options,
      baseUrl: `${url}/v1`,
      model: "stand-in",
      env: { COPILOT_PROVIDER_API_KEY: key, ...env },
    }),
};
