import { droid } from "../../../../backends/droid/index.ts";
import type { AgentDescription } from "./agent-description.ts";

export const droidScene: AgentDescription = {
  name: "droid",
  command: "droid",
  hasTurnMode: true,
  // It tries again for long when the model fails.
  patienceMs: 150_000,
  backend: ({ url, key, env, ...options }) =>
    droid({
      ...options,
      baseUrl: `${url}/v1`,
      model: "stand-in",
      models: [{ id: "stand-in", reasoning: true }, "other-model"],
      env: { DROID_PROVIDER_API_KEY: key, ...env },
    }),
};
