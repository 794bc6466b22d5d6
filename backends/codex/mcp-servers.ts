import type { AgentSessionInput, McpServers } from "../../src/kit.ts";
import { AllowedTools } from "./allowed-tools.ts";
import type { TomlValue } from "./toml.ts";

/** The servers as Codex's configuration has them. */
export function mcpServers(input: AgentSessionInput): { readonly [name: string]: TomlValue } {
  const { mcpServers: servers, permissions, allowedTools } = input;
  const allowed = allowedTools && new AllowedTools(allowedTools, servers);
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]): [string, TomlValue] => {
      const tools = allowed?.toolsOf(name);
      const approval = {
        // Left to itself, Codex asks only about tools that do not call themselves read-only.
        default_tools_approval_mode: permissions === "allow-all" ? "approve" : "prompt",
        ...(tools === undefined ? {} : { enabled_tools: tools }),
      };
      if (server.type === "http") {
        return [
          name,
          { url: server.url, ...(server.headers && { http_headers: server.headers }), ...approval },
        ];
      }
      const { command, args = [], env } = server;
      return [name, { command, args, ...(env && { env }), ...approval }];
    }),
  );
}

/** @throws TypeError for a name that Codex does not take. */
export function checkMcpServerNames(servers: McpServers): void {
  for (const name of Object.keys(servers)) {
    if (/^[A-Za-z0-9_-]+$/.test(name)) continue;
    throw new TypeError(
      `codex(): the MCP server ${JSON.stringify(name)} must be named with letters, digits, _ and - only.`,
    );
  }
}
