import { exitedFailure, exitFacts, howItEnded, lastErrorLine } from "../../kit/agent-failures.ts";
import { isJsonObject, objectField, stringField } from "../../kit/json.ts";
import type {
  AgentExit,
  AgentProtocol,
  HostAnswer,
  HostRequest,
  NativeSession,
  ProtocolInput,
  Step,
  TurnInput,
} from "../../spec/backend.ts";
import type { AgentEventBody } from "../../spec/events.ts";
import type { JsonObject } from "../../spec/json.ts";
import type { StopReason } from "../../spec/usage.ts";
import { JsonRpcPeer, jsonRpcErrors, type JsonRpcError, type JsonRpcId } from "../json-rpc.ts";
import { errorMessage, failureInText, requestFailure } from "./errors.ts";
import { Handshake, type HandshakeOutcome, type HandshakeStage } from "./handshake.ts";
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
import { promptBlocks } from "./prompt-blocks.ts";
import type { SettingRequest } from "./session-settings.ts";
import { isConversation, updateEvents } from "./session-updates.ts";
import { StepBuilder, unparsed } from "./step-builder.ts";
import { TextStream } from "./text-stream.ts";
import { ToolCalls } from "./tool-calls.ts";
import { TurnUsage } from "./turn-usage.ts";

interface Turn {
  readonly input: TurnInput;
  interruptRequested: boolean;
  /** The agent has shown that it works on it. */
  isSeen: boolean;
}

type Tag =
  | { readonly type: "handshake"; readonly stage: HandshakeStage }
  | { readonly type: "turn"; readonly turn: Turn }
  | { readonly type: "setting"; readonly id: string; readonly request: SettingRequest };

/** `starting`: in the handshake; `draining`: the rest of a replayed history is awaited. */
type State = "none" | "starting" | "draining" | "ready";

const stopReasons: { readonly [reason: string]: StopReason } = {
  end_turn: "end_turn",
  max_tokens: "max_tokens",
  max_turn_requests: "max_turns",
  refusal: "refusal",
};

const defaultReplayQuietMs = 200;

/**
 * A client of the Agent Client Protocol, version 1, without any I/O. Backends make one for each session, and say in the
 * profile what is peculiar to their agent; its argv, environment and files are theirs too.
 *
 * It offers the agent neither files nor terminals, and answers requests for them, and any other that it does not know,
 * with an error. `permissions` is enforced for what the agent asks for: that an agent asks for every call is up to the
 * way it is launched. It knows the host requests `set_model` and `list_models`.
 *
 * @example
 * ```ts
 * protocol: (input) => new AcpProtocol(input, { agent: "gemini", product: "Gemini CLI", modelBy: "launch" }),
 * ```
 */
