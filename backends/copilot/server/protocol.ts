import {
  booleanField,
  exitedFailure,
  isJsonObject,
  JsonRpcPeer,
  jsonRpcErrors,
  objectField,
  stringField,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostAnswer,
  type HostRequest,
  type JsonObject,
  type JsonRpcId,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type TurnErrorInfo,
  type TurnInput,
  unparsedLine,
  StepBuilder,
} from "../../../src/kit.ts";
import { serverFailure, startFailure } from "../events/failures.ts";
import { SessionEvents } from "../events/session-events.ts";
import { silentNotifications } from "../events/silent.ts";
import type { CopilotOptions } from "../options.ts";
import { Desk, type Decision, type DeskStep, type Reply } from "./desk.ts";
import { planEntries, promptParams, responseFormat } from "./prompt.ts";
import type { RequestTag } from "./requests.ts";
import { SessionOpening, type OpeningStep } from "./session-opening.ts";
import { sessionConfig } from "./session-config.ts";
import { Runs } from "./runs.ts";

/** How long the agent has to stop until it is told so again. */
const abortAgainMs = 1_000;

/** The conversation with the CLI's headless server: one process for the whole session. */
export class ServerProtocol implements AgentProtocol {
  readonly #options: CopilotOptions;
  readonly #input: ProtocolInput;
  readonly #events: SessionEvents;
  readonly #desk: Desk;
  #peer = new JsonRpcPeer<RequestTag>();
  #opening: SessionOpening;
  #model: string | undefined;
  #resume: NativeSession | undefined;
  #processes = 0;
  #sessionId: string | undefined;
  readonly #runs = new Runs();

