import {
  isJsonObject,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type McpServerStatus,
} from "../../../src/kit.ts";

const statuses: { readonly [status: string]: McpServerStatus["status"] } = {
  connected: "connected",
  disabled: "disabled",
  failed: "failed",
  needs_auth: "needs_authentication",
  needs_client_registration: "needs_authentication",
};

/** How the MCP servers are, and a warning for each that cannot be used. */
export function mcpServerEvents(servers: JsonObject): readonly AgentEventBody[] {
  const told = Object.entries(servers).filter(([, server]) => isJsonObject(server));
  if (told.length === 0) return [];
  const mcpServers = told.map(([name, server]): McpServerStatus => {
    const said = stringField(server, "status") ?? "";
    const status = (Object.hasOwn(statuses, said) ? statuses[said] : undefined) ?? "failed";
    const message = stringField(server, "error");
    return message === undefined ? { name, status } : { name, status, message };
  });
  const broken = mcpServers.filter(({ status }) => status === "failed" || status === "needs_authentication");
  return [
    { type: "session.updated", mcpServers },
    ...broken.map(({ name, status, message }): AgentEventBody => {
      const what = status === "failed" ? "could not be started" : "wants authentication";
      const why = message === undefined ? "" : `: ${message}`;
      return { type: "agent.notice", level: "warning", message: `The MCP server "${name}" ${what}${why}` };
    }),
  ];
}
