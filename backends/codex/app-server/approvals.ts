import {
  arrayField,
  objectField,
  stringField,
  type AgentEventBody,
  type HostAnswer,
  type JsonObject,
  type Question,
  type ToolRequest,
} from "../../../src/kit.ts";
import { unwrapShell } from "../shell-words.ts";
import { toolOf } from "./items.ts";

type JsonRpcId = string | number;

/** A request of Codex's that waits for the host, and how to put the host's answer. */
interface Pending {
  readonly id: JsonRpcId;
  readonly requestId: string;
  readonly type: "permission" | "question";
  readonly answer: (answer: HostAnswer) => JsonObject;
}

export interface ApprovalRequest {
  readonly id: JsonRpcId;
  readonly method: string;
  readonly params: JsonObject;
}

/** What to do about a request of Codex's: put it to the host, answer it at once, or refuse it as unknown. */
export type ApprovalOutcome =
  | { readonly type: "asked"; readonly event: AgentEventBody }
  | { readonly type: "answered"; readonly result: JsonObject; readonly notice?: string }
  | { readonly type: "unknown" };

/** The permissions and questions that Codex asks for, from the request to the answer. */
export class Approvals {
  readonly #pending = new Map<string, Pending>();
  /** Items whose approval may be asked for: the request itself does not say what they are. */
  readonly #tools = new Map<string, ToolRequest>();
  #process = 0;

  /** Codex counts its requests anew in each process. */
  startProcess(): void {
    this.#process += 1;
    this.#pending.clear();
    this.#tools.clear();
  }

  /** Codex has withdrawn what it asked for. */
  turnEnded(): void {
    this.#pending.clear();
  }

  itemStarted(item: JsonObject): void {
    const tool = toolOf(item);
    const id = stringField(item, "id");
    if (tool !== undefined && id !== undefined) this.#tools.set(id, { ...tool, toolCallId: id });
  }

  /** Returns whether the item's start was seen. */
  itemCompleted(item: JsonObject): boolean {
    return this.#tools.delete(stringField(item, "id") ?? "");
  }

  /** `decide` answers without the host: `undefined` asks it. */
  request(request: ApprovalRequest, decide: "allow" | "deny" | undefined): ApprovalOutcome {
    const { method, params } = request;
    switch (method) {
      case "item/commandExecution/requestApproval":
        return this.#permission(request, decide, commandTool(params), true, decision);
      case "item/fileChange/requestApproval":
        return this.#permission(request, decide, this.#fileTool(params), true, decision);
      case "mcpServer/elicitation/request":
        return this.#elicitation(request, decide);
      case "item/permissions/requestApproval":
        return this.#permission(request, decide, permissionsTool(params), false, (answer) => ({
          permissions: isAllowed(answer) ? objectField(params, "permissions") : {},
          scope: "turn",
        }));
      case "item/tool/requestUserInput":
        return this.#question(request, decide);
      default:
        return { type: "unknown" };
    }
  }

  /** The answer to send to Codex; `undefined` when nothing waits for it any more. */
  reply(answer: HostAnswer): { readonly id: JsonRpcId; readonly result: JsonObject } | undefined {
    const pending = this.#pending.get(answer.requestId);
    if (pending?.type !== answer.type) return undefined;
    this.#pending.delete(answer.requestId);
    return { id: pending.id, result: pending.answer(answer) };
  }

  /** Codex has no more need of an answer. Returns the permission that it takes back. */
  resolved(id: unknown): string | undefined {
    for (const [requestId, pending] of this.#pending) {
      if (pending.id !== id) continue;
      this.#pending.delete(requestId);
      return pending.type === "permission" ? requestId : undefined;
    }
    return undefined;
  }

  #permission(
    request: ApprovalRequest,
    decide: "allow" | "deny" | undefined,
    tool: ToolRequest,
    canRemember: boolean,
    answer: (answer: HostAnswer) => JsonObject,
  ): ApprovalOutcome {
    if (decide !== undefined) return { type: "answered", result: answer(decided(decide)) };
    const requestId = this.#wait(request.id, "permission", answer);
    return { type: "asked", event: { type: "permission.requested", requestId, tool, canRemember } };
  }

  #elicitation(request: ApprovalRequest, decide: "allow" | "deny" | undefined): ApprovalOutcome {
    const meta = objectField(request.params, "_meta");
    const server = stringField(request.params, "serverName") ?? "";
    if (stringField(meta, "codex_approval_kind") !== "mcp_tool_call") {
      const notice = `The MCP server ${server} asked for input, which was declined: ${stringField(request.params, "message") ?? ""}`;
      return { type: "answered", result: { action: "decline", content: null, _meta: null }, notice };
    }
    const persist = arrayField(meta, "persist");
    const canRemember = persist.includes("session") || meta["persist"] === "session";
    const tool = this.#mcpTool(
      server,
      stringField(meta, "tool_name") ?? "",
      objectField(meta, "tool_params"),
    );
    return this.#permission(request, decide, tool, canRemember, (answer) => ({
      action: isAllowed(answer) ? "accept" : "decline",
      content: isAllowed(answer) ? {} : null,
      _meta: canRemember && isRemembered(answer) ? { persist: "session" } : null,
    }));
  }

  #question(request: ApprovalRequest, decide: "allow" | "deny" | undefined): ApprovalOutcome {
    const questions = arrayField(request.params, "questions").map(questionOf);
    if (decide === "deny" || questions.length === 0) return { type: "answered", result: { answers: {} } };
    const requestId = this.#wait(request.id, "question", (answer) => ({ answers: answersOf(answer) }));
    return { type: "asked", event: { type: "question.requested", requestId, questions } };
  }

  #wait(id: JsonRpcId, type: Pending["type"], answer: Pending["answer"]): string {
    const requestId = `${this.#process}.${id}`;
    this.#pending.set(requestId, { id, requestId, type, answer });
    return requestId;
  }

  #fileTool(params: JsonObject): ToolRequest {
    const id = stringField(params, "itemId");
    const known = id === undefined ? undefined : this.#tools.get(id);
    return (
      known ?? {
        ...(id === undefined ? {} : { toolCallId: id }),
        name: "apply_patch",
        kind: "edit",
        title: stringField(params, "reason") ?? "Edit files",
        input: {},
      }
    );
  }

  #mcpTool(server: string, name: string, input: JsonObject): ToolRequest {
    const full = `mcp__${server}__${name}`;
    const open = [...this.#tools.values()].find(
      (tool) => tool.name === full && JSON.stringify(tool.input) === JSON.stringify(input),
    );
    return open ?? { name: full, kind: "mcp", title: `${server}: ${name}`, input };
  }
}

