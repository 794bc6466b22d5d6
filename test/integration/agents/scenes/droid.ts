import { droid } from "playpen/droid";
import type { AgentDescription } from "./agent-description.ts";

export const droidScene: AgentDescription = {
  name: "droid",
  command: "droid",
  hasTurnMode: true,
  // A request that fails with 500 is made nine times more, which takes more than three minutes.
  patienceMs: 300_000,
  slowRequirements: ["failure.500"],
  backend: ({ url, key, env, ...options }) =>
    droid({
      ...options,
      baseUrl: `${url}/v1`,
      model: "stand-in",
      models: [{ id: "stand-in", reasoning: true }, "other-model"],
      env: { DROID_PROVIDER_API_KEY: key, ...env },
    }),
};
