import { arrayField, stringField, type JsonObject, type ToolKind, type ToolRequest } from "../../src/kit.ts";

const kinds: { readonly [tool: string]: ToolKind } = {
  Execute: "execute",
  Read: "read",
  Edit: "edit",
  MultiEdit: "edit",
  Create: "edit",
  ApplyPatch: "edit",
  LS: "search",
  Grep: "search",
  Glob: "search",
  FetchUrl: "fetch",
  WebSearch: "fetch",
  Task: "agent",
  TaskOutput: "agent",
  TaskStop: "agent",
  TodoWrite: "plan",
  ExitSpecMode: "plan",
};

/** Between the name of an MCP server and that of its tool. */
const separator = "___";

const longestTitle = 200;

/** A tool call as hosts see it. */
export function toolRequest(name: string, input: JsonObject): ToolRequest {
  return { name, kind: kindOf(name), title: toolTitle(name, input), input };
}

function kindOf(name: string): ToolKind {
  if (Object.hasOwn(kinds, name)) return kinds[name] ?? "other";
  return name.includes(separator) ? "mcp" : "other";
}

function toolTitle(name: string, input: JsonObject): string {
  const [pattern] = arrayField(input, "patterns");
  const words =
    stringField(input, "command") ??
    stringField(input, "pattern") ??
    (typeof pattern === "string" ? pattern : undefined) ??
    stringField(input, "file_path") ??
    stringField(input, "directory_path") ??
    stringField(input, "url") ??
    stringField(input, "query") ??
    stringField(input, "description");
  const line = words?.split("\n", 1)[0] ?? "";
  if (line === "") return name;
  return line.length > longestTitle ? `${line.slice(0, longestTitle - 1)}…` : line;
}

/** The CLI's id for the tool of an MCP server; `undefined` for a name that is none of those. */
export function mcpToolId(name: string): string | undefined {
  const index = name.indexOf(separator);
  if (index <= 0) return undefined;
  return `mcp_${name.slice(0, index)}_${name.slice(index + separator.length)}`;
}
