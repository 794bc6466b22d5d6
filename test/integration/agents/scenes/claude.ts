import { claude } from "playpen/claude";
import type { AgentDescription } from "./agent-description.ts";

export const claudeScene: AgentDescription = {
  name: "claude",
  command: "claude",
  hasTurnMode: true,
  runsEverywhere: true,
  retriesRefusedRequests: true,
  backend: ({ url, key, env, ...options }) =>
    claude({
      ...options,
      baseUrl: url,
      env: { ANTHROPIC_API_KEY: key, CLAUDE_CODE_MAX_RETRIES: "1", ...env },
    }),
};
