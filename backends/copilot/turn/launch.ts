import type { Launch, LaunchFile, LaunchInput } from "../../../src/kit.ts";
import { quietArguments } from "../quiet-arguments.ts";
import { mcpServers } from "../mcp-servers.ts";
import type { CopilotOptions } from "../options.ts";
import { sessionFolder } from "../skills.ts";

/**
 * Runs the CLI, and prints as one line each what the session had used before and what it has used in the end: the CLI
 * tells that nowhere but in a file. Ends the way the CLI does: a signal to the group is the CLI's to act upon, so it
 * is only waited out here.
 */
const script = `
usage=$1
shift
tell() { [ -s "$1" ] && tr -d '\\n' < "$1" && echo; }
tell "$usage"
trap : INT TERM HUP
"$@" --usage-output-file "$usage.new"
code=$?
tell "$usage.new" && mv -f -- "$usage.new" "$usage"
exit "$code"
`;

/** No tool has this name: an empty list would be all of them. */
const noTool = "playpen-none";

/** How the one turn of the input is started; its prompt goes over standard input. */
export function turnLaunch(
  options: CopilotOptions,
  input: LaunchInput,
  command: readonly [string, ...string[]],
): Omit<Launch, "env"> {
  const folder = sessionFolder(input);
  const files: LaunchFile[] = [];
  const args = ["--output-format", "json", "--no-color", ...quietArguments(options), "--no-ask-user"];
  const { resume, model, thinking, systemPrompt } = input;
  if (resume !== undefined) args.push(`--resume=${resume.nativeSessionId}`);
  // Also takes up a session that was interrupted before it told its id.
  else args.push("--session-id", input.sessionId);
  if (model !== undefined) args.push("--model", model);
  if (thinking !== undefined) args.push("--reasoning-effort", thinking);
  if (input.agentMode !== undefined) args.push("--mode", input.agentMode);
  if (input.permissions === "allow-all") args.push("--allow-all");
  for (const tool of availableTools(input)) args.push(`--available-tools=${tool}`);
  for (const tool of options.excludedTools ?? []) args.push(`--excluded-tools=${tool}`);
  if (options.customInstructions === false) args.push("--no-custom-instructions");
  if ((input.skills ?? []).length > 0) args.push(`--add-dir=${folder}`);
  if (Object.keys(input.mcpServers).length > 0) {
    const path = `${folder}/mcp.json`;
    files.push({ path, content: JSON.stringify({ mcpServers: mcpServers(input.mcpServers) }) });
    args.push(`--additional-mcp-config=@${path}`);
  }
  if (systemPrompt !== undefined && "append" in systemPrompt) {
    files.push({
      path: `${instructionsFolder(input)}/playpen.instructions.md`,
      content: systemPrompt.append,
    });
  }
  args.push(...(options.extraArgs ?? []));
  return {
    argv: ["/bin/sh", "-c", script, "playpen-copilot", usageFile(input), ...command, ...args],
    files,
  };
}

/** By the CLI's session, since that can be taken up by another session of the library's. */
function usageFile({ stateDirectory, sessionId, resume }: LaunchInput): string {
  const nativeSessionId = resume?.nativeSessionId ?? sessionId;
  return `${stateDirectory}/copilot/playpen-usage-${nativeSessionId.replace(/[^\w-]/g, "_")}.json`;
}

/** A folder in which the CLI finds nothing but the session's own instructions. */
export function instructionsFolder(input: LaunchInput): string {
  return `${sessionFolder(input)}/instructions`;
}

function availableTools({ permissions, allowedTools }: LaunchInput): readonly string[] {
  if (permissions === "deny-all" || allowedTools?.length === 0) return [noTool];
  return allowedTools ?? [];
}
