import { stringField, type JsonObject, type ToolKind } from "../../src/kit.ts";

const kinds: { readonly [tool: string]: ToolKind } = {
  run_shell_command: "execute",
  monitor: "execute",
  task_stop: "execute",
  read_file: "read",
  skill: "read",
  edit: "edit",
  write_file: "edit",
  save_memory: "edit",
  glob: "search",
  grep_search: "search",
  list_directory: "search",
  tool_search: "search",
  lsp: "search",
  web_fetch: "fetch",
  agent: "agent",
  send_message: "agent",
  todo_write: "plan",
  exit_plan_mode: "plan",
};

/** Tools that Qwen Code asks about, if it is told to, each time, and in a way that tells which one it is. */
export const askableTools = [
  "read_file",
  "write_file",
  "edit",
  "grep_search",
  "list_directory",
  "run_shell_command",
  "todo_write",
  "web_fetch",
  "skill",
  "task_stop",
  "tool_search",
  "exit_plan_mode",
] as const;

/**
 * The others: what is asked about them looks like one of those. And the sub-agents of `agent` edit files without
 * asking, whatever the mode of the session is.
 */
const otherTools = [
  "agent",
  "send_message",
  "glob",
  "monitor",
  "save_memory",
  "lsp",
  "cron_create",
  "cron_list",
  "cron_delete",
] as const;

/** Takes the answer that has to follow a schema. It does nothing else, and is there for such turns only. */
export const answerTool = "structured_output";

export const questionTool = "ask_user_question";

/** All tools of the CLI's own that are known. */
export const ownTools: readonly string[] = [...askableTools, ...otherTools, questionTool];

/** The tools that are had whatever list of tools is given, unless a rule is against them. */
export const listlessTools: readonly string[] = [
  "agent",
  "send_message",
  "skill",
  "task_stop",
  "tool_search",
  "exit_plan_mode",
  questionTool,
];

export const unaskableTools: readonly string[] = otherTools;

export function toolKind(name: string): ToolKind {
  if (name.startsWith("mcp__")) return "mcp";
  return Object.hasOwn(kinds, name) ? (kinds[name] ?? "other") : "other";
}

/** What the call is about, as far as there is one thing it is about: a command, a path, an address. */
export function toolSubject(input: JsonObject): string | undefined {
  return (
    stringField(input, "command") ??
    stringField(input, "file_path") ??
    stringField(input, "url") ??
    stringField(input, "pattern") ??
    stringField(input, "path") ??
    stringField(input, "query")
  );
}

const longestTitle = 200;

/** One line for people. */
export function toolTitle(name: string, input: JsonObject): string {
  if (name.startsWith("mcp__")) return name.slice("mcp__".length).replace("__", ": ");
  const words =
    toolSubject(input) ?? stringField(input, "description") ?? stringField(input, "skill") ?? name;
  const end = words.indexOf("\n");
  const line = end === -1 ? words : words.slice(0, end);
  return line.length > longestTitle ? `${line.slice(0, longestTitle - 1)}…` : line;
}

/**
 * The tool that a permission is asked for, by the input that it takes: Qwen Code says its kind, not its name. Only
 * tools that can be told apart so are offered where permissions are asked for.
 */
export function askedTool(kind: string | undefined, input: JsonObject): string | undefined {
  const has = (name: string): boolean => Object.hasOwn(input, name);
  switch (kind) {
    case "execute":
      return has("command") ? "run_shell_command" : undefined;
    case "read":
      return has("file_path") ? "read_file" : has("skill") ? "skill" : undefined;
    case "edit":
      return has("content") ? "write_file" : has("old_string") ? "edit" : undefined;
    case "search":
      return has("pattern") ? "grep_search" : has("path") ? "list_directory" : undefined;
    case "fetch":
      return has("url") ? "web_fetch" : undefined;
    case "think":
      return has("todos") ? "todo_write" : has("questions") ? questionTool : undefined;
    case "switch_mode":
      return "exit_plan_mode";
    case "other":
      return has("task_id") ? "task_stop" : has("query") ? "tool_search" : undefined;
    default:
      return undefined;
  }
}

/** Whether a result says that the call was not made, since it may not be. */
export function isRefusal(text: string): boolean {
  return /^Qwen Code requires permission to use|^Tool "[^"]*" is denied/.test(text);
}

/** The output of a command and how it ended, out of the text that Qwen Code makes of both for the model. */
export function shellResult(
  text: string,
): { readonly output: string; readonly exitCode?: number } | undefined {
  const match =
    /^Command: [\s\S]*?\nDirectory: [^\n]*\nOutput: ([\s\S]*)\nError: ([^\n]*)\nExit Code: (\S+)\nSignal: /.exec(
      text,
    );
  if (match === null) return undefined;
  const [, output = "", , code = ""] = match;
  const shown = output === "(empty)" ? "" : output;
  return /^\d+$/.test(code) ? { output: shown, exitCode: Number(code) } : { output: shown };
}
