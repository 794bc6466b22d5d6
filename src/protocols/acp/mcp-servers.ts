import type { McpServers } from "../../spec/backend.ts";
import type { JsonObject } from "../../spec/json.ts";

/** The session's MCP servers as ACP wants them. */
export function acpMcpServers(servers: McpServers): readonly JsonObject[] {
  return Object.entries(servers).map(([name, server]) =>
    server.type === "http"
      ? { type: "http", name, url: server.url, headers: pairs(server.headers) }
      : { name, command: server.command, args: server.args ?? [], env: pairs(server.env) },
  );
}

function pairs(values: { readonly [name: string]: string } = {}): readonly JsonObject[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
