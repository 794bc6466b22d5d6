import { stringField, type JsonObject, type ToolKind } from "../../src/kit.ts";

const kinds: { readonly [name: string]: ToolKind } = {
  run_shell_command: "execute",
  read_file: "read",
  read_many_files: "read",
  list_directory: "read",
  glob: "search",
  grep_search: "search",
  search_file_content: "search",
  write_file: "edit",
  replace: "edit",
  web_fetch: "fetch",
  google_web_search: "search",
  invoke_agent: "agent",
  write_todos: "plan",
  enter_plan_mode: "plan",
  exit_plan_mode: "plan",
  read_mcp_resource: "mcp",
  list_mcp_resources: "mcp",
};

export function toolKind(name: string): ToolKind | undefined {
  if (Object.hasOwn(kinds, name)) return kinds[name];
  return name.startsWith("mcp_") ? "mcp" : undefined;
}

/** A few words for a call whose input is known. */
export function toolTitle(name: string, input: JsonObject): string {
  for (const member of ["command", "file_path", "dir_path", "pattern", "query", "prompt", "title"]) {
    const value = stringField(input, member);
    if (value !== undefined && value !== "") return member === "command" ? value : `${name}: ${value}`;
  }
  return name;
}

/** The CLI puts a tool's name before the id of the call. */
export function toolNameOf(toolCallId: string): string | undefined {
  const end = toolCallId.lastIndexOf("__");
  return end > 0 ? toolCallId.slice(0, end) : undefined;
}

/**
 * How a command has ended, of which the CLI speaks only where there is no output: it calls all of them a success.
 */
export function commandEnd(output: string | undefined): {
  readonly isOk: boolean;
  readonly exitCode?: number;
} {
  const exitCode = /^Command exited with code: (\d+)$/.exec(output ?? "")?.[1];
  if (exitCode !== undefined) return { isOk: exitCode === "0", exitCode: Number(exitCode) };
  return { isOk: !/^(?:Command (?:terminated by signal|failed): |Blocked: command )/.test(output ?? "") };
}