export class AcpProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #profile: AcpProfile;
  readonly #text: TextStream;
  readonly #tools: ToolCalls;
  readonly #usage: TurnUsage;
  readonly #permissions = new PermissionDesk();
  #peer = new JsonRpcPeer<Tag>();
  #handshake: Handshake;
  #state: State = "none";
  #sessionId: string | undefined;
  #model: string | undefined;
  #turn: Turn | undefined;
  /** Turns that wait for the session to be ready, or for the one before. */
  #waiting: Turn[] = [];
  /** Whether what the agent says may still be the replayed history. */
  #isReplaying = false;

  constructor(input: ProtocolInput, profile: AcpProfile) {
    this.#input = input;
    this.#profile = profile;
    this.#model = input.model;
    this.#text = new TextStream(profile);
    this.#tools = new ToolCalls(profile);
    this.#usage = new TurnUsage(profile.usage);
    this.#handshake = new Handshake(input, profile, input.model, undefined);
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#peer = new JsonRpcPeer<Tag>();
    this.#permissions.startProcess();
    this.#handshake = new Handshake(this.#input, this.#profile, this.#model, start.resume);
    this.#state = "starting";
    this.#sessionId = undefined;
    this.#turn = undefined;
    this.#waiting = [];
    this.#isReplaying = false;
    const step = new StepBuilder();
    this.#proceed(this.#handshake.begin(), step);
    return step.build();
  }

  prompt(input: TurnInput): Step {
    const step = new StepBuilder();
    if (this.#state === "none") {
      const message = `${this.#profile.product} was prompted before it was started.`;
      step.emit({ type: "turn.failed", error: { code: "protocol_error", message, retryable: true } });
      return step.build();
    }
    this.#waiting.push({ input, interruptRequested: false, isSeen: false });
    this.#sendNext(step);
    return step.build();
  }

  push(line: string): Step {
    const message = this.#peer.receive(line);
    const step = new StepBuilder();
    step.raw = message.raw;
    step.background = this.#turn === undefined;
    switch (message.kind) {
      case "unparsed":
      case "invalid":
        step.emit(unparsed(line));
        break;
      case "stray":
        step.emit({ type: "agent.unknown", raw: message.raw });
        break;
      case "notification":
        this.#notification(message.method, message.params, step);
        break;
      case "request":
        this.#agentRequest(message.id, message.method, message.params, step);
        break;
      case "result":
        this.#result(message.tag, message.result, step);
        break;
      case "error":
        this.#error(message.tag, message.error, step);
        break;
    }
    return step.build();
  }

  reply(answer: HostAnswer): Step {
    if (answer.type !== "permission") return {};
    const pending = this.#permissions.take(answer.requestId);
    if (pending === undefined) return {};
    const step = new StepBuilder();
    const reason = answer.outcome === "deny" ? answer.message : "";
    this.#answer(pending.id, pending.toolCallId, permissionAnswer(pending.options, answer), reason, step);
    return step.build();
  }

  interrupt(): Step {
    const step = new StepBuilder();
    const turn = this.#turn;
    if (turn === undefined) {
      // Not sent yet: the agent need not know of it.
      if (this.#waiting.shift() !== undefined) step.emit({ type: "turn.interrupted", by: "host" });
      return step.build();
    }
    turn.interruptRequested = true;
    this.#tools.interrupted();
    this.#cancel(step);
    return step.build();
  }

  request(request: HostRequest): Step {
    const { id } = request;
    if (request.type === "list_models") {
      return { responses: [{ id, models: this.#handshake.settings.models }] };
    }
    if (request.type === "steer") {
      return { responses: [{ id, error: `${this.#profile.product} takes no message while it works.` }] };
    }
    const { model } = request;
    if (this.#state !== "ready" || this.#sessionId === undefined) {
      return { responses: [{ id, error: `${this.#profile.product} has no session yet.` }] };
    }
    const setting = this.#handshake.settings.setModel(model);
    if (typeof setting === "string") {
      return { responses: [{ id, error: `${this.#profile.product}: ${setting}` }] };
    }
    const params = { sessionId: this.#sessionId, ...setting.params };
    return { write: [this.#peer.request(setting.method, params, { type: "setting", id, request: setting })] };
  }

  tick(): Step {
    if (this.#state !== "draining") return {};
    const step = new StepBuilder();
    this.#ready(step);
    return step.build();
  }

  end(exit: AgentExit): Step {
    const step = new StepBuilder();
    const { product } = this.#profile;
    for (const tag of this.#peer.abandon()) {
      if (tag.type !== "setting") continue;
      step.responses.push({ id: tag.id, error: `${product} ended before it answered.` });
    }
    if (this.#state === "starting" || this.#state === "draining") {
      const said = lastErrorLine(exit.stderr);
      const message = `${product} ended ${howItEnded(exit)} before its session was ready${said === "" ? "" : `: ${said}`}.`;
      step.startError = { code: "session_start_failed", message, retryable: false, ...exitFacts(exit) };
    }
    for (const turn of [this.#turn, ...this.#waiting]) {
      if (turn === undefined) continue;
      step.emit(...this.#closeTurn());
      step.emit(
        turn.interruptRequested
          ? { type: "turn.interrupted", by: "host" }
          : { type: "turn.failed", error: exitedFailure(product, exit) },
      );
    }
    this.#turn = undefined;
    this.#waiting = [];
    this.#state = "none";
    return step.build();
  }

  #result(tag: Tag, result: unknown, step: StepBuilder): void {
    switch (tag.type) {
      case "handshake":
        this.#proceed(this.#handshake.answered(tag.stage, result), step);
        return;
      case "turn":
        this.#turnAnswered(tag.turn, isJsonObject(result) ? result : {}, step);
        return;
      case "setting": {
        const { settings } = this.#handshake;
        settings.accepted(tag.request);
        settings.learn(result);
        this.#model = settings.model ?? this.#model;
        step.responses.push({ id: tag.id });
        return;
      }
    }
  }

  #error(tag: Tag, error: JsonRpcError, step: StepBuilder): void {
    switch (tag.type) {
      case "handshake":
        this.#proceed(this.#handshake.refused(tag.stage, error), step);
        return;
      case "turn":
        if (this.#turn !== tag.turn) return;
        step.emit(...this.#closeTurn());
        step.emit(
          tag.turn.interruptRequested
            ? { type: "turn.interrupted", by: "host" }
            : { type: "turn.failed", error: requestFailure(error, this.#profile) },
        );
        this.#turnOver(step);
        return;
      case "setting":
        step.responses.push({ id: tag.id, error: errorMessage(error) });
    }
  }

  #proceed(outcome: HandshakeOutcome, step: StepBuilder): void {
    switch (outcome.type) {
      case "request": {
        const tag: Tag = { type: "handshake", stage: outcome.stage };
        // What comes from here on may be the history, even before the answer.
        if (outcome.stage.type === "session") this.#isReplaying = this.#handshake.replays;
        step.write.push(this.#peer.request(outcome.method, outcome.params, tag));
        return;
      }
      case "failed":
        this.#state = "none";
        step.startError = outcome.error;
        // Nothing more is to come: most agents end then.
        step.closeStdin = true;
        for (const _turn of this.#waiting) step.emit({ type: "turn.failed", error: outcome.error });
        this.#waiting = [];
        return;
      case "lost":
        this.#state = "none";
        step.resumeLost = true;
        return;
      case "ready":
        this.#sessionId = outcome.sessionId;
        if (this.#isReplaying) {
          this.#state = "draining";
          step.wakeAfterMs = this.#profile.replayQuietMs ?? defaultReplayQuietMs;
        } else {
          this.#ready(step);
        }
    }
  }

  #ready(step: StepBuilder): void {
    const { settings, isResumed } = this.#handshake;
    const nativeSessionId = this.#sessionId ?? "";
    const model = settings.model ?? this.#model;
    this.#state = "ready";
    this.#usage.startSession(!isResumed);
    step.ready = true;
    step.nativeSessionId = nativeSessionId;
    step.emit({
      type: "session.started",
      agent: this.#profile.agent,
      ...(model === undefined ? {} : { model }),
      nativeSessionId,
      cwd: this.#input.cwd,
      resumed: isResumed,
    });
    this.#sendNext(step);
  }

  #sendNext(step: StepBuilder): void {
    while (this.#state === "ready" && this.#turn === undefined) {
      const turn = this.#waiting.shift();
      if (turn === undefined) return;
      const { content, turnId } = turn.input;
      if (!this.#handshake.facts.takesImages && content.some((part) => part.type === "image")) {
        const message = `${this.#profile.product} takes no images: describe it in words, or pass it as a file.`;
        step.emit({ type: "turn.failed", error: { code: "unsupported", message, retryable: false } });
        continue;
      }
      this.#turn = turn;
      this.#isReplaying = false;
      this.#text.begin(turnId);
      this.#usage.beginTurn();
      const params = { sessionId: this.#sessionId, prompt: promptBlocks(content) };
      step.write.push(this.#peer.request("session/prompt", params, { type: "turn", turn }));
    }
  }

  #turnAnswered(turn: Turn, result: JsonObject, step: StepBuilder): void {
    if (this.#turn !== turn) return;
    const used = this.#usage.finish(result);
    step.emit(...this.#closeTurn());
    const text = this.#text.lastMessage;
    const reason = stringField(result, "stopReason");
    const failure = (this.#profile.failureInText ?? failureInText)(text);
    // An agent that was told to stop may call the end what it likes.
    if (turn.interruptRequested) step.emit({ type: "turn.interrupted", by: "host", ...used });
    else if (failure !== undefined) step.emit({ type: "turn.failed", error: failure, ...used });
    else if (reason === "cancelled") step.emit({ type: "turn.interrupted", by: "agent", ...used });
    else step.emit({ type: "turn.completed", stopReason: stopReasonOf(reason), text, ...used });
    this.#turnOver(step);
  }

  /** Completes what the turn has open, as far as the agent has told of it. */
  #closeTurn(): readonly AgentEventBody[] {
    return [...this.#tools.flush(), ...this.#text.close()];
  }

  #turnOver(step: StepBuilder): void {
    this.#tools.endTurn();
    this.#turn = undefined;
    // The agent may have forgotten them, but what waits for an answer gets one.
    for (const { id } of this.#permissions.takeAll()) step.write.push(this.#peer.respond(id, cancelled));
    this.#sendNext(step);
  }

  /** Asks the agent to stop: what it waits for is answered first, as the protocol wants it. */
  #cancel(step: StepBuilder): void {
    for (const { id, requestId } of this.#permissions.takeAll()) {
      step.write.push(this.#peer.respond(id, cancelled));
      step.emit({ type: "permission.resolved", requestId, outcome: "cancelled", by: "interrupt" });
    }
    step.write.push(this.#peer.notify("session/cancel", { sessionId: this.#sessionId }));
  }

  #notification(method: string, params: JsonObject, step: StepBuilder): void {
    if (method !== "session/update") {
      const events = this.#profile.extension?.(method, params);
      step.emit(...(events ?? [{ type: "agent.unknown" as const, raw: step.raw }]));
      return;
    }
    const told = objectField(params, "update");
    const update = this.#profile.readUpdate?.(told) ?? told;
    if (this.#isReplaying && isConversation(update)) {
      if (this.#state === "draining") {
        step.wakeAfterMs = this.#profile.replayQuietMs ?? defaultReplayQuietMs;
      }
      return;
    }
    const turn = this.#turn;
    if (turn !== undefined && !turn.isSeen && isConversation(update)) {
      turn.isSeen = true;
      // An agent that had not yet begun may not have known what to cancel.
      if (turn.interruptRequested) this.#cancel(step);
    }
    const context = {
      text: this.#text,
      tools: this.#tools,
      usage: this.#usage,
      settings: this.#handshake.settings,
    };
    step.emit(...(updateEvents(update, context) ?? [{ type: "agent.unknown" as const, raw: step.raw }]));
  }

  #agentRequest(id: JsonRpcId, method: string, params: JsonObject, step: StepBuilder): void {
    if (method === "session/request_permission") {
      this.#permissionRequested(id, params, step);
      return;
    }
    const message = `playpen does not offer ${method}.`;
    step.write.push(this.#peer.reject(id, { code: jsonRpcErrors.methodNotFound, message }));
    // What the agent was told not to ask for is no news; anything else may be.
    if (!/^(?:fs|terminal)\//.test(method)) step.emit({ type: "agent.unknown", raw: step.raw });
  }

  #permissionRequested(id: JsonRpcId, params: JsonObject, step: StepBuilder): void {
    const turn = this.#turn;
    const { permissions } = this.#input;
    if (turn?.interruptRequested === true || (turn === undefined && permissions !== "allow-all")) {
      // Nobody is there to ask for a turn that is over.
      step.write.push(this.#peer.respond(id, cancelled));
      return;
    }
    if (turn !== undefined) turn.isSeen = true;
    const { facts, toolCallId, events } = this.#tools.requested(requestedCall(params));
    step.emit(...(events.length === 0 ? [] : this.#text.close()), ...events);
    switch (permissions) {
      case "allow-all":
        this.#answer(id, toolCallId, allowance(params), "", step);
        return;
      case "deny-all":
        this.#answer(
          id,
          toolCallId,
          rejection(optionsOf(params)),
          "Denied by the session's permissions.",
          step,
        );
        return;
      case "ask": {
        const { requestId, options } = this.#permissions.add(id, toolCallId, params);
        const { parentToolCallId: _parent, ...tool } = facts;
        step.emit({
          type: "permission.requested",
          requestId,
          tool: { toolCallId, ...tool },
          canRemember: canRemember(options),
        });
      }
    }
  }

  #answer(
    id: JsonRpcId,
    toolCallId: string,
    { result, isAllowed, problem }: PermissionAnswer,
    reason: string,
    step: StepBuilder,
  ): void {
    step.write.push(this.#peer.respond(id, result));
    if (problem !== undefined) step.notice("warning", problem);
    if (!isAllowed) step.emit(...this.#tools.denied(toolCallId, problem ?? reason));
  }
}

function stopReasonOf(reason: string | undefined): StopReason {
  return reason !== undefined && Object.hasOwn(stopReasons, reason)
    ? (stopReasons[reason] ?? "other")
    : "other";
}
