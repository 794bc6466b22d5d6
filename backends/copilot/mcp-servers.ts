import type { JsonObject, McpServers } from "../../src/kit.ts";

/** The servers in the CLI's form; a server's tools are off unless they are named. */
export function mcpServers(servers: McpServers): JsonObject {
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]): [string, JsonObject] => {
      if (server.type === "http") {
        const { url, headers = {} } = server;
        return [name, { type: "http", url, headers, tools: ["*"] }];
      }
      const { command, args = [], env = {} } = server;
      return [name, { type: "stdio", command, args, env, tools: ["*"] }];
    }),
  );
}
