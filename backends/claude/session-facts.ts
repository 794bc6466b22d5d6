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
  #servers = "";

  get nativeSessionId(): string | undefined {
    return this.#nativeSessionId;
  }

  /** From an `init` line. */
  init(line: JsonObject, resumed: boolean): AgentEventBody | undefined {
    const nativeSessionId = stringField(line, "session_id");
    const model = stringField(line, "model");
    const mode = stringField(line, "permissionMode");
    const mcpServers = arrayField(line, "mcp_servers").map(serverStatus);
    const servers = JSON.stringify(mcpServers);
    const updates = {
      ...changed("nativeSessionId", nativeSessionId, this.#nativeSessionId),
      ...changed("model", model, this.#model),
      ...changed("mode", mode, this.#mode),
      ...(servers === this.#servers ? {} : { mcpServers }),
    };
    this.#nativeSessionId = nativeSessionId ?? this.#nativeSessionId;
    this.#model = model ?? this.#model;
    this.#mode = mode ?? this.#mode;
    this.#servers = servers;
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
