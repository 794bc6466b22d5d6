import { gemini } from "playpen/gemini";
import type { AgentDescription } from "./agent-description.ts";

export const geminiScene: AgentDescription = {
  name: "gemini",
  command: "gemini",
  hasTurnMode: true,
  otherModel: "gemini-2.5-flash",
  backend: ({ url, key, env, ...options }) =>
    gemini({
      ...options,
      baseUrl: url,
      model: "gemini-2.5-pro",
      env: { GEMINI_API_KEY: key, ...env },
    }),
};
