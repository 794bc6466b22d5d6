import {
  arrayField,
  JsonRpcPeer,
  jsonRpcErrors,
  numberField,
  objectField,
  stringField,
  type AgentContentPart,
  type AgentExit,
  type AgentProtocol,
  type HostAnswer,
  type HostRequest,
  type JsonObject,
  type NativeSession,
  type Step,
  type TurnInput,
} from "../../../src/kit.ts";
import { exitError, retrying, turnError } from "../errors.ts";
import { StepBuilder, unparsed } from "../step.ts";
import { UsageMeter } from "../usage-meter.ts";
import { Approvals, type ApprovalRequest } from "./approvals.ts";
import { Handshake, type AppServerInput, type HandshakeOutcome, type HandshakeStage } from "./handshake.ts";
import { Commands } from "./commands.ts";
import { blockedCall, itemEvents } from "./item-events.ts";
import { silentNotifications, SessionStatus } from "./status.ts";
import { Threads, turnIdOf } from "./threads.ts";
import { turnParams, userInput } from "./turn-params.ts";

/** The turn that the host waits for. */
interface Turn {
  /** Codex's own id; unknown until it has answered. */
  nativeId?: string;
  interruptRequested: boolean;
  retries: number;
}

type Tag =
  | { readonly type: "handshake"; readonly stage: HandshakeStage }
  | { readonly type: "turn"; readonly turn: Turn }
  | { readonly type: "steer"; readonly id: string }
  | { readonly type: "terminals"; readonly items: ReadonlySet<string> }
  | { readonly type: "ignored" };

/** Speaks with one `codex app-server` at a time, for as long as the session lives. */
export class AppServerProtocol implements AgentProtocol {
  readonly #input: AppServerInput;
  readonly #threads = new Threads();
  readonly #approvals = new Approvals();
  readonly #usage = new UsageMeter();
  readonly #status = new SessionStatus();
  readonly #commands = new Commands();
  #peer = new JsonRpcPeer<Tag>({ versionField: false });
  #handshake: Handshake;
  #isReady = false;
  /** Neither ready nor known to have failed. */
  #isStarting = false;
  #model: string | undefined;
  #turn: Turn | undefined;

  constructor(input: AppServerInput) {
    this.#input = input;
    this.#model = input.model;
    this.#handshake = new Handshake(input, input.model, undefined);
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#peer = new JsonRpcPeer<Tag>({ versionField: false });
    this.#threads.startProcess();
    this.#approvals.startProcess();
    this.#commands.startProcess();
    this.#handshake = new Handshake(this.#input, this.#model, start.resume);
    this.#isReady = false;
    this.#isStarting = true;
    this.#turn = undefined;
    const step = new StepBuilder();
    this.#proceed(this.#handshake.begin(), step);
    return step.build();
  }

