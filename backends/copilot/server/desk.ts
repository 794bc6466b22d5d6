import {
  arrayField,
  isJsonObject,
  objectField,
  stringField,
  type AgentEventBody,
  type HostAnswer,
  type JsonObject,
  type JsonRpcId,
  type ProtocolInput,
  type Question,
  type ToolRequest,
} from "../../../src/kit.ts";
import type { ToolCalls } from "../events/tool-calls.ts";
import { askTool, mcpToolTest, toolArguments, toolRequest } from "../events/tools.ts";

/** What a question of the CLI comes to: an answer at once, or an event for the host. */
export type DeskStep = { readonly result: JsonObject } | { readonly event: AgentEventBody };

/** The answer to a `permission.requested` of the CLI, which is an event there. */
export type Decision =
  { readonly kind: "approve-once" } | { readonly kind: "reject"; readonly feedback: string };

/** What such a question comes to. */
export type PermissionStep = { readonly decision: Decision } | { readonly event: AgentEventBody };

/** An answer of the host, in the form of what was asked. */
export type Reply =
  | { readonly to: "request"; readonly id: JsonRpcId; readonly result: JsonObject }
  | { readonly to: "event"; readonly requestId: string; readonly decision: Decision };

type Open =
  | { readonly type: "hook"; readonly id: JsonRpcId; readonly args: unknown; readonly toolCallId?: string }
  | { readonly type: "event"; readonly requestId: string }
  | { readonly type: "question"; readonly id: JsonRpcId; readonly choices: readonly string[] };

const denial = "No tool may be used in this session.";
const declined = "The user declined to answer.";

/** Decides on tool calls, or puts them to the host, and brings the host's answers into the CLI's form. */
export class Desk {
  readonly #input: ProtocolInput;
  readonly #tools: ToolCalls;
  readonly #isMcpTool: (name: string) => boolean;
  readonly #open = new Map<string, Open>();
  /** Calls the host has allowed, and that the CLI may ask about once more. */
  readonly #allowed = new Set<string>();
  #count = 0;

  constructor(input: ProtocolInput, tools: ToolCalls) {
    this.#input = input;
    this.#tools = tools;
    this.#isMcpTool = mcpToolTest(input);
  }

  /** A new process: the last one's questions need no answer any more. */
  reset(): void {
    this.#open.clear();
    this.#allowed.clear();
  }