  constructor(options: CopilotOptions, input: ProtocolInput) {
    this.#options = options;
    this.#input = input;
    this.#model = input.model;
    this.#events = new SessionEvents(input);
    this.#desk = new Desk(input, this.#events.tools);
    this.#opening = this.#newOpening(undefined);
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#processes += 1;
    this.#resume = start.resume;
    this.#peer = new JsonRpcPeer<RequestTag>();
    this.#opening = this.#newOpening(start.resume);
    this.#sessionId = undefined;
    this.#runs.reset();
    this.#desk.reset();
    this.#events.endProcess();
    return { write: [this.#opening.start(this.#input.sessionId)] };
  }

  prompt(turn: TurnInput): Step {
    const params = promptParams(turn.content);
    this.#runs.prompted(turn.turnId, params.prompt);
    const { agentMode } = this.#input;
    const message = {
      ...params,
      ...responseFormat(turn),
      ...(agentMode === undefined ? {} : { agentMode }),
    };
    return { write: [this.#send("session.send", message, { for: "prompt", turnId: turn.turnId })] };
  }

  push(line: string): Step {
    const message = this.#peer.receive(line);
    const step = new StepBuilder();
    step.raw = message.raw;
    switch (message.kind) {
      case "notification":
        this.#notified(message.method, message.params, message.raw, step);
        break;
      case "request":
        this.#asked(message.id, message.method, message.params, message.raw, step);
        break;
      case "result":
        this.#answered(message.tag, message.result, step);
        break;
      case "error":
        this.#refused(message.tag, message.error.message, step);
        break;
      case "stray":
        break;
      case "invalid":
      case "unparsed":
        this.#tell(step, [unparsedLine(line)]);
    }
    return step.build();
  }

  reply(answer: HostAnswer): Step {
    const reply = this.#desk.reply(answer);
    return reply === undefined ? {} : { write: [this.#replyLine(reply)] };
  }

  interrupt(): Step {
    const { turn } = this.#runs;
    if (turn === undefined) return {};
    turn.isInterrupting = true;
    const step = new StepBuilder();
    const { events, replies } = this.#desk.withdrawAll();
    step.events.push(...events);
    step.write.push(...replies.map((reply) => this.#replyLine(reply)));
    if (turn.isStoppable) this.#abort(step);
    // It is stopped as soon as it can be; without a line the process would be signalled.
    else step.write.push(this.#peer.request("ping", {}, { for: "nothing" }));
    return step.build();
  }

  request(request: HostRequest): Step {
    switch (request.type) {
      case "set_model": {
        const { thinking } = this.#input;
        const params = {
          modelId: request.model,
          ...(thinking === undefined ? {} : { reasoningEffort: thinking }),
        };
        return { write: [this.#send("session.model.switchTo", params, { for: "host", request })] };
      }
      case "steer": {
        if (this.#runs.turn?.isInterrupting !== false) {
          return { responses: [{ id: request.id, error: "No turn is running that could be steered." }] };
        }
        const params = { ...promptParams(request.content), mode: "immediate" };
        return { write: [this.#send("session.send", params, { for: "host", request })] };
      }
      case "list_models":
        return { responses: [{ id: request.id, error: "Copilot lists no models." }] };
    }
  }

  /** The server says that it has aborted even where it came too early to do so. */
  tick(): Step {
    const { isInterrupting = false, isStoppable = false } = this.#runs.turn ?? {};
    const step = new StepBuilder();
    if (isInterrupting && isStoppable) this.#abort(step);
    return step.build();
  }

  end(exit: AgentExit): Step {
    const step = new StepBuilder();
    for (const tag of this.#peer.abandon()) {
      if (tag.for === "host") step.responses.push({ id: tag.request.id, error: "The CLI ended." });
    }
    const startError = this.#sessionId === undefined ? startFailure(exit) : undefined;
    if (startError !== undefined) step.startError = startError;
    const { turn } = this.#runs;
    this.#runs.reset();
    this.#sessionId = undefined;
    this.#desk.reset();
    if (turn?.isInterrupting === true) step.events.push({ type: "turn.interrupted", by: "host" });
    else if (turn !== undefined) this.#failed(exitedFailure("Copilot", exit), step);
    this.#events.endProcess();
    return step.build();
  }

  #send(method: string, params: JsonObject, tag: RequestTag): string {
    return this.#peer.request(method, { sessionId: this.#sessionId ?? "", ...params }, tag);
  }

  #notified(method: string, params: JsonObject, raw: unknown, step: StepBuilder): void {
    if (method === "session.event") {
      // Those of the session that was copied, for example.
      if (this.#sessionId !== undefined && params["sessionId"] !== this.#sessionId) return;
      const event = params["event"];
      if (isJsonObject(event)) this.#event(event, step);
      else this.#tell(step, [{ type: "agent.unknown", raw }]);
    } else if (!silentNotifications.has(method)) this.#tell(step, [{ type: "agent.unknown", raw }]);
  }

  #event(event: JsonObject, step: StepBuilder): void {
    const data = objectField(event, "data");
    const type = stringField(event, "type");
    const isOfMainAgent = stringField(event, "agentId") === undefined;
    if (type === "permission.requested") {
      this.#permission(data, step);
      return;
    }
    if (isOfMainAgent) {
      switch (type) {
        case "user.message":
          this.#runs.taken(stringField(data, "messageId"), stringField(data, "content"));
          return;
        case "assistant.turn_start":
          if (this.#runs.working()) this.#abort(step);
          return;
        case "assistant.idle":
          this.#idle(booleanField(data, "aborted") === true, step);
          return;
        case "session.todos_changed":
          step.write.push(this.#send("session.plan.readSqlTodos", {}, { for: "todos" }));
          return;
        default:
      }
    }
    this.#tell(step, this.#events.read(event));
  }

  #abort(step: StepBuilder): void {
    step.write.push(this.#send("session.abort", {}, { for: "nothing" }));
    step.wakeAfterMs = abortAgainMs;
  }

  /** The agent has nothing to do any more. What it left running in the background may make it begin again. */
  #idle(isAborted: boolean, step: StepBuilder): void {
    const ended = this.#runs.idle();
    const { failure, stopReason, usage } = this.#events;
    if (ended === undefined) {
      this.#events.endRun();
      if (failure !== undefined) {
        this.#tell(step, [{ type: "agent.notice", level: "warning", message: failure.message }]);
      }
    } else if (isAborted) {
      const by = ended.isInterrupting ? "host" : "agent";
      step.events.push({ type: "turn.interrupted", by, usage: usage.usage });
      this.#settle();
    } else if (failure !== undefined) this.#failed(failure, step);
    else {
      const { usage: used, requests } = usage;
      step.events.push({ type: "turn.completed", stopReason, usage: used, numTurns: requests });
      this.#settle();
    }
  }

  #failed(error: TurnErrorInfo, step: StepBuilder): void {
    const { usage } = this.#events;
    const used = usage.requests === 0 ? {} : { usage: usage.usage };
    step.events.push({ type: "turn.failed", error, ...used });
    this.#settle();
  }

  #settle(): void {
    this.#runs.settle();
    this.#events.endRun();
    this.#events.usage.reset();
  }

  #permission(data: JsonObject, step: StepBuilder): void {
    const outcome = this.#desk.permission(data);
    if (outcome === undefined) return;
    if ("decision" in outcome) {
      step.write.push(this.#decisionLine(stringField(data, "requestId") ?? "", outcome.decision));
    } else this.#tell(step, [outcome.event]);
  }

  #asked(id: JsonRpcId, method: string, params: JsonObject, raw: unknown, step: StepBuilder): void {
    if (method === "hooks.invoke") {
      if (params["hookType"] === "preToolUse")
        this.#deskStep(id, this.#desk.hook(id, objectField(params, "input")), step);
      else step.write.push(this.#peer.respond(id, { output: {} }));
    } else if (method === "userInput.request") this.#deskStep(id, this.#desk.question(id, params), step);
    else {
      step.write.push(
        this.#peer.reject(id, { code: jsonRpcErrors.methodNotFound, message: "This client cannot do that." }),
      );
      this.#tell(step, [{ type: "agent.unknown", raw }]);
    }
  }

  #deskStep(id: JsonRpcId, outcome: DeskStep, step: StepBuilder): void {
    if ("result" in outcome) step.write.push(this.#peer.respond(id, outcome.result));
    else this.#tell(step, [outcome.event]);
  }

  #replyLine(reply: Reply): string {
    return reply.to === "request"
      ? this.#peer.respond(reply.id, reply.result)
      : this.#decisionLine(reply.requestId, reply.decision);
  }

  #decisionLine(requestId: string, result: Decision): string {
    const method = "session.permissions.handlePendingPermissionRequest";
    return this.#send(method, { requestId, result }, { for: "nothing" });
  }

  #answered(tag: RequestTag, result: unknown, step: StepBuilder): void {
    switch (tag.for) {
      case "connect":
        this.#open(this.#opening.connected(result), step);
        return;
      case "fork":
        this.#open(this.#opening.forked(result), step);
        return;
      case "session":
        this.#opened(result, tag.isResumed, step);
        return;
      case "prompt":
        this.#runs.acknowledged(tag.turnId, stringField(result, "messageId"));
        return;
      case "todos":
        this.#tell(step, [{ type: "plan.updated", entries: planEntries(result) }]);
        return;
      case "host":
        if (tag.request.type === "set_model") {
          this.#model = tag.request.model;
          this.#tell(step, this.#events.facts.setModel(this.#model));
        }
        step.responses.push({ id: tag.request.id });
        return;
      case "nothing":
    }
  }

  #refused(tag: RequestTag, message: string, step: StepBuilder): void {
    switch (tag.for) {
      case "connect":
      case "fork":
      case "session":
        this.#open(this.#opening.refused(tag.for, message), step);
        return;
      case "prompt":
        if (this.#runs.turn?.turnId === tag.turnId) this.#failed(serverFailure(message), step);
        return;
      case "host":
        step.responses.push({ id: tag.request.id, error: serverFailure(message).message });
        return;
      case "todos":
      case "nothing":
    }
  }

  #newOpening(resume: NativeSession | undefined): SessionOpening {
    const config = (): JsonObject => sessionConfig(this.#options, this.#input, this.#model);
    return new SessionOpening(this.#peer, resume, config);
  }

  #open(next: OpeningStep, step: StepBuilder): void {
    if ("write" in next) step.write.push(next.write);
    else if ("startError" in next) step.startError = next.startError;
    else step.resumeLost = true;
  }

  #opened(result: unknown, isResumed: boolean, step: StepBuilder): void {
    const sessionId = stringField(result, "sessionId");
    if (sessionId === undefined) {
      const message = "Copilot did not tell the id of its session.";
      step.startError = { code: "protocol_error", message, retryable: false };
      return;
    }
    this.#sessionId = sessionId;
    step.nativeSessionId = sessionId;
    step.ready = true;
    const model = stringField(objectField(result, "modelState"), "modelId") ?? this.#model;
    const news = this.#events.facts.setModel(model);
    if (this.#processes > 1 && this.#resume?.fork === false) {
      step.events.push(...news);
      return;
    }
    step.events.push({
      type: "session.started",
      agent: "copilot",
      ...(model === undefined ? {} : { model }),
      nativeSessionId: sessionId,
      cwd: this.#input.cwd,
      resumed: isResumed,
    });
  }

  /** What the agent says and does is the turn's once it has taken up the prompt; news of the session are before, too. */
  #tell(step: StepBuilder, events: readonly AgentEventBody[]): void {
    const isSpoken = events.some(({ type }) => /^(?:message|reasoning|tool|file|plan|usage)\./.test(type));
    const isOfTurn = isSpoken ? this.#runs.isBegun : this.#runs.isOfTurn;
    step.background = !isOfTurn;
    // How much a turn has used so far is no news between turns: the next one is charged.
    step.events.push(...(isOfTurn ? events : events.filter(({ type }) => type !== "usage.updated")));
  }
}
