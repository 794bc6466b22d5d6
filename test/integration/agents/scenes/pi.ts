import { pi } from "playpen/pi";
import type { AgentDescription } from "./agent-description.ts";

const cost = { input: 3, output: 15 };

export const piScene: AgentDescription = {
  name: "pi",
  command: "pi",
  hasTurnMode: true,
  backend: ({ url, key, env, ...options }) =>
    pi({
      ...options,
      baseUrl: `${url}/v1`,
      model: "stand-in",
      models: [
        { id: "stand-in", reasoning: true, cost },
        { id: "other-model", cost },
      ],
      env: { PI_PROVIDER_API_KEY: key, ...env },
    }),
};
