import { acp, type AcpOptions } from "../../../../backends/acp/index.ts";
import type { AgentBackend } from "../../../../src/kit.ts";

export type RecordedPreset = "copilot" | "opencode" | "qwen";

/** The options of `acp()`, with the agent among them. */
export interface PresetOptions extends AcpOptions {
  readonly preset: RecordedPreset;
}

/** Makes the backend that a recording's options name. */
export function acpPreset({ preset, ...options }: PresetOptions): AgentBackend {
  return acp(preset, options);
}
