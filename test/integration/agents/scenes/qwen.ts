import { qwen } from "playpen/qwen";
import type { AgentDescription } from "./agent-description.ts";

export const qwenScene: AgentDescription = {
  name: "qwen",
  command: "qwen",
  hasTurnMode: true,
  // It tries again for long when the model fails.
  patienceMs: 150_000,
  slowRequirements: ["failure.429", "failure.500"],
  backend: ({ url, key, env, ...options }) =>
    qwen({
      ...options,
      baseUrl: `${url}/v1`,
      model: "stand-in",
      models: ["other-model"],
      maxRetries: 0,
      env: { OPENAI_API_KEY: key, ...env },
    }),
};
