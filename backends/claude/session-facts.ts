import {
  arrayField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type McpServerStatus,
} from "../../src/kit.ts";
import { toolName } from "./tools.ts";

const mcpStatuses: { readonly [status: string]: McpServerStatus["status"] } = {
  connected: "connected",
  failed: "failed",
  pending: "pending",
  "needs-auth": "needs_authentication",
  disabled: "disabled",
};

/** What the CLI says of itself at the beginning of each turn: told once whole, then only where it changed. */
export class SessionFacts {
  #isStarted = false;
  #nativeSessionId: string | undefined;
  #model: string | undefined;
  #mode: string | undefined;
  #servers: readonly McpServerStatus[] = [];

  get nativeSessionId(): string | undefined {
    return this.#nativeSessionId;
  }

  /** Whether a server may still come up or fail, or has failed for a reason that was not told. */
  get hasOpenServers(): boolean {
    return this.hasPendingServers || this.#servers.some(isUnexplained);
  }

  get hasPendingServers(): boolean {
    return this.#servers.some(({ status }) => status === "pending");
  }

  /** From an `init` line. */
  init(line: JsonObject, resumed: boolean): AgentEventBody | undefined {
    const nativeSessionId = stringField(line, "session_id");
    const model = stringField(line, "model");
    const mode = stringField(line, "permissionMode");
    const mcpServers = this.#withReasons(arrayField(line, "mcp_servers").map(serverStatus));
    const updates = {
      ...changed("nativeSessionId", nativeSessionId, this.#nativeSessionId),
      ...changed("model", model, this.#model),
      ...changed("mode", mode, this.#mode),
      ...(isSame(mcpServers, this.#servers) ? {} : { mcpServers }),
    };
    this.#nativeSessionId = nativeSessionId ?? this.#nativeSessionId;
    this.#model = model ?? this.#model;
    this.#mode = mode ?? this.#mode;
    this.#servers = mcpServers;
    if (this.#isStarted) {
      return Object.keys(updates).length === 0 ? undefined : { type: "session.updated", ...updates };
    }
    this.#isStarted = true;
    return {
      type: "session.started",
      agent: "claude",
      ...(model === undefined ? {} : { model }),
      ...(nativeSessionId === undefined ? {} : { nativeSessionId }),
      cwd: stringField(line, "cwd") ?? "",
      tools: arrayField(line, "tools")
        .filter((tool) => typeof tool === "string")
        .map(toolName),
      mcpServers,
      resumed,
    };
  }

  /** From the answer to a `mcp_status` request, which also tells why a server failed. */
  setServers(response: JsonObject): AgentEventBody | undefined {
    const mcpServers = arrayField(response, "mcpServers").map(serverStatus);
    if (isSame(mcpServers, this.#servers)) return undefined;
    this.#servers = mcpServers;
    return { type: "session.updated", mcpServers };
  }

  /** The model was changed by request. */
  setModel(model: string): AgentEventBody | undefined {
    if (model === this.#model) return undefined;
    this.#model = model;
    return { type: "session.updated", model };
  }

  /** The CLI changed its permission mode, for example when a plan was approved. */
  setMode(mode: string): AgentEventBody | undefined {
    if (mode === this.#mode) return undefined;
    this.#mode = mode;
    return { type: "session.updated", mode };
  }

  /** An `init` line names no reasons: those that are known stay as long as nothing has changed. */
  #withReasons(servers: readonly McpServerStatus[]): readonly McpServerStatus[] {
    return servers.map((server) => {
      const known = this.#servers.find(({ name }) => name === server.name);
      return known?.status === server.status && server.message === undefined ? known : server;
    });
  }
}

function isSame(left: readonly McpServerStatus[], right: readonly McpServerStatus[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function isUnexplained({ status, message }: McpServerStatus): boolean {
  return status === "failed" && message === undefined;
}

function changed<Name extends string>(
  name: Name,
  now: string | undefined,
  before: string | undefined,
): { readonly [Key in Name]?: string } {
  return now === undefined || now === before ? {} : ({ [name]: now } as { readonly [Key in Name]: string });
}

function serverStatus(server: unknown): McpServerStatus {
  const name = stringField(server, "name") ?? "";
  const status = mcpStatuses[stringField(server, "status") ?? ""] ?? "failed";
  const message = stringField(server, "error");
  return message === undefined ? { name, status } : { name, status, message };
}
