import {
  isJsonObject,
  objectField,
  parseJson,
  stringField,
  type JsonObject,
  type ToolKind,
  type ToolRequest,
} from "../../src/kit.ts";

const kinds: { readonly [tool: string]: ToolKind } = {
  shell: "execute",
  await: "execute",
  piBash: "execute",
  writeShellStdin: "execute",
  read: "read",
  piRead: "read",
  readLints: "read",
  readMcpResource: "read",
  listMcpResources: "read",
  edit: "edit",
  write: "edit",
  piEdit: "edit",
  piWrite: "edit",
  delete: "edit",
  applyPatch: "edit",
  editNotebook: "edit",
  glob: "search",
  grep: "search",
  ls: "search",
  piFind: "search",
  piGrep: "search",
  piLs: "search",
  semSearch: "search",
  fetch: "fetch",
  webFetch: "fetch",
  webSearch: "fetch",
  mcp: "mcp",
  task: "agent",
  createPlan: "plan",
  readTodos: "plan",
  updateTodos: "plan",
};

/** One tool call as a line holds it, under a key that names the tool. */
export interface NamedCall {
  readonly request: ToolRequest;
  /** What is under the key. */
  readonly body: JsonObject;
}

const suffix = "ToolCall";

/** Reads `{ "shellToolCall": { args, result } }`, among whose neighbours are other facts of the call. */
export function readCall(call: JsonObject): NamedCall | undefined {
  const key = Object.keys(call).find((name) => name.endsWith(suffix)) ?? functionKey(call);
  if (key === undefined) return undefined;
  const body = objectField(call, key);
  if (key === "function") return { request: functionRequest(body), body };
  const args = objectField(body, "args");
  const ownName = key.slice(0, -suffix.length);
  return { request: ownName === "mcp" ? mcpRequest(args) : toolRequest(ownName, args), body };
}

function functionKey(call: JsonObject): "function" | undefined {
  return isJsonObject(call["function"]) ? "function" : undefined;
}

/** The form of tools that have none of their own: the arguments are JSON in a text. */
function functionRequest(body: JsonObject): ToolRequest {
  const said = stringField(body, "arguments");
  const args = said === undefined ? body["arguments"] : parseJson(said);
  return toolRequest(stringField(body, "name") ?? "function", isJsonObject(args) ? args : {});
}

function mcpRequest(args: JsonObject): ToolRequest {
  const tool = stringField(args, "toolName");
  const server = stringField(args, "providerIdentifier") ?? stringField(args, "serverIdentifier");
  const name = stringField(args, "name") ?? tool ?? "mcp";
  const title = server === undefined || tool === undefined ? name : `${server}: ${tool}`;
  return { name, kind: "mcp", title, input: objectField(args, "args") };
}

function toolRequest(name: string, input: JsonObject): ToolRequest {
  const kind = Object.hasOwn(kinds, name) ? (kinds[name] ?? "other") : "other";
  return { name, kind, title: toolTitle(name, input), input };
}

const longestTitle = 200;

/** One line for people. */
function toolTitle(name: string, input: JsonObject): string {
  const words =
    stringField(input, "command") ??
    stringField(input, "path") ??
    stringField(input, "url") ??
    stringField(input, "query") ??
    stringField(input, "pattern") ??
    stringField(input, "globPattern") ??
    stringField(input, "description") ??
    name;
  const end = words.indexOf("\n");
  const line = end === -1 ? words : words.slice(0, end);
  return line.length > longestTitle ? `${line.slice(0, longestTitle - 1)}…` : line;
}
