import { exitedFailure, exitFacts, howItEnded, lastErrorLine } from "../../kit/agent-failures.ts";
import { objectField } from "../../kit/json.ts";
import { StepBuilder } from "../../kit/step-builder.ts";
import { unparsedLine } from "../../kit/unparsed-line.ts";
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
import type { JsonObject } from "../../spec/json.ts";
import { JsonRpcPeer, jsonRpcErrors, type JsonRpcError, type JsonRpcId } from "../json-rpc.ts";
import { type AcpTurn, Conversation, membersOf } from "./conversation.ts";
import { errorMessage } from "./errors.ts";
import { Handshake, type HandshakeOutcome, type HandshakeStage } from "./handshake.ts";
import type { AcpProfile } from "./profile.ts";
import { promptBlocks } from "./prompt-blocks.ts";
import type { SettingRequest } from "./session-settings.ts";
import { isConversation } from "./session-updates.ts";

type Tag =
  | { readonly type: "handshake"; readonly stage: HandshakeStage }
  | { readonly type: "turn"; readonly turn: AcpTurn }
  | { readonly type: "setting"; readonly id: string; readonly request: SettingRequest };

/** `starting`: in the handshake; `draining`: the rest of a replayed history is awaited. */
type State = "none" | "starting" | "draining" | "ready";

