import { isJsonObject, stringField } from "../../kit/json.ts";
import type { StepBuilder } from "../../kit/step-builder.ts";
import type { HostAnswer, ProtocolInput, TurnInput } from "../../spec/backend.ts";
import type { AgentEventBody, TurnErrorInfo } from "../../spec/events.ts";
import type { JsonObject } from "../../spec/json.ts";
import type { StopReason } from "../../spec/usage.ts";
import type { JsonRpcError, JsonRpcId } from "../json-rpc.ts";
import { failureInText, requestFailure } from "./errors.ts";
import {
  allowance,
  cancelled,
  canRemember,
  optionsOf,
  permissionAnswer,
  type PermissionAnswer,
  PermissionDesk,
  rejection,
  requestedCall,
} from "./permission-desk.ts";
import type { AcpProfile } from "./profile.ts";
import type { SessionSettings } from "./session-settings.ts";
import { isConversation, updateEvents } from "./session-updates.ts";
import { TextStream } from "./text-stream.ts";
import { ToolCalls } from "./tool-calls.ts";
import { TurnUsage } from "./turn-usage.ts";

export interface AcpTurn {
  readonly input: TurnInput;
  interruptRequested: boolean;
  /** The agent has shown that it works on it. */
  isSeen: boolean;
  /** Why the library stops it. */
  failure?: TurnErrorInfo;
}

/** Sends an answer to a request of the agent's. */
type Respond = (id: JsonRpcId, result: JsonObject) => void;

const stopReasons: { readonly [reason: string]: StopReason } = {
  end_turn: "end_turn",
  max_tokens: "max_tokens",
  max_turn_requests: "max_turns",
  refusal: "refusal",
};

/** The turn that runs: what the agent says and does in it, what it asks for, and how it ends. */
export class Conversation {
  readonly usage: TurnUsage;
  readonly #input: ProtocolInput;
  readonly #profile: AcpProfile;
  readonly #text: TextStream;
  readonly #tools: ToolCalls;
  readonly #permissions = new PermissionDesk();
  #turn: AcpTurn | undefined;

  constructor(input: ProtocolInput, profile: AcpProfile) {
    this.#input = input;
    this.#profile = profile;
    this.usage = new TurnUsage(profile.usage);
    this.#text = new TextStream(profile);
    this.#tools = new ToolCalls(profile, Object.keys(input.mcpServers));
  }

  get turn(): AcpTurn | undefined {
    return this.#turn;
  }

  startProcess(): void {
    this.#permissions.startProcess();
    this.#tools.endTurn();
    this.#turn = undefined;
  }

  begin(turn: AcpTurn): void {
    this.#turn = turn;
    this.#text.begin(turn.input.turnId);
    this.usage.beginTurn();
  }

