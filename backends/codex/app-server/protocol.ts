import {
  exitedFailure,
  arrayField,
  JsonRpcPeer,
  jsonRpcErrors,
  stringField,
  type AgentContentPart,
  type AgentExit,
  type AgentProtocol,
  type HostAnswer,
  type HostRequest,
  type JsonObject,
  type ModelInfo,
  type NativeSession,
  type Step,
  type TurnInput,
  StepBuilder,
  unparsedLine,
} from "../../../src/kit.ts";
import { turnError } from "../errors.ts";
import { listedModels } from "../models.ts";
import { skillProblems } from "../session-skills.ts";
import type { ApprovalRequest } from "./approvals.ts";
import { Conversation, type Turn } from "./conversation.ts";
import { Handshake, type AppServerInput, type HandshakeOutcome, type HandshakeStage } from "./handshake.ts";
import { turnIdOf } from "./threads.ts";
import { turnParams, userInput } from "./turn-params.ts";

type Tag =
  | { readonly type: "handshake"; readonly stage: HandshakeStage }
  | { readonly type: "turn"; readonly turn: Turn }
  | { readonly type: "steer"; readonly id: string }
  | { readonly type: "models"; readonly id: string; readonly listed: readonly ModelInfo[] }
  | { readonly type: "skills" }
  | { readonly type: "terminals"; readonly items: ReadonlySet<string> }
  | { readonly type: "ignored" };

/** Speaks with one `codex app-server` at a time, for as long as the session lives. */
export class AppServerProtocol implements AgentProtocol {
  readonly #input: AppServerInput;
  readonly #conversation = new Conversation();
  #peer = new JsonRpcPeer<Tag>({ versionField: false });
  #handshake: Handshake;
  #isReady = false;
  /** Neither ready nor known to have failed. */
  #isStarting = false;
  #model: string | undefined;

  constructor(input: AppServerInput) {
    this.#input = input;
    this.#model = input.model;
    this.#handshake = new Handshake(input, input.model, undefined);
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#peer = new JsonRpcPeer<Tag>({ versionField: false });
    this.#conversation.startProcess();
    this.#handshake = new Handshake(this.#input, this.#model, start.resume);
    this.#isReady = false;
    this.#isStarting = true;
    const step = new StepBuilder();
    this.#proceed(this.#handshake.begin(), step);
    return step.build();
  }

