import { acpScenes } from "./acp.ts";
import type { AgentDescription } from "./agent-description.ts";
import { claudeScene } from "./claude.ts";
import { codexScene } from "./codex.ts";
import { copilotScene } from "./copilot.ts";
import { droidScene } from "./droid.ts";
import { geminiScene } from "./gemini.ts";
import { opencodeScene } from "./opencode.ts";
import { piScene } from "./pi.ts";
import { qwenScene } from "./qwen.ts";

export type { AgentConnection, AgentDescription } from "./agent-description.ts";

/** Every agent that the suites know. Adding one takes its file here and its line in this list. */
export const agentScenes: readonly AgentDescription[] = [
  claudeScene,
  codexScene,
  copilotScene,
  droidScene,
  geminiScene,
  opencodeScene,
  piScene,
  qwenScene,
  ...acpScenes,
];
