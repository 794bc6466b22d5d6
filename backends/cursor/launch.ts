import type { Launch, LaunchInput } from "../../src/kit.ts";
import type { CursorOptions } from "./options.ts";

/** How the one turn of the input is started; its prompt goes over standard input. */
export function cursorLaunch(options: CursorOptions, input: LaunchInput): Launch {
  const { resume, model, agentMode } = input;
  const args = ["--print", "--output-format", "stream-json", "--stream-partial-output"];
  // Without trust in the folder the CLI ends before it does anything.
  if (input.permissions === "allow-all") args.push("--trust", "--force");
  if (options.approveMcpServers === true) args.push("--approve-mcps");
  if (model !== undefined) args.push("--model", model);
  if (agentMode !== undefined) args.push("--mode", agentMode);
  if (resume !== undefined) args.push("--resume", resume.nativeSessionId);
  return {
    argv: [...commandOf(options, input), ...args, ...(options.extraArgs ?? [])],
    env: {},
    files: [],
  };
}

function commandOf({ command }: CursorOptions, input: LaunchInput): readonly [string, ...string[]] {
  if (command === undefined) return [input.executable];
  return typeof command === "string" ? [command] : command;
}
