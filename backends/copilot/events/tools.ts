import {
  isJsonObject,
  stringField,
  type AgentSessionInput,
  type JsonObject,
  type ToolKind,
  type ToolRequest,
} from "../../../src/kit.ts";

const kinds: { readonly [tool: string]: ToolKind } = {
  bash: "execute",
  read_bash: "execute",
  write_bash: "execute",
  stop_bash: "execute",
  list_bash: "execute",
  powershell: "execute",
  read_powershell: "execute",
  write_powershell: "execute",
  stop_powershell: "execute",
  list_powershell: "execute",
  view: "read",
  lsp: "read",
  apply_patch: "edit",
  create: "edit",
  edit: "edit",
  str_replace_editor: "edit",
  rg: "search",
  grep: "search",
  glob: "search",
  semantic_code_search: "search",
  web_fetch: "fetch",
  web_search: "fetch",
  fetch_copilot_cli_documentation: "fetch",
  task: "agent",
  read_agent: "agent",
  list_agents: "agent",
  write_agent: "agent",
  exit_plan_mode: "plan",
  update_todo: "plan",
};

/** Tells the tools of the session's MCP servers, whose names are not always beside the tool's. */
export function mcpToolTest({
  mcpServers,
}: Pick<AgentSessionInput, "mcpServers">): (tool: string) => boolean {
  const prefixes = Object.keys(mcpServers).map((server) => `${server}-`);
  return (tool) => prefixes.some((prefix) => tool.startsWith(prefix));
}

/** The tool by which the agent asks the user. */
export const askTool = "ask_user";

const longestTitle = 200;

/** A tool call in the library's form. `isMcp` is known from elsewhere: the names of such tools do not show it. */
export function toolRequest(name: string, args: unknown, isMcp: boolean): ToolRequest {
  const input = toolInput(name, args);
  const kind = isMcp ? "mcp" : Object.hasOwn(kinds, name) ? (kinds[name] ?? "other") : "other";
  return { name, kind, title: title(name, input, isMcp), input };
}

/** A tool of free form takes a text: a patch is shown with the paths it changes, for the host's rules. */
function toolInput(name: string, args: unknown): JsonObject {
  if (isJsonObject(args)) return args;
  if (typeof args !== "string") return {};
  if (name !== "apply_patch") return { input: args };
  return { input: args, changes: patchedPaths(args).map((path) => ({ path })) };
}

/** What the CLI takes as changed arguments: the text again, where its tool takes one. */
export function toolArguments(args: unknown, updatedInput: JsonObject): unknown {
  if (typeof args !== "string") return updatedInput;
  return stringField(updatedInput, "input") ?? args;
}

function patchedPaths(patch: string): string[] {
  const paths: string[] = [];
  for (const line of patch.split("\n")) {
    const path = /^\*\*\* (?:Add File|Update File|Delete File|Move to): (.+?)\s*$/.exec(line)?.[1];
    if (path !== undefined) paths.push(path);
  }
  return paths;
}

function title(name: string, input: JsonObject, isMcp: boolean): string {
  if (isMcp) return name;
  const paths = patchedPaths(stringField(input, "input") ?? "");
  const words =
    stringField(input, "command") ??
    stringField(input, "path") ??
    stringField(input, "url") ??
    stringField(input, "query") ??
    stringField(input, "pattern") ??
    stringField(input, "question") ??
    stringField(input, "description") ??
    (paths.length > 0 ? `Edit ${paths.join(", ")}` : name);
  const end = words.indexOf("\n");
  const line = end === -1 ? words : words.slice(0, end);
  return line.length > longestTitle ? `${line.slice(0, longestTitle - 1)}…` : line;
}
