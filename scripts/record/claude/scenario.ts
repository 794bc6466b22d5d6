import { copyFileSync } from "node:fs";
import type { Scenario } from "../../../src/testing/model-server/index.ts";
import type { ClaudeRecorder, RecorderSetup } from "./recorder.ts";

/** One conversation to record. Prompts are directives of the model server. */
export interface ClaudeScenario {
  readonly name: string;
  readonly about: string;
  readonly options?: RecorderSetup["options"];
  readonly input?: RecorderSetup["input"];
  /** Default: the model follows the directives in the prompt. */
  readonly model?: Scenario;
  readonly run: (recorder: ClaudeRecorder) => Promise<void>;
}

export const asking = { input: { permissions: "ask" } } as const;

/** A session of one prompt that is left alone. */
export function oneTurn(
  name: string,
  about: string,
  prompt: string,
  rest: Omit<ClaudeScenario, "name" | "about" | "run"> = {},
): ClaudeScenario {
  return { name, about, ...rest, run: (recorder) => turns(recorder, prompt) };
}

export async function turns(recorder: ClaudeRecorder, ...prompts: readonly string[]): Promise<void> {
  await recorder.start();
  for (const prompt of prompts) await recorder.turn(prompt);
  await recorder.close();
}

export function tool(name: string, input: object): string {
  return `!tool ${name} ${JSON.stringify(input)}`;
}

export const withEchoServer = {
  mcpServers: { echo: { type: "stdio", command: "node", args: ["mcp-echo-server.mjs"] } },
} as const;

export function copyEchoServer(cwd: string): void {
  copyFileSync(new URL("mcp-echo-server.mjs", import.meta.url), `${cwd}/mcp-echo-server.mjs`);
}

export const longAnswer = "!slow 30\n!text One two three four five six seven eight nine ten eleven twelve.";
