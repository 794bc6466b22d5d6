import {
  stringField,
  type JsonObject,
  type McpServers,
  type ToolKind,
  type ToolRequest,
} from "../../src/kit.ts";
import { patchedPaths } from "./file-changes.ts";

const kinds: { readonly [tool: string]: ToolKind } = {
  bash: "execute",
  read: "read",
  list: "read",
  skill: "read",
  read_mcp_resource: "read",
  list_mcp_resources: "read",
  list_mcp_resource_templates: "read",
  edit: "edit",
  write: "edit",
  multiedit: "edit",
  apply_patch: "edit",
  patch: "edit",
  glob: "search",
  grep: "search",
  lsp: "search",
  codesearch: "search",
  webfetch: "fetch",
  websearch: "fetch",
  task: "agent",
  todowrite: "plan",
  todoread: "plan",
  plan_enter: "plan",
  plan_exit: "plan",
};

const longestTitle = 200;

/** Tells of tools by the names that rules are written with. */
export class ToolNames {
  /** What the CLI makes of a server's name, by that name. */
  readonly #servers: readonly (readonly [prefix: string, server: string])[];

  constructor(servers: McpServers) {
    this.#servers = Object.keys(servers)
      .map((server) => [`${identifier(server)}_`, server] as const)
      // Of "a" and "a_b", the longer one is meant.
      .sort(([left], [right]) => right.length - left.length);
  }

  /** `input` is what the CLI calls the tool's arguments. */
  request(
    tool: string,
    toolCallId: string,
    input: JsonObject,
  ): ToolRequest & { readonly toolCallId: string } {
    const server = this.#servers.find(([prefix]) => tool.startsWith(prefix));
    if (server !== undefined) {
      const name = tool.slice(server[0].length);
      return {
        toolCallId,
        name: `mcp__${server[1]}__${name}`,
        kind: "mcp",
        title: `${server[1]}: ${name}`,
        input,
      };
    }
    const kind = (Object.hasOwn(kinds, tool) ? kinds[tool] : undefined) ?? "other";
    const title = titleOf(tool, input);
    const paths = tool === "apply_patch" ? patchedPaths(input) : [];
    if (paths.length === 0) return { toolCallId, name: tool, kind, title, input };
    // So that rules about paths find them.
    const changes = paths.map((path) => ({ path }));
    return { toolCallId, name: tool, kind, title: `Edit ${paths.join(", ")}`, input: { ...input, changes } };
  }
}

/** The name that the CLI gives to a tool of an MCP server, or the name itself. */
export function ownToolName(name: string): string {
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return server === undefined || tool === undefined ? name : `${identifier(server)}_${identifier(tool)}`;
}

/** What the call is about, as far as there is one thing it is about: a command, a path, an address. */
export function toolSubject(input: JsonObject): string | undefined {
  return (
    stringField(input, "command") ??
    stringField(input, "filePath") ??
    stringField(input, "url") ??
    stringField(input, "query") ??
    stringField(input, "pattern") ??
    stringField(input, "path") ??
    stringField(input, "patchText")
  );
}

function titleOf(tool: string, input: JsonObject): string {
  const words = toolSubject(input) ?? stringField(input, "description") ?? stringField(input, "name") ?? tool;
  const end = words.indexOf("\n");
  const line = end === -1 ? words : words.slice(0, end);
  return line.length > longestTitle ? `${line.slice(0, longestTitle - 1)}…` : line;
}

function identifier(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, "_");
}
