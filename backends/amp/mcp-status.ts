import { arrayField, stringField, type JsonObject, type McpServerStatus } from "../../src/kit.ts";

const statuses: { readonly [status: string]: McpServerStatus["status"] } = {
  connected: "connected",
  connecting: "pending",
  reconnecting: "pending",
  authenticating: "needs_authentication",
  "awaiting-approval": "disabled",
  "blocked-by-registry": "disabled",
  denied: "disabled",
  failed: "failed",
};

/** The MCP servers that a process tells of when it begins. One of a status that is not known counts as failed. */
export function mcpServerStatuses(init: JsonObject): readonly McpServerStatus[] {
  return arrayField(init, "mcp_servers").flatMap((server): McpServerStatus[] => {
    const name = stringField(server, "name");
    if (name === undefined) return [];
    const told = stringField(server, "status") ?? "";
    const status = Object.hasOwn(statuses, told) ? (statuses[told] ?? "failed") : "failed";
    // The CLI's own word says more than the library's, where the two differ.
    const message = told === status || told === "" ? {} : { message: told };
    return [{ name, status, ...message }];
  });
}
