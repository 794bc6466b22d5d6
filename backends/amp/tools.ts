import {
  isJsonObject,
  stringField,
  type JsonObject,
  type ToolKind,
  type ToolRequest,
} from "../../src/kit.ts";

const kinds: { readonly [tool: string]: ToolKind } = {
  Bash: "execute",
  shell_command: "execute",
  shell_command_kill: "execute",
  shell_command_status: "execute",
  async_shell_command: "execute",
  Read: "read",
  look_at: "read",
  read_mcp_resource: "read",
  read_thread: "read",
  apply_patch: "edit",
  create_file: "edit",
  edit_file: "edit",
  undo_edit: "edit",
  Grep: "search",
  finder: "search",
  find_thread: "search",
  glob: "search",
  librarian: "agent",
  oracle: "agent",
  Task: "agent",
  read_web_page: "fetch",
  web_search: "fetch",
  task_list: "plan",
  todo_read: "plan",
  todo_write: "plan",
};

/** A tool call in the library's form. */
export function toolRequest(name: string, args: unknown): ToolRequest {
  const input = isJsonObject(args) ? args : {};
  return { name, kind: toolKind(name), title: toolTitle(name, input), input };
}

function toolKind(name: string): ToolKind {
  if (name.startsWith("mcp__")) return "mcp";
  return Object.hasOwn(kinds, name) ? (kinds[name] ?? "other") : "other";
}

const longestTitle = 200;

/** One line for people. */
function toolTitle(name: string, input: JsonObject): string {
  if (name.startsWith("mcp__")) return name.slice("mcp__".length).replace("__", ": ");
  const words =
    stringField(input, "cmd") ??
    stringField(input, "command") ??
    stringField(input, "path") ??
    stringField(input, "url") ??
    stringField(input, "query") ??
    stringField(input, "objective") ??
    stringField(input, "pattern") ??
    stringField(input, "filePattern") ??
    stringField(input, "description") ??
    name;
  const end = words.indexOf("\n");
  const line = end === -1 ? words : words.slice(0, end);
  return line.length > longestTitle ? `${line.slice(0, longestTitle - 1)}…` : line;
}