  prompt(input: TurnInput): Step {
    const threadId = this.#threads.main;
    const step = new StepBuilder();
    if (!this.#isReady || threadId === undefined) {
      const message = "Codex was prompted before its thread was there.";
      step.emit({ type: "turn.failed", error: { code: "protocol_error", message, retryable: true } });
      return step.build();
    }
    const turn: Turn = { interruptRequested: false, retries: 0 };
    this.#turn = turn;
    this.#usage.startTurn();
    const params = turnParams(this.#input, threadId, input.content, this.#model);
    step.write.push(this.#peer.request("turn/start", params, { type: "turn", turn }));
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
        this.#notification(message.method, message.params, message.raw, step);
        break;
      case "request":
        this.#serverRequest(message, step);
        break;
      case "result":
        this.#result(message.tag, message.result, step);
        break;
      case "error":
        this.#error(message.tag, message.error.message, step);
        break;
    }
    return step.build();
  }

  reply(answer: HostAnswer): Step {
    const reply = this.#approvals.reply(answer);
    return reply === undefined ? {} : { write: [this.#peer.respond(reply.id, reply.result)] };
  }

  interrupt(): Step {
    if (this.#turn === undefined) return {};
    this.#turn.interruptRequested = true;
    return { write: [this.#interruptLine(this.#turn)] };
  }

  request(request: HostRequest): Step {
    if (request.type === "set_model") {
      this.#model = request.model;
      return { responses: [{ id: request.id }] };
    }
    return this.#steer(request.id, request.content);
  }

  tick(): Step {
    return {};
  }

  end(exit: AgentExit): Step {
    const step = new StepBuilder();
    for (const tag of this.#peer.abandon()) {
      if (tag.type === "steer") step.responses.push({ id: tag.id, error: "Codex ended before it answered." });
    }
    if (this.#isStarting) {
      const stderr = exit.stderr === "" ? "" : `: ${exit.stderr.trim()}`;
      const message = `Codex ended before its session was ready${stderr}`;
      step.startError = { ...exitError(exit), code: "session_start_failed", message, retryable: false };
    }
    if (this.#turn?.interruptRequested === true) step.emit({ type: "turn.interrupted", by: "host" });
    else if (this.#turn !== undefined) step.emit({ type: "turn.failed", error: exitError(exit) });
    this.#turn = undefined;
    this.#isReady = false;
    this.#isStarting = false;
    return step.build();
  }

  #result(tag: Tag, result: unknown, step: StepBuilder): void {
    switch (tag.type) {
      case "handshake":
        if (tag.stage === "initialize") step.write.push(this.#peer.notify("initialized"));
        this.#proceed(this.#handshake.answered(tag.stage, result), step);
        return;
      case "turn":
        this.#turnAccepted(tag.turn, turnIdOf(result), step);
        return;
      case "steer":
        step.responses.push({ id: tag.id });
        return;
      case "terminals":
        this.#terminate(tag.items, result, step);
        return;
      case "ignored":
        return;
    }
  }

  #error(tag: Tag, message: string, step: StepBuilder): void {
    switch (tag.type) {
      case "handshake":
        this.#proceed(this.#handshake.refused(tag.stage, message), step);
        return;
      case "turn":
        if (this.#turn !== tag.turn) return;
        this.#turn = undefined;
        step.emit(
          tag.turn.interruptRequested
            ? { type: "turn.interrupted", by: "host" }
            : { type: "turn.failed", error: turnError({ message }) },
        );
        return;
      case "steer":
        step.responses.push({ id: tag.id, error: message });
        return;
      case "terminals":
      case "ignored":
        // An interrupt that came too late, or a command that has ended by itself.
        return;
    }
  }

  #proceed(outcome: HandshakeOutcome, step: StepBuilder): void {
    switch (outcome.type) {
      case "request": {
        const tag: Tag = { type: "handshake", stage: outcome.stage };
        step.write.push(this.#peer.request(outcome.method, outcome.params, tag));
        return;
      }
      case "failed":
        this.#isStarting = false;
        step.startError = outcome.error;
        return;
      case "lost":
        this.#isStarting = false;
        step.resumeLost = true;
        return;
      case "ready":
        this.#isReady = true;
        this.#isStarting = false;
        this.#threads.mainStarted(outcome.threadId);
        this.#status.startProcess(outcome.model);
        step.ready = true;
        step.nativeSessionId = outcome.threadId;
        step.emit({
          type: "session.started",
          agent: "codex",
          ...(outcome.model === undefined ? {} : { model: outcome.model }),
          nativeSessionId: outcome.threadId,
          cwd: this.#input.cwd,
          resumed: this.#handshake.isResumed,
        });
    }
  }

  #turnAccepted(turn: Turn, nativeId: string | undefined, step: StepBuilder): void {
    if (nativeId !== undefined) turn.nativeId ??= nativeId;
    // The interrupt that was sent without an id may have come too early to find the turn.
    if (this.#turn === turn && turn.interruptRequested) step.write.push(this.#interruptLine(turn));
  }

  #interruptLine(turn: Turn): string {
    const params = { threadId: this.#threads.main, turnId: turn.nativeId ?? "" };
    return this.#peer.request("turn/interrupt", params, { type: "ignored" });
  }

  #steer(id: string, content: readonly AgentContentPart[]): Step {
    const turnId = this.#turn?.nativeId;
    const threadId = this.#threads.main;
    if (turnId === undefined || threadId === undefined) {
      return { responses: [{ id, error: "Codex runs no turn that could be steered." }] };
    }
    const params = { threadId, input: content.map(userInput), expectedTurnId: turnId };
    return { write: [this.#peer.request("turn/steer", params, { type: "steer", id })] };
  }

  #serverRequest(request: ApprovalRequest, step: StepBuilder): void {
    const { permissions } = this.#input;
    // Nobody is there to ask for a turn that is over.
    const isOurs = this.#turn !== undefined && this.#threads.belongsTo(this.#turn.nativeId, request.params);
    const decide =
      permissions === "allow-all" ? "allow" : permissions === "ask" && isOurs ? undefined : "deny";
    const outcome = this.#approvals.request(request, decide);
    step.background = !isOurs;
    switch (outcome.type) {
      case "asked":
        step.emit(outcome.event);
        return;
      case "answered":
        step.write.push(this.#peer.respond(request.id, outcome.result));
        if (outcome.notice !== undefined) step.notice("warning", outcome.notice);
        return;
      case "unknown": {
        const error = {
          code: jsonRpcErrors.methodNotFound,
          message: `playpen does not know ${request.method}.`,
        };
        step.write.push(this.#peer.reject(request.id, error));
        step.emit({ type: "agent.unknown", raw: step.raw });
        return;
      }
    }
  }

  #notification(method: string, params: JsonObject, raw: unknown, step: StepBuilder): void {
    const turn = this.#turn;
    if (method === "turn/started") {
      this.#turnStarted(params, step);
      return;
    }
    const belongs = turn !== undefined && this.#threads.belongsTo(turn.nativeId, params);
    step.background = !belongs;
    switch (method) {
      case "turn/completed":
        if (belongs && this.#threads.isMain(params)) this.#turnCompleted(turn, params, step);
        return;
      case "thread/tokenUsage/updated":
        this.#tokenUsage(params, belongs, step);
        return;
      case "error":
        if (belongs && params["willRetry"] === true) {
          turn.retries += 1;
          step.emit(retrying(objectField(params, "error"), turn.retries));
        }
        return;
      case "serverRequest/resolved": {
        const requestId = this.#approvals.resolved(params["requestId"]);
        if (requestId !== undefined) {
          step.emit({ type: "permission.resolved", requestId, outcome: "cancelled", by: "agent" });
        }
        return;
      }
      case "hook/completed":
        step.emit(...blockedCall(objectField(params, "run")));
        return;
      default: {
        if (silentNotifications.has(method)) return;
        const context = {
          threads: this.#threads,
          approvals: this.#approvals,
          turnId: turn?.nativeId,
          commands: this.#commands,
          belongs,
        };
        const events = itemEvents(method, params, context) ?? this.#status.events(method, params);
        step.emit(...(events ?? [{ type: "agent.unknown" as const, raw }]));
      }
    }
  }

  #turnStarted(params: JsonObject, step: StepBuilder): void {
    this.#threads.turnStarted(params);
    const nativeId = stringField(params["turn"], "id");
    if (!this.#threads.isMain(params) || nativeId === undefined) return;
    if (this.#turn === undefined) {
      step.notice("warning", "Codex began a turn that no prompt asked for.");
    } else {
      this.#turn.nativeId ??= nativeId;
    }
  }

  #turnCompleted(turn: Turn, params: JsonObject, step: StepBuilder): void {
    const completed = objectField(params, "turn");
    this.#turn = undefined;
    this.#approvals.turnEnded();
    const usage = { usage: this.#usage.usage };
    switch (stringField(completed, "status")) {
      case "failed":
        this.#endCommands(step);
        step.emit({ type: "turn.failed", error: turnError(completed["error"]), ...usage });
        return;
      case "interrupted":
        this.#endCommands(step);
        step.emit({ type: "turn.interrupted", by: turn.interruptRequested ? "host" : "agent", ...usage });
        return;
      default: {
        const { requests } = this.#usage;
        // The call itself has succeeded: what it started goes on by the agent's own will.
        for (const toolCallId of this.#commands.turnEnded("background")) {
          step.emit({
            type: "tool.completed",
            toolCallId,
            status: "ok",
            output: "Still running in the background.",
          });
        }
        step.emit({
          type: "turn.completed",
          stopReason: "end_turn",
          ...usage,
          ...(requests === 0 ? {} : { numTurns: requests }),
        });
      }
    }
  }

  /** A turn that did not end by itself leaves its commands running, unless they are looked for and ended. */
  #endCommands(step: StepBuilder): void {
    const items = new Set(this.#commands.turnEnded("interrupt"));
    if (items.size === 0) return;
    const params = { threadId: this.#threads.main };
    step.write.push(
      this.#peer.request("thread/backgroundTerminals/list", params, { type: "terminals", items }),
    );
  }

  /** Ends those commands, and no others. */
  #terminate(items: ReadonlySet<string>, result: unknown, step: StepBuilder): void {
    for (const terminal of arrayField(result, "data")) {
      const processId = stringField(terminal, "processId");
      if (processId === undefined || !items.has(stringField(terminal, "itemId") ?? "")) continue;
      const params = { threadId: this.#threads.main, processId };
      step.write.push(
        this.#peer.request("thread/backgroundTerminals/terminate", params, { type: "ignored" }),
      );
    }
  }

  #tokenUsage(params: JsonObject, belongs: boolean, step: StepBuilder): void {
    const tokenUsage = objectField(params, "tokenUsage");
    this.#usage.update(stringField(params, "threadId") ?? "", tokenUsage, belongs);
    if (!belongs) return;
    const contextWindow = this.#threads.isMain(params)
      ? numberField(tokenUsage, "modelContextWindow")
      : undefined;
    step.emit({
      type: "usage.updated",
      usage: this.#usage.usage,
      ...(contextWindow === undefined ? {} : { contextWindow }),
    });
  }
}
