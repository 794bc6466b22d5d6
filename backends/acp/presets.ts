import { claude } from "./presets/claude.ts";
import { codex } from "./presets/codex.ts";
import { copilot } from "./presets/copilot.ts";
import { droid } from "./presets/droid.ts";
import { gemini } from "./presets/gemini.ts";
import { opencode } from "./presets/opencode.ts";
import type { AcpPreset } from "./presets/preset.ts";
import { qwen } from "./presets/qwen.ts";

/** The agents that are known to speak the protocol, by the name that `acp()` takes. */
export const presets = { claude, codex, copilot, droid, gemini, opencode, qwen } as const satisfies {
  readonly [name: string]: AcpPreset;
};

/** An agent whose program and arguments `acp()` knows. */
export type AcpPresetName = keyof typeof presets;

export const presetNames = Object.keys(presets) as readonly AcpPresetName[];
