import { stringField, type JsonObject, type ToolKind } from "../../src/kit.ts";

const kinds: { readonly [tool: string]: ToolKind } = {
  Bash: "execute",
  BashOutput: "execute",
  KillShell: "execute",
  Monitor: "execute",
  TaskOutput: "execute",
  TaskStop: "execute",
  Read: "read",
  NotebookRead: "read",
  ListMcpResourcesTool: "read",
  ReadMcpResourceTool: "read",
  Edit: "edit",
  MultiEdit: "edit",
  NotebookEdit: "edit",
  Write: "edit",
  Glob: "search",
  Grep: "search",
  LS: "search",
  ToolSearch: "search",
  WebFetch: "fetch",
  WebSearch: "fetch",
  Agent: "agent",
  SendMessage: "agent",
  Workflow: "agent",
  EnterPlanMode: "plan",
  ExitPlanMode: "plan",
  TaskCreate: "plan",
  TaskGet: "plan",
  TaskList: "plan",
  TaskUpdate: "plan",
  TodoWrite: "plan",
};

/** The CLI has renamed tools, and uses old and new names side by side. Rules of hosts need one name. */
export function toolName(name: string): string {
  return name === "Task" ? "Agent" : name;
}

export function toolKind(name: string): ToolKind {
  if (name.startsWith("mcp__")) return "mcp";
  return Object.hasOwn(kinds, name) ? (kinds[name] ?? "other") : "other";
}

/** What the call is about, as far as the tool has one thing it is about: a command, a path, an address. */
export function toolSubject(input: JsonObject): string | undefined {
  return (
    stringField(input, "command") ??
    stringField(input, "file_path") ??
    stringField(input, "notebook_path") ??
    stringField(input, "url") ??
    stringField(input, "query") ??
    stringField(input, "pattern") ??
    stringField(input, "path")
  );
}

const longestTitle = 200;

/** One line for people. */
export function toolTitle(name: string, input: JsonObject): string {
  const words = toolSubject(input) ?? stringField(input, "subject") ?? stringField(input, "description");
  if (words === undefined || name.startsWith("mcp__")) {
    return name.startsWith("mcp__") ? name.slice("mcp__".length).replace("__", ": ") : name;
  }
  const end = words.indexOf("\n");
  const line = end === -1 ? words : words.slice(0, end);
  return line.length > longestTitle ? `${line.slice(0, longestTitle - 1)}…` : line;
}
