import { qwen } from "../../../../backends/qwen/index.ts";
import type { AgentDescription } from "./agent-description.ts";

export const qwenScene: AgentDescription = {
  name: "qwen",
  command: "qwen",
  hasTurnMode: true,
  // It tries again for long when the model fails.
  patienceMs: 90_000,
  backend: ({ url, key, env, ...options }) =>
    qwen({
      ...options,
      baseUrl: `${url}/v1`,
      model: "stand-in",
      models: ["other-model"],
      maxRetries: 1,
      env: { OPENAI_API_KEY: key, ...env },
    }),
};