const defaultReplayQuietMs = 200;
/** How long a call is held back of which nothing but the name is known. */
const longestHoldMs = 250;

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
  readonly #conversation: Conversation;
  #peer = new JsonRpcPeer<Tag>();
  #handshake: Handshake;
  #state: State = "none";
  #sessionId: string | undefined;
  #model: string | undefined;
  /** Turns that wait for the session to be ready, or for the one before. */
  #waiting: AcpTurn[] = [];
  /** Whether what the agent says may still be the replayed history. */
  #isReplaying = false;
  #hasHistory = false;

  constructor(input: ProtocolInput, profile: AcpProfile) {
    this.#input = input;
    this.#profile = profile;
    this.#model = input.model;
    this.#conversation = new Conversation(input, profile);
    this.#handshake = new Handshake(input, profile, input.model, undefined);
  }

  /** Whether the agent is at a turn. A prompt that waits for the session to be ready is not with the agent yet. */
  get isPrompted(): boolean {
    return this.#conversation.turn !== undefined;
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#peer = new JsonRpcPeer<Tag>();
    this.#conversation.startProcess();
    this.#handshake = new Handshake(this.#input, this.#profile, this.#model, start.resume);
    this.#state = "starting";
    this.#sessionId = undefined;
    this.#waiting = [];
    this.#isReplaying = false;
    this.#hasHistory = false;
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
    step.background = !this.isPrompted;
    switch (message.kind) {
      case "unparsed":
      case "invalid":
        step.emit(unparsedLine(line));
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
    const step = new StepBuilder();
    this.#conversation.permissionAnswered(answer, step, this.#respondIn(step));
    return step.build();
  }

  interrupt(): Step {
    const step = new StepBuilder();
    const { turn } = this.#conversation;
    if (turn !== undefined) this.#cancel(turn, step);
    // Not sent yet: the agent need not know of it.
    else if (this.#waiting.shift() !== undefined) step.emit({ type: "turn.interrupted", by: "host" });
    return step.build();
  }

  request(request: HostRequest): Step {
    const { id } = request;
    const { settings } = this.#handshake;
    const { product } = this.#profile;
    const refused = (error: string): Step => ({ responses: [{ id, error }] });
    if (request.type === "list_models") return { responses: [{ id, models: settings.models }] };
    if (request.type === "steer") return refused(`${product} takes no message while it works.`);
    if (this.#state !== "ready") return refused(`${product} has no session yet.`);
    const setting = settings.setModel(request.model);
    if (typeof setting === "string") return refused(`${product}: ${setting}`);
    const params = { sessionId: this.#sessionId, ...setting.params };
    return { write: [this.#peer.request(setting.method, params, { type: "setting", id, request: setting })] };
  }

  tick(): Step {
    const step = new StepBuilder();
    if (this.#state === "draining") this.#drained(step);
    else this.#conversation.flush(step);
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
    const { turn } = this.#conversation;
    this.#conversation.abandon(step);
    for (const { interruptRequested, failure } of [...(turn === undefined ? [] : [turn]), ...this.#waiting]) {
      step.emit(
        interruptRequested && failure === undefined
          ? { type: "turn.interrupted", by: "host" }
          : { type: "turn.failed", error: failure ?? exitedFailure(product, exit) },
      );
    }
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
        if (this.#conversation.turn !== tag.turn) return;
        this.#conversation.completed(tag.turn, membersOf(result), step);
        this.#turnOver(step);
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
        if (this.#conversation.turn !== tag.turn) return;
        this.#conversation.failed(tag.turn, error, step);
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
        if (this.#waiting.length > 0) step.background = false;
        for (const _turn of this.#waiting) step.emit({ type: "turn.failed", error: outcome.error });
        this.#waiting = [];
        return;
      case "lost":
        this.#lose(step);
        return;
      case "ready":
        this.#sessionId = outcome.sessionId;
        if (this.#isReplaying) {
          this.#state = "draining";
          this.#awaitQuiet(step);
        } else {
          this.#ready(step);
        }
    }
  }

  #drained(step: StepBuilder): void {
    if (this.#profile.showsLoadByHistory === true && !this.#hasHistory) this.#lose(step);
    else this.#ready(step);
  }

  /** The session is not there: nothing is expected of this process any more. */
  #lose(step: StepBuilder): void {
    this.#state = "none";
    step.resumeLost = true;
  }

  #ready(step: StepBuilder): void {
    const { settings, isResumed } = this.#handshake;
    const nativeSessionId = this.#sessionId ?? "";
    const model = settings.model ?? this.#model;
    this.#state = "ready";
    this.#conversation.usage.startSession(!isResumed);
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

  #awaitQuiet(step: StepBuilder): void {
    step.wakeAfterMs = this.#profile.replayQuietMs ?? defaultReplayQuietMs;
  }

  #sendNext(step: StepBuilder): void {
    while (this.#state === "ready" && this.#conversation.turn === undefined) {
      const turn = this.#waiting.shift();
      if (turn === undefined) return;
      const { content } = turn.input;
      if (!this.#handshake.facts.takesImages && content.some((part) => part.type === "image")) {
        const message = `${this.#profile.product} takes no images: describe it in words, or pass it as a file.`;
        step.background = false;
        step.emit({ type: "turn.failed", error: { code: "unsupported", message, retryable: false } });
        continue;
      }
      this.#isReplaying = false;
      this.#conversation.begin(turn);
      const params = { sessionId: this.#sessionId, prompt: promptBlocks(content) };
      step.write.push(this.#peer.request("session/prompt", params, { type: "turn", turn }));
    }
  }

  #turnOver(step: StepBuilder): void {
    this.#conversation.turnOver(this.#respondIn(step));
    this.#sendNext(step);
  }

  #cancel(turn: AcpTurn, step: StepBuilder): void {
    this.#conversation.interrupt(turn, step, this.#respondIn(step));
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
      this.#hasHistory = true;
      if (this.#state === "draining") this.#awaitQuiet(step);
      return;
    }
    const { turn } = this.#conversation;
    const isToBeTold = this.#conversation.update(update, this.#handshake.settings, step);
    if (isToBeTold && turn !== undefined) this.#cancel(turn, step);
    if (this.#conversation.isHolding) step.wakeAfterMs = longestHoldMs;
  }

  #agentRequest(id: JsonRpcId, method: string, params: JsonObject, step: StepBuilder): void {
    if (method === "session/request_permission") {
      this.#conversation.permissionRequested(id, params, step, this.#respondIn(step));
      return;
    }
    const message = `playpen does not offer ${method}.`;
    step.write.push(this.#peer.reject(id, { code: jsonRpcErrors.methodNotFound, message }));
    // What the agent was told not to ask for is no news; anything else may be.
    if (!/^(?:fs|terminal)\//.test(method)) step.emit({ type: "agent.unknown", raw: step.raw });
  }

  #respondIn(step: StepBuilder): (id: JsonRpcId, result: JsonObject) => void {
    return (id, result) => {
      step.write.push(this.#peer.respond(id, result));
    };
  }
}
