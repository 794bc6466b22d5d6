import { stringField, type AgentEventBody, type JsonObject, type McpServerStatus } from "../../../src/kit.ts";

const statuses: { readonly [status: string]: McpServerStatus["status"] } = {
  connected: "connected",
  failed: "failed",
  pending: "pending",
  "needs-auth": "needs_authentication",
  disabled: "disabled",
  stopped: "disabled",
  not_configured: "disabled",
};

/** What is known of the session, so that only news are told. */
export class SessionFacts {
  #model: string | undefined;
  #title: string | undefined;
  readonly #servers = new Map<string, McpServerStatus>();

  constructor(model: string | undefined) {
    this.#model = model;
  }

  get model(): string | undefined {
    return this.#model;
  }

  setModel(model: string | undefined): AgentEventBody[] {
    if (model === undefined || model === this.#model) return [];
    this.#model = model;
    return [{ type: "session.updated", model }];
  }

  setTitle(title: string | undefined): AgentEventBody[] {
    if (title === undefined || title === this.#title) return [];
    this.#title = title;
    return [{ type: "session.updated", title }];
  }

  /** A server that fails to start is told of twice: among the servers, and for people. */
  mcpServer(data: JsonObject): AgentEventBody[] {
    const name = stringField(data, "serverName");
    if (name === undefined) return [];
    const told = stringField(data, "status") ?? "";
    const status = (Object.hasOwn(statuses, told) ? statuses[told] : undefined) ?? "pending";
    const message = stringField(data, "error");
    if (this.#servers.get(name)?.status === status) return [];
    this.#servers.set(name, { name, status, ...(message === undefined ? {} : { message }) });
    const updated: AgentEventBody = { type: "session.updated", mcpServers: [...this.#servers.values()] };
    if (status !== "failed" && status !== "needs_authentication") return [updated];
    const why = status === "failed" ? "could not be started" : "needs an authentication";
    const notice = `The MCP server ${name} ${why}${message === undefined ? "" : `: ${message}`}`;
    return [updated, { type: "agent.notice", level: "warning", message: notice }];
  }
}