function commandTool(params: JsonObject): ToolRequest {
  const command = unwrapShell(stringField(params, "command") ?? "");
  const id = stringField(params, "itemId");
  const cwd = stringField(params, "cwd");
  const reason = stringField(params, "reason");
  return {
    ...(id === undefined ? {} : { toolCallId: id }),
    name: "shell",
    kind: "execute",
    title: command === "" ? (reason ?? "Run a command") : command,
    input: { command, ...(cwd === undefined ? {} : { cwd }), ...(reason === undefined ? {} : { reason }) },
  };
}

function permissionsTool(params: JsonObject): ToolRequest {
  const id = stringField(params, "itemId");
  return {
    ...(id === undefined ? {} : { toolCallId: id }),
    name: "request_permissions",
    kind: "other",
    title: stringField(params, "reason") ?? "Widen the sandbox",
    input: objectField(params, "permissions"),
  };
}

function decided(decide: "allow" | "deny"): HostAnswer {
  return decide === "allow"
    ? { type: "permission", requestId: "", outcome: "allow" }
    : { type: "permission", requestId: "", outcome: "deny", message: "" };
}

function isAllowed(answer: HostAnswer): boolean {
  return answer.type === "permission" && answer.outcome === "allow";
}

function isRemembered(answer: HostAnswer): boolean {
  return answer.type === "permission" && answer.outcome === "allow" && answer.remember === true;
}

/** `cancel` would end the turn: a denied call is the agent's to go on from. */
function decision(answer: HostAnswer): JsonObject {
  if (!isAllowed(answer)) return { decision: "decline" };
  return { decision: isRemembered(answer) ? "acceptForSession" : "accept" };
}

function questionOf(value: unknown): Question {
  const header = stringField(value, "header");
  return {
    id: stringField(value, "id") ?? "",
    ...(header === undefined ? {} : { header }),
    question: stringField(value, "question") ?? "",
    options: arrayField(value, "options").map((option) => {
      const description = stringField(option, "description");
      return {
        label: stringField(option, "label") ?? "",
        ...(description === undefined ? {} : { description }),
      };
    }),
    multiSelect: false,
  };
}

function answersOf(answer: HostAnswer): JsonObject {
  if (answer.type !== "question" || answer.answers === undefined) return {};
  return Object.fromEntries(
    Object.entries(answer.answers).map(([id, given]) => [
      id,
      { answers: typeof given === "string" ? [given] : given },
    ]),
  );
}