  prompt(input: TurnInput): Step {
    const { thread } = this.#conversation;
    const step = new StepBuilder();
    if (!this.#isReady || thread === undefined) {
      const message = "Codex was prompted before its thread was there.";
      step.emit({ type: "turn.failed", error: { code: "protocol_error", message, retryable: true } });
      return step.build();
    }
    const turn = this.#conversation.beginTurn();
    const params = turnParams(this.#input, thread, input, this.#model);
    step.write.push(this.#peer.request("turn/start", params, { type: "turn", turn }));
    return step.build();
  }

  push(line: string): Step {
    const message = this.#peer.receive(line);
    const step = new StepBuilder();
    step.raw = message.raw;
    step.background = this.#conversation.turn === undefined;
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
    const reply = this.#conversation.approvals.reply(answer);
    return reply === undefined ? {} : { write: [this.#peer.respond(reply.id, reply.result)] };
  }

  interrupt(): Step {
    const { turn } = this.#conversation;
    if (turn === undefined) return {};
    turn.interruptRequested = true;
    return { write: [this.#interruptLine(turn)] };
  }

  request(request: HostRequest): Step {
    switch (request.type) {
      case "set_model":
        this.#model = request.model;
        return { responses: [{ id: request.id }] };
      case "list_models":
        return { write: [this.#listModels({ type: "models", id: request.id, listed: [] })] };
      case "steer":
        return this.#steer(request.id, request.content);
    }
  }

  tick(): Step {
    return {};
  }

  end(exit: AgentExit): Step {
    const step = new StepBuilder();
    for (const tag of this.#peer.abandon()) {
      if (tag.type !== "steer" && tag.type !== "models") continue;
      step.responses.push({ id: tag.id, error: "Codex ended before it answered." });
    }
    if (this.#isStarting) {
      const stderr = exit.stderr === "" ? "" : `: ${exit.stderr.trim()}`;
      const message = `Codex ended before its session was ready${stderr}`;
      step.startError = {
        ...exitedFailure("Codex", exit),
        code: "session_start_failed",
        message,
        retryable: false,
      };
    }
    const turn = this.#conversation.dropTurn();
    if (turn?.interruptRequested === true) step.emit({ type: "turn.interrupted", by: "host" });
    else if (turn !== undefined) step.emit({ type: "turn.failed", error: exitedFailure("Codex", exit) });
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
      case "models":
        this.#modelsListed(tag, result, step);
        return;
      case "skills":
        for (const problem of skillProblems(this.#input, result)) step.notice("warning", problem);
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
        if (this.#conversation.turn !== tag.turn) return;
        this.#conversation.dropTurn();
        step.emit(
          tag.turn.interruptRequested
            ? { type: "turn.interrupted", by: "host" }
            : { type: "turn.failed", error: turnError({ message }) },
        );
        return;
      case "steer":
      case "models":
        step.responses.push({ id: tag.id, error: message });
        return;
      case "skills":
      case "terminals":
      case "ignored":
        // An interrupt that came too late, a command that has ended by itself, or a check that can be done without.
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
        this.#conversation.threadReady(outcome.threadId, outcome.model, outcome.agentMode);
        step.ready = true;
        if ((this.#input.skills ?? []).length > 0) {
          const params = { cwds: [this.#input.cwd] };
          step.write.push(this.#peer.request("skills/list", params, { type: "skills" }));
        }
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
    if (this.#conversation.turn === turn && turn.interruptRequested)
      step.write.push(this.#interruptLine(turn));
  }

  #interruptLine(turn: Turn): string {
    const params = { threadId: this.#conversation.threads.main, turnId: turn.nativeId ?? "" };
    return this.#peer.request("turn/interrupt", params, { type: "ignored" });
  }

  #steer(id: string, content: readonly AgentContentPart[]): Step {
    const turnId = this.#conversation.turn?.nativeId;
    const threadId = this.#conversation.threads.main;
    if (turnId === undefined || threadId === undefined) {
      return { responses: [{ id, error: "Codex runs no turn that could be steered." }] };
    }
    const params = { threadId, input: content.map(userInput), expectedTurnId: turnId };
    return { write: [this.#peer.request("turn/steer", params, { type: "steer", id })] };
  }

  #listModels(tag: Extract<Tag, { type: "models" }>, cursor?: string): string {
    return this.#peer.request("model/list", cursor === undefined ? {} : { cursor }, tag);
  }

  /** The list comes in pages. */
  #modelsListed(tag: Extract<Tag, { type: "models" }>, result: unknown, step: StepBuilder): void {
    const page = listedModels(result);
    const models = [...tag.listed, ...page];
    const cursor = stringField(result, "nextCursor");
    if (cursor === undefined || page.length === 0) step.responses.push({ id: tag.id, models });
    else step.write.push(this.#listModels({ ...tag, listed: models }, cursor));
  }

  #notification(method: string, params: JsonObject, step: StepBuilder): void {
    const items = this.#conversation.notification(method, params, step);
    if (items.size === 0) return;
    const list = { threadId: this.#conversation.threads.main };
    step.write.push(
      this.#peer.request("thread/backgroundTerminals/list", list, { type: "terminals", items }),
    );
  }

  #serverRequest(request: ApprovalRequest, step: StepBuilder): void {
    const { permissions } = this.#input;
    // Nobody is there to ask for a turn that is over.
    const isOurs = this.#conversation.belongs(request.params);
    const decide =
      permissions === "allow-all" ? "allow" : permissions === "ask" && isOurs ? undefined : "deny";
    const outcome = this.#conversation.approvals.request(request, decide);
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
        const message = `playpen does not know ${request.method}.`;
        step.write.push(this.#peer.reject(request.id, { code: jsonRpcErrors.methodNotFound, message }));
        step.emit({ type: "agent.unknown", raw: step.raw });
        return;
      }
    }
  }

  /** Ends those commands, and no others. */
  #terminate(items: ReadonlySet<string>, result: unknown, step: StepBuilder): void {
    for (const terminal of arrayField(result, "data")) {
      const processId = stringField(terminal, "processId");
      if (processId === undefined || !items.has(stringField(terminal, "itemId") ?? "")) continue;
      const params = { threadId: this.#conversation.threads.main, processId };
      step.write.push(
        this.#peer.request("thread/backgroundTerminals/terminate", params, { type: "ignored" }),
      );
    }
  }
}
