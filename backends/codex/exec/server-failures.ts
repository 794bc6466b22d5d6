import type { Environment, McpServerStatus } from "../../../src/kit.ts";

/** `exec` tells of MCP servers that do not start only in its log, and there only at a level that is off by default. */
const log: Environment = { RUST_LOG: "error,codex_mcp::rmcp_client=warn" };

/** What to add to the environment of `exec`, unless the caller has settings of his own for the log. */
export function logSettings(env: Environment): Environment {
  return env["RUST_LOG"] === undefined ? log : {};
}

/** The MCP servers that did not start, from the standard error of an `exec`. */
export function failedServers(stderr: string): readonly McpServerStatus[] {
  const found = new Map<string, McpServerStatus>();
  const pattern = /MCP server startup failed server_name="([^"]+)" error=([^\n]*)/g;
  // Where the output is a terminal's, or taken for one, the log is coloured.
  for (const [, name = "", message = ""] of withoutColours(stderr).matchAll(pattern)) {
    found.set(name, { name, status: "failed", message: message.trim() });
  }
  return [...found.values()];
}

function withoutColours(text: string): string {
  return text.replaceAll(/\u001B\[[0-9;]*m/g, "");
}