  /** The CLI is about to make a tool call. */
  hook(id: JsonRpcId, call: JsonObject): DeskStep {
    const { permissions } = this.#input;
    const name = stringField(call, "toolName") ?? "";
    const args = call["toolArgs"];
    if (permissions === "allow-all") return { result: { output: { permissionDecision: "allow" } } };
    if (permissions === "deny-all") return { result: hookDenial(denial) };
    const toolCallId = this.#tools.asked(name, args);
    // The question itself is put to the host.
    if (name === askTool) return { result: { output: { permissionDecision: "allow" } } };
    const identified = toolCallId === undefined ? {} : { toolCallId };
    const requestId = this.#remember({ type: "hook", id, args, ...identified });
    const tool: ToolRequest = { ...toolRequest(name, args, this.#isMcpTool(name)), ...identified };
    return { event: { type: "permission.requested", requestId, tool, canRemember: false } };
  }

  /** The CLI asks by an event, about what no hook has decided on. */
  permission(data: JsonObject): PermissionStep | undefined {
    const requestId = stringField(data, "requestId");
    if (requestId === undefined || data["resolvedByHook"] === true) return undefined;
    const { permissions } = this.#input;
    if (permissions === "allow-all") return { decision: { kind: "approve-once" } };
    if (permissions === "deny-all") return { decision: { kind: "reject", feedback: denial } };
    const request = objectField(data, "permissionRequest");
    const toolCallId = stringField(request, "toolCallId");
    if (toolCallId !== undefined && this.#allowed.has(toolCallId)) {
      return { decision: { kind: "approve-once" } };
    }
    const open = this.#remember({ type: "event", requestId });
    const tool = requestedTool(request, this.#isMcpTool);
    return {
      event: {
        type: "permission.requested",
        requestId: open,
        tool: toolCallId === undefined ? tool : { ...tool, toolCallId },
        canRemember: false,
      },
    };
  }

  question(id: JsonRpcId, params: JsonObject): DeskStep {
    const text = stringField(params, "question") ?? "";
    if (!this.#input.answersQuestions || this.#input.permissions === "deny-all") {
      return { result: freeAnswer("Nobody is there to answer questions: decide by yourself.") };
    }
    const choices = arrayField(params, "choices").filter((choice) => typeof choice === "string");
    const requestId = this.#remember({ type: "question", id, choices });
    const question: Question = {
      id: text,
      question: text,
      options: choices.map((label) => ({ label })),
      multiSelect: false,
    };
    return { event: { type: "question.requested", requestId, questions: [question] } };
  }

  reply(answer: HostAnswer): Reply | undefined {
    const open = this.#open.get(answer.requestId);
    if (open === undefined || (open.type === "question") !== (answer.type === "question")) return undefined;
    this.#open.delete(answer.requestId);
    if (answer.type === "question") {
      if (open.type !== "question") return undefined;
      const [given] = Object.values(answer.answers ?? {});
      const text = typeof given === "string" ? given : given?.join(", ");
      return { to: "request", id: open.id, result: answerTo(open.choices, text) };
    }
    if (open.type === "event") {
      const decision: Decision =
        answer.outcome === "allow" ? { kind: "approve-once" } : { kind: "reject", feedback: answer.message };
      return { to: "event", requestId: open.requestId, decision };
    }
    if (open.type !== "hook") return undefined;
    if (answer.outcome === "deny") return { to: "request", id: open.id, result: hookDenial(answer.message) };
    if (open.toolCallId !== undefined) this.#allowed.add(open.toolCallId);
    const { updatedInput } = answer;
    const changed =
      updatedInput === undefined ? {} : { modifiedArgs: toolArguments(open.args, updatedInput) };
    return { to: "request", id: open.id, result: { output: { permissionDecision: "allow", ...changed } } };
  }

  /** The turn is being interrupted: what is open is answered with no, and told as withdrawn. */
  withdrawAll(): { readonly events: readonly AgentEventBody[]; readonly replies: readonly Reply[] } {
    const events: AgentEventBody[] = [];
    const replies: Reply[] = [];
    for (const [requestId, open] of this.#open) {
      events.push({ type: "permission.resolved", requestId, outcome: "cancelled", by: "interrupt" });
      if (open.type === "event") {
        replies.push({
          to: "event",
          requestId: open.requestId,
          decision: { kind: "reject", feedback: "The turn was interrupted." },
        });
      } else {
        const result = open.type === "hook" ? hookDenial("The turn was interrupted.") : freeAnswer(declined);
        replies.push({ to: "request", id: open.id, result });
      }
    }
    this.#open.clear();
    return { events, replies };
  }

  #remember(open: Open): string {
    this.#count += 1;
    const requestId = `copilot-${String(this.#count)}`;
    this.#open.set(requestId, open);
    return requestId;
  }
}

function hookDenial(reason: string): JsonObject {
  const permissionDecisionReason = reason === "" ? "The call was denied." : reason;
  return { output: { permissionDecision: "deny", permissionDecisionReason } };
}

function answerTo(choices: readonly string[], answer: string | undefined): JsonObject {
  if (answer === undefined) return freeAnswer(declined);
  return choices.includes(answer) ? { answer, wasFreeform: false } : freeAnswer(answer);
}

function freeAnswer(answer: string): JsonObject {
  return { answer, wasFreeform: true };
}

const requestTools: { readonly [kind: string]: string } = {
  shell: "bash",
  read: "view",
  write: "edit",
  url: "web_fetch",
};

/** The CLI tells what it is about to do rather than which tool does it. */
function requestedTool(request: JsonObject, isMcpTool: (name: string) => boolean): ToolRequest {
  const kind = stringField(request, "kind") ?? "";
  const name =
    stringField(request, "toolName") ??
    (Object.hasOwn(requestTools, kind) ? requestTools[kind] : undefined) ??
    kind;
  const args = request["toolArgs"] ?? request["args"];
  const command = stringField(request, "fullCommandText");
  const path = stringField(request, "path") ?? stringField(request, "fileName");
  const input: JsonObject = {
    ...(isJsonObject(args) ? args : {}),
    ...(command === undefined ? {} : { command }),
    ...(path === undefined ? {} : { path }),
    ...(typeof request["url"] === "string" ? { url: request["url"] } : {}),
  };
  return toolRequest(
    name,
    Object.keys(input).length > 0 ? input : request,
    kind === "mcp" || isMcpTool(name),
  );
}
