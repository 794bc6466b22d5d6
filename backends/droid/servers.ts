import {
  arrayField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type McpServers,
  type McpServerStatus,
} from "../../src/kit.ts";

/** The session's MCP servers as the CLI's protocol takes them. */
export function serverList(servers: McpServers): readonly JsonObject[] {
  return Object.entries(servers).map(([name, server]) =>
    server.type === "http"
      ? { type: "http", name, url: server.url, headers: pairs(server.headers ?? {}) }
      : { name, command: server.command, args: server.args ?? [], env: server.env ?? {} },
  );
}

function pairs(values: { readonly [name: string]: string }): readonly JsonObject[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/**
 * What became of the servers. Droid says nothing of those that fail; but it waits for all before it begins the session,
 * so that one of which there are no tools by then has not come up.
 */
export function serverStatuses(servers: McpServers, result: unknown): readonly McpServerStatus[] {
  const connected = new Set(
    arrayField(result, "tools").flatMap((tool) => {
      const name = stringField(tool, "serverName");
      return name === undefined ? [] : [name];
    }),
  );
  return Object.keys(servers).map((name) =>
    connected.has(name) || connected.has(serverId(name))
      ? { name, status: "connected" }
      : { name, status: "failed", message: `Droid got no tools from the MCP server ${name}.` },
  );
}

/** What Droid makes of a server's name. */
function serverId(name: string): string {
  return name
    .replace(/[\s/\\@#$%^&*()+=[\]{}|;:'"<>,.?]+/g, "-")
    .replace(/[^a-zA-Z0-9_-]/g, "")
    .replace(/-+/g, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 32)
    .replace(/-$/, "");
}

/** What Droid tells of the servers that its own settings name. */
export function ownServers(notification: JsonObject): AgentEventBody | undefined {
  const mcpServers = arrayField(notification, "servers").flatMap((server): McpServerStatus[] => {
    const name = stringField(server, "name");
    const status = statusOf(stringField(server, "status"));
    const message = stringField(server, "error");
    if (name === undefined) return [];
    return [{ name, status, ...(message === undefined ? {} : { message }) }];
  });
  return mcpServers.length === 0 ? undefined : { type: "session.updated", mcpServers };
}

function statusOf(told: string | undefined): McpServerStatus["status"] {
  switch (told) {
    case "connected":
    case "disabled":
    case "failed":
      return told;
    case "disconnected":
      return "failed";
    default:
      return "pending";
  }
}