  /** Takes in what the agent tells of the session. Returns whether it has to be told to stop. */
  update(update: JsonObject, settings: SessionSettings, step: StepBuilder): boolean {
    const turn = this.#turn;
    const isFirst = turn?.isSeen === false && isConversation(update);
    if (isFirst) turn.isSeen = true;
    const context = { text: this.#text, tools: this.#tools, usage: this.usage, settings };
    step.emit(...(updateEvents(update, context) ?? [{ type: "agent.unknown" as const, raw: step.raw }]));
    if (turn !== undefined && this.#isUngated(turn)) return true;
    // An agent that had not yet begun may not have known what to stop.
    return isFirst && turn.interruptRequested;
  }

  /** Tells of the calls that were held back for what more the agent would say of them. */
  flush(step: StepBuilder): void {
    const events = this.#tools.flush();
    if (events.length > 0) step.emit(...this.#text.close(), ...events);
  }

  get isHolding(): boolean {
    return this.#tools.isHolding;
  }

  #isUngated(turn: AcpTurn): boolean {
    const name = this.#tools.ungated;
    if (this.#profile.stopsUngatedCalls !== true || this.#input.permissions === "allow-all") return false;
    if (name === undefined || turn.failure !== undefined) return false;
    const message = `${this.#profile.product} made a call of ${name} although nobody was asked. The turn was stopped.`;
    turn.failure = { code: "agent_error", message, retryable: false };
    return true;
  }

  /** Answers what the agent waits for, as the protocol wants it before a turn is cancelled. */
  interrupt(turn: AcpTurn, step: StepBuilder, respond: Respond): void {
    turn.interruptRequested = true;
    this.#tools.interrupted();
    for (const { id, requestId } of this.#permissions.takeAll()) {
      respond(id, cancelled);
      step.emit({ type: "permission.resolved", requestId, outcome: "cancelled", by: "interrupt" });
    }
  }

  /** The agent has answered the prompt. */
  completed(turn: AcpTurn, result: JsonObject, step: StepBuilder): void {
    const used = this.usage.finish(result);
    step.emit(...this.#close("interrupted"));
    const text = this.#text.lastMessage;
    const reason = stringField(result, "stopReason");
    const failure = (this.#profile.failureInText ?? failureInText)(text, result, used.usage);
    if (turn.failure !== undefined) step.emit({ type: "turn.failed", error: turn.failure, ...used });
    // An agent that was told to stop may call the end what it likes.
    else if (turn.interruptRequested) step.emit({ type: "turn.interrupted", by: "host", ...used });
    else if (failure !== undefined) step.emit({ type: "turn.failed", error: failure, ...used });
    else if (reason === "cancelled") step.emit({ type: "turn.interrupted", by: "agent", ...used });
    else step.emit({ type: "turn.completed", stopReason: stopReasonOf(reason), text, ...used });
  }

  /** The agent has answered the prompt with an error. */
  failed(turn: AcpTurn, error: JsonRpcError, step: StepBuilder): void {
    step.emit(...this.#close(turn.interruptRequested ? "interrupted" : "error"));
    if (turn.interruptRequested && turn.failure === undefined) {
      step.emit({ type: "turn.interrupted", by: "host" });
    } else {
      step.emit({ type: "turn.failed", error: turn.failure ?? requestFailure(error, this.#profile) });
    }
  }

  /** Completes what a turn has open whose process is gone. */
  abandon(step: StepBuilder): void {
    step.emit(...this.#close(this.#turn?.interruptRequested === true ? "interrupted" : "error"));
    this.#turn = undefined;
  }

  turnOver(respond: Respond): void {
    this.#tools.endTurn();
    this.#turn = undefined;
    // The agent may have forgotten them, but what waits for an answer gets one.
    for (const { id } of this.#permissions.takeAll()) respond(id, cancelled);
  }

  permissionRequested(id: JsonRpcId, params: JsonObject, step: StepBuilder, respond: Respond): void {
    const turn = this.#turn;
    const { permissions } = this.#input;
    if (turn?.interruptRequested === true || (turn === undefined && permissions !== "allow-all")) {
      // Nobody is there to ask for a turn that is over.
      respond(id, cancelled);
      return;
    }
    if (turn !== undefined) turn.isSeen = true;
    const { facts, toolCallId, events } = this.#tools.requested(requestedCall(params));
    step.emit(...(events.length === 0 ? [] : this.#text.close()), ...events);
    if (permissions === "ask") {
      const { requestId, options } = this.#permissions.add(id, toolCallId, params);
      const { parentToolCallId: _parent, ...tool } = facts;
      step.emit({
        type: "permission.requested",
        requestId,
        tool: { toolCallId, ...tool },
        canRemember: canRemember(options),
      });
      return;
    }
    const answer = permissions === "allow-all" ? allowance(params) : rejection(optionsOf(params));
    respond(id, answer.result);
    step.emit(...this.#decided(toolCallId, answer, "Denied by the session's permissions."));
  }

  permissionAnswered(answer: HostAnswer, step: StepBuilder, respond: Respond): void {
    if (answer.type !== "permission") return;
    const pending = this.#permissions.take(answer.requestId);
    if (pending === undefined) return;
    const chosen = permissionAnswer(pending.options, answer);
    respond(pending.id, chosen.result);
    step.emit(...this.#decided(pending.toolCallId, chosen, answer.outcome === "deny" ? answer.message : ""));
  }

  #decided(
    toolCallId: string,
    { isAllowed, problem }: PermissionAnswer,
    reason: string,
  ): readonly AgentEventBody[] {
    return [
      ...(problem === undefined
        ? []
        : [{ type: "agent.notice", level: "warning", message: problem } as const]),
      ...(isAllowed ? [] : this.#tools.denied(toolCallId, problem ?? reason)),
    ];
  }

  #close(status: "interrupted" | "error"): readonly AgentEventBody[] {
    return [...this.#tools.closeAll(status), ...this.#text.close()];
  }
}

function stopReasonOf(reason: string | undefined): StopReason {
  const known = reason !== undefined && Object.hasOwn(stopReasons, reason) ? stopReasons[reason] : undefined;
  return known ?? "other";
}

/** The members of an answer, which should be an object. */
export function membersOf(result: unknown): JsonObject {
  return isJsonObject(result) ? result : {};
}
