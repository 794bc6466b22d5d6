import {
  arrayField,
  exitedFailure,
  isJsonObject,
  objectField,
  parseJson,
  stringField,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostAnswer,
  type HostRequest,
  type HostResponse,
  type JsonObject,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type TurnInput,
  unparsedLine,
} from "../../src/kit.ts";
import { Conversation } from "./conversation.ts";
import { exitedAtStart, refusalOf, turnFailure, unknownModel, type Refusal } from "./failures.ts";
import { Handshake, type HandshakeRequest, type HandshakeResult } from "./handshake.ts";
import { ModelCatalog, modelList, modelName } from "./models.ts";
import { permissionAnswer } from "./permissions.ts";
import { declined, Questions } from "./questions.ts";
import { messageFields, promptFields, Turn } from "./turn.ts";
import { turnEnd } from "./turn-end.ts";
import { refusalLine, Requests, responseLine, type Purpose } from "./wire.ts";

export interface DroidProtocolOptions {
  readonly hasOwnServer: boolean;
  /** The process ends with the turn. */
  readonly isPerTurn: boolean;
  /** The backend's own model. */
  readonly model?: string;
}

/** Speaks with one `droid exec` at a time, for as long as the session lives. */
export class DroidProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #options: DroidProtocolOptions;
  readonly #conversation: Conversation;
  readonly #questions = new Questions();
  readonly #requests = new Requests();
  readonly #catalog: ModelCatalog;
  #handshake: Handshake | undefined;
  #isOpen = false;
  #isReady = false;
  #isLost = false;
  #isResumed = false;
  /** The host knows of the session's start. */
  #isTold = false;
  #turn: Turn | undefined;
  /** As hosts name it. */
  #model: string | undefined;

  constructor(input: ProtocolInput, options: DroidProtocolOptions) {
    this.#input = input;
    this.#options = options;
    this.#model = input.model ?? options.model;
    this.#conversation = new Conversation(input);
    this.#catalog = new ModelCatalog(options.hasOwnServer);
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#isOpen = true;
    this.#isReady = false;
    this.#isLost = false;
    this.#isResumed = start.resume !== undefined;
    this.#turn = undefined;
    this.#conversation.reset();
    this.#questions.reset();
    this.#requests.abandon();
    this.#handshake = new Handshake(this.#input, this.#catalog, { ...start, model: this.#model });
    return { write: [this.#ask(this.#handshake.first())] };
  }

  prompt(input: TurnInput): Step {
    this.#turn = new Turn(input);
    this.#conversation.beginTurn();
    return { write: [this.#promptLine(this.#turn)] };
  }

  push(line: string): Step {
    const message = parseJson(line);
    if (!isJsonObject(message)) return this.#placed([unparsedLine(line)], message);
    switch (message["type"]) {
      case "response":
        return { raw: message, ...this.#response(message) };
      case "request":
        return { raw: message, ...this.#requested(message) };
      default:
        return this.#told(message);
    }
  }

  reply(answer: HostAnswer): Step {
    if (answer.type !== "question") return {};
    const line = this.#questions.answer(answer.requestId, answer.answers);
    return line === undefined ? {} : { write: [line] };
  }

  interrupt(): Step {
    if (this.#turn === undefined || !this.#isReady) return {};
    this.#turn.isInterrupting = true;
    return { write: [this.#requests.send("interrupt_session", {}, { type: "interrupt" })] };
  }

  request(request: HostRequest): Step {
    switch (request.type) {
      case "steer":
        return this.#steer(request);
      case "set_model":
        return this.#setModel(request, request.model);
      case "list_models":
        if (!this.#isReady) return { responses: [refused(request, "No process of Droid is running.")] };
        return { write: [this.#requests.send("list_models", {}, { type: "list_models", request })] };
    }
  }

  tick(): Step {
    return {};
  }

  end(exit: AgentExit): Step {
    const turn = this.#turn;
    const wasReady = this.#isReady;
    this.#turn = undefined;
    this.#isOpen = false;
    this.#isReady = false;
    const gone = "Droid ended before it answered.";
    const responses = this.#requests.abandon().map((request) => refused(request, gone));
    if (this.#isLost) return { responses };
    const end: Step = wasReady ? { responses } : { responses, startError: exitedAtStart(exit) };
    if (turn === undefined) return end;
    const { figures } = this.#conversation;
    const event: AgentEventBody = turn.isInterrupting
      ? { type: "turn.interrupted", by: "host", ...figures }
      : { type: "turn.failed", error: exitedFailure("Droid", exit), ...figures };
    return { ...end, events: [event] };
  }

  #ask({ step, method, params }: HandshakeRequest): string {
    return this.#requests.send(method, params, { type: "handshake", step });
  }

  #promptLine(turn: Turn): string {
    return this.#requests.send("add_user_message", promptFields(turn), { type: "prompt" });
  }

  #response(response: JsonObject): Step {
    const id = stringField(response, "id") ?? "";
    const purpose = this.#requests.answered(id);
    const refusal = response["error"] === undefined ? undefined : refusalOf(response["error"]);
    if (purpose === undefined) {
      return refusal === undefined ? {} : this.#placed([warning(refusal.message)], response);
    }
    return this.#answered(id, purpose, objectField(response, "result"), refusal);
  }

  #answered(id: string, purpose: Purpose, result: JsonObject, refusal: Refusal | undefined): Step {
    const turn = this.#turn;
    switch (purpose.type) {
      case "handshake":
        return this.#handshook(this.#handshake?.answered(purpose.step, result, refusal));
      case "prompt":
        if (turn === undefined || refusal === undefined) return {};
        return this.#finish(turn, { type: "turn.failed", error: turnFailure("refused", refusal.message) });
      case "steer":
        return this.#steered(id, purpose, refusal);
      case "interrupt":
        return refusal === undefined ? {} : this.#placed([warning(refusal.message)], undefined);
      case "set_model": {
        if (refusal !== undefined) return { responses: [refused(purpose.request, refusal.message)] };
        this.#model = purpose.model;
        const events: readonly AgentEventBody[] = [{ type: "session.updated", model: purpose.model }];
        return { responses: [{ id: purpose.request.id }], ...this.#placed(events, undefined) };
      }
      case "list_models": {
        if (refusal !== undefined) return { responses: [refused(purpose.request, refusal.message)] };
        this.#catalog.learn(arrayField(result, "models"));
        return { responses: [{ id: purpose.request.id, models: modelList(result, this.#model) }] };
      }
    }
  }

  #handshook(result: HandshakeResult | undefined): Step {
    if (result === undefined) return {};
    if ("step" in result) return { write: [this.#ask(result)] };
    this.#handshake = undefined;
    if ("isLost" in result) {
      this.#isLost = true;
      return { resumeLost: true };
    }
    if ("error" in result) return { startError: result.error };
    const { nativeSessionId, model, mcpServers, notices, usage } = result.session;
    this.#isReady = true;
    this.#model = model ?? this.#model;
    this.#conversation.begin(usage);
    const { cwd, allowedTools, permissions } = this.#input;
    const tools = permissions === "deny-all" ? [] : allowedTools;
    // In mode "turn" each process takes the session up; it is a new one for the host only the first time.
    if (this.#isTold && this.#isResumed && this.#options.isPerTurn) {
      return { ready: true, nativeSessionId, events: notices };
    }
    this.#isTold = true;
    const started: AgentEventBody = {
      type: "session.started",
      agent: "droid",
      ...(model === undefined ? {} : { model }),
      nativeSessionId,
      cwd,
      ...(tools === undefined ? {} : { tools }),
      ...(mcpServers.length === 0 ? {} : { mcpServers }),
      resumed: this.#isResumed,
    };
    return { ready: true, nativeSessionId, events: [started, ...notices] };
  }

  #requested(request: JsonObject): Step {
    const id = stringField(request, "id") ?? "";
    const method = stringField(request, "method") ?? "";
    const params = objectField(request, "params");
    const isInTurn = this.#turn?.isInterrupting === false;
    switch (method) {
      case "droid.request_permission": {
        const isAllowed = isInTurn && this.#input.permissions === "allow-all";
        const events = arrayField(params, "toolUses").flatMap((item) =>
          this.#conversation.permissionAsked(item, arrayField(params, "associatedSessionIds")),
        );
        const write = [responseLine(id, permissionAnswer(params, isAllowed))];
        return { write, ...this.#placed(events, undefined) };
      }
      case "droid.ask_user": {
        const event =
          isInTurn && this.#input.answersQuestions ? this.#questions.asked(id, params) : undefined;
        return event === undefined ? { write: [declined(id)] } : this.#placed([event], undefined);
      }
      default:
        return {
          write: [refusalLine(id, method)],
          ...this.#placed([{ type: "agent.unknown", raw: request }], undefined),
        };
    }
  }

  #told(message: JsonObject): Step {
    const notification = objectField(message, "params")["notification"];
    return message["method"] === "droid.session_notification" && isJsonObject(notification)
      ? this.#notified(notification, message)
      : this.#placed([{ type: "agent.unknown", raw: message }], message);
  }

  #notified(notification: JsonObject, raw: JsonObject): Step {
    const turn = this.#turn;
    switch (notification["type"]) {
      case "agent_turn_completed":
        return { raw, ...this.#runEnded(notification) };
      case "error": {
        const message = stringField(notification, "message") ?? "Droid failed without a reason.";
        if (turn === undefined) return this.#placed([warning(message)], raw);
        turn.errorMessage = message;
        return { raw };
      }
      case "structured_output":
        if (turn !== undefined) turn.output = notification["structuredOutput"];
        return { raw };
      case "queued_messages_discarded":
        // Droid names the request where it gives up one message only.
        turn?.discard(stringField(notification, "requestId"));
        return turn === undefined ? { raw } : { raw, ...this.#finishAtRest(turn) };
      case "create_message": {
        const wrong = turn?.takeUp(stringField(notification, "requestId") ?? "");
        const events = this.#conversation.read(notification, turn?.isInterrupting === true) ?? [];
        return this.#placed(wrong === undefined ? events : [warning(wrong), ...events], raw);
      }
      case "tool_result": {
        const isInterrupting = turn?.isInterrupting === true;
        const toolCallId = stringField(notification, "toolUseId") ?? "";
        const withdrawn = this.#questions.withdraw(toolCallId, isInterrupting);
        const events = this.#conversation.read(notification, isInterrupting) ?? [];
        return this.#placed([...withdrawn, ...events], raw);
      }
      default: {
        const events = this.#conversation.read(notification, turn?.isInterrupting === true);
        return this.#placed(events ?? [{ type: "agent.unknown", raw }], raw);
      }
    }
  }

  /** The agent has come to rest. */
  #runEnded(notification: JsonObject): Step {
    const turn = this.#turn;
    if (turn === undefined) return {};
    const reason = stringField(notification, "reason") ?? "completed";
    this.#conversation.runEnded(notification);
    // How the process ends is told by its end.
    if (reason === "process_exit") return {};
    if (reason === "structured_output_schema_invalid" && !turn.isSchemaInWords && !turn.isInterrupting) {
      turn.isSchemaInWords = true;
      turn.errorMessage = undefined;
      return { write: [this.#promptLine(turn)] };
    }
    turn.restReason = reason;
    return this.#finishAtRest(turn);
  }

  #finishAtRest(turn: Turn): Step {
    const { restReason, isOver } = turn;
    return restReason !== undefined && isOver ? this.#finish(turn, turnEnd(turn, restReason)) : {};
  }

  #finish(turn: Turn, end: AgentEventBody): Step {
    this.#turn = undefined;
    const withdrawn = this.#questions.withdraw(undefined, turn.isInterrupting);
    const events = [...withdrawn, { ...end, ...this.#conversation.figuresOf(end) }];
    return this.#options.isPerTurn ? { events, closeStdin: true } : { events };
  }

  #steer(request: Extract<HostRequest, { type: "steer" }>): Step {
    const turn = this.#turn;
    if (turn === undefined || turn.isInterrupting) {
      return { responses: [refused(request, "No turn is running that could be steered.")] };
    }
    const params = { ...messageFields(request.content), queuePlacement: "end_of_turn" };
    const line = this.#requests.send("add_user_message", params, { type: "steer", request, turn });
    turn.queue(this.#requests.lastId);
    return { write: [line] };
  }

  /** Taking it up is told apart from this: the answer only says that Droid has the message. */
  #steered(id: string, { request, turn }: Extract<Purpose, { type: "steer" }>, refusal?: Refusal): Step {
    if (refusal === undefined) return { responses: [{ id: request.id }] };
    const responses = [refused(request, refusal.message)];
    turn.discard(id);
    return turn === this.#turn ? { responses, ...this.#finishAtRest(turn) } : { responses };
  }

  #setModel(request: HostRequest, model: string): Step {
    // Between the turns there may be no process: the next one begins with it.
    if (!this.#isOpen) {
      this.#model = model;
      return { responses: [{ id: request.id }] };
    }
    const modelId = this.#catalog.idOf(model);
    if (modelId === undefined) return { responses: [refused(request, unknownModel(model))] };
    const purpose = { type: "set_model", request, model: modelName(modelId) } as const;
    return { write: [this.#requests.send("update_session_settings", { modelId }, purpose)] };
  }

  /** Outside of a turn, what is told belongs to none. */
  #placed(events: readonly AgentEventBody[], raw: unknown): Step {
    const step = raw === undefined ? {} : { raw };
    if (events.length === 0) return step;
    return this.#turn === undefined ? { ...step, events, background: true } : { ...step, events };
  }
}

function refused({ id }: HostRequest, error: string): HostResponse {
  return { id, error };
}

function warning(message: string): AgentEventBody {
  return { type: "agent.notice", level: "warning", message };
}
