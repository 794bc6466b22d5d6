import { gemini } from "playpen/gemini";
import type { AgentDescription } from "./agent-description.ts";

const exitCodes = "the CLI takes every command that ran for a success, and tells no exit code";

export const geminiScene: AgentDescription = {
  name: "gemini",
  command: "gemini",
  hasTurnMode: true,
  knownFailures: {
    session: { "tool.failure": exitCodes },
    turn: {
      "tool.failure": exitCodes,
      "tool.writes": "the CLI does not tell whether a file that it wrote was there before",
    },
  },
  otherModel: "gemini-2.5-flash",
  backend: ({ url, key, env, ...options }) =>
    gemini({
      ...options,
      baseUrl: url,
      model: "gemini-2.5-pro",
      env: { GEMINI_API_KEY: key, ...env },
    }),
};
