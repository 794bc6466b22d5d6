import {
  arrayField,
  booleanField,
  exitedFailure,
  isJsonObject,
  objectField,
  parseJson,
  stringField,
  TextDeltaStep,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostAnswer,
  type HostRequest,
  type JsonObject,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type TurnInput,
  unparsedLine,
} from "../../src/kit.ts";
import { bridgeKey } from "./bridge.ts";
import { Commands, type Purpose } from "./commands.ts";
import { Conversation } from "./conversation.ts";
import { deltaOf } from "./delta-line.ts";
import { Dialogs, type DialogStep } from "./dialogs.ts";
import { answerFailure, isSessionMissing, startFailure } from "./failures.ts";
import { contextWindowOf, currentModel, findModel, modelList, modelName } from "./models.ts";
import { piState, TurnState } from "./turn-state.ts";
import { messageFields } from "./wire.ts";

/** How long to wait before Pi is asked again whether it has come to rest. */
const restMs = 50;
/** How often it may claim to be idle before it is believed, when something should still come. */
const mostDoubts = 10;

/** Speaks with one `pi --mode rpc` at a time, for as long as the session lives. */
export class RpcProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #conversation: Conversation;
  readonly #dialogs = new Dialogs();
  readonly #commands = new Commands();
  #resume: NativeSession | undefined;
  #isReady = false;
  #isLost = false;
  /** What the extension has told of itself. */
  #bridge: JsonObject | undefined;
  #turn: TurnState | undefined;
  #asked = 0;
  #model: string | undefined;
  #sessionFile: string | undefined;

  constructor(input: ProtocolInput) {
    this.#input = input;
    this.#conversation = new Conversation(input);
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#resume = start.resume;
    this.#isReady = false;
    this.#isLost = false;
    this.#bridge = undefined;
    this.#turn = undefined;
    this.#conversation.reset();
    this.#dialogs.reset();
    this.#commands.abandon();
    return { write: [this.#commands.send("get_state", { type: "handshake" })] };
  }

  prompt(turn: TurnInput): Step {
    this.#turn = new TurnState();
    this.#conversation.beginTurn();
    return { write: [this.#commands.send("prompt", { type: "prompt" }, messageFields(turn.content))] };
  }

  push(line: string): Step {
    if (this.#turn !== undefined) {
      const delta = deltaOf(line);
      if (delta !== undefined) {
        const { index, text } = delta;
        return new TextDeltaStep(this.#conversation.messages.extendText(index, text), text, line);
      }
    }
    const message = parseJson(line);
    if (!isJsonObject(message)) return this.#placed([unparsedLine(line)], message);
    switch (message["type"]) {
      case "response":
        return { raw: message, ...this.#response(message) };
      case "extension_ui_request":
        return this.#dialog(message);
      case "extension_error": {
        const error = stringField(message, "error") ?? "An extension failed.";
        return this.#placed([{ type: "agent.notice", level: "warning", message: error }], message);
      }
      default:
        return this.#event(message);
    }
  }

  reply(answer: HostAnswer): Step {
    return this.#dialogStep(this.#dialogs.reply(answer));
  }

  interrupt(): Step {
    if (this.#turn === undefined || !this.#isReady) return {};
    this.#turn.isInterrupting = true;
    return { write: [this.#commands.send("abort", { type: "abort" })] };
  }

  request(request: HostRequest): Step {
    switch (request.type) {
      case "steer":
        return this.#steer(request);
      case "set_model":
      case "list_models":
        return { write: [this.#commands.send("get_available_models", { type: "models", request })] };
    }
  }

  tick(): Step {
    return this.#turn === undefined ? {} : this.#askForRest(this.#turn);
  }

  end(exit: AgentExit): Step {
    const turn = this.#turn;
    const wasReady = this.#isReady;
    this.#turn = undefined;
    this.#isReady = false;
    const responses = this.#commands.abandon();
    if (this.#isLost) return { responses };
    if (!wasReady && this.#resume !== undefined && isSessionMissing(exit))
      return { responses, resumeLost: true };
    const end: Step = wasReady ? { responses } : { responses, startError: startFailure(exit) };
    if (turn === undefined) return end;
    const event: AgentEventBody = turn.isInterrupting
      ? { type: "turn.interrupted", by: "host" }
      : { type: "turn.failed", error: exitedFailure("Pi", exit) };
    return { ...end, events: [event] };
  }

  #event(event: JsonObject): Step {
    const turn = this.#turn;
    const isInterrupting = turn?.isInterrupting === true;
    const events = this.#conversation.read(event, isInterrupting);
    if (events === undefined) return this.#placed([{ type: "agent.unknown", raw: event }], event);
    switch (event["type"]) {
      case "tool_execution_end": {
        const toolCallId = stringField(event, "toolCallId") ?? "";
        return this.#placed([...this.#dialogs.withdraw(toolCallId, isInterrupting), ...events], event);
      }
      case "agent_end":
      case "auto_retry_end":
      case "compaction_end": {
        const withdrawn = event["type"] === "agent_end" ? this.#dialogs.withdrawAll(isInterrupting) : [];
        const step = this.#placed([...withdrawn, ...events], event);
        return turn === undefined ? step : { ...step, ...this.#askForRest(turn) };
      }
      default:
        return this.#placed(events, event);
    }
  }

  #response(response: JsonObject): Step {
    const purpose = this.#commands.answered(stringField(response, "id"));
    const isRefused = booleanField(response, "success") !== true;
    const error = isRefused ? (stringField(response, "error") ?? "Pi refused it.") : undefined;
    if (purpose === undefined) {
      return error === undefined
        ? {}
        : this.#placed([{ type: "agent.notice", level: "warning", message: error }], response);
    }
    return this.#answered(purpose, objectField(response, "data"), error);
  }

  #answered(purpose: Purpose, data: JsonObject, error: string | undefined): Step {
    const turn = this.#turn;
    switch (purpose.type) {
      case "handshake":
        return this.#handshake(data, error);
      case "prompt":
        if (turn === undefined) return {};
        // A command of an extension is over with this, and no run of the agent follows.
        return error === undefined ? this.#askForRest(turn) : this.#refused(turn, error);
      case "rest":
        return turn?.asked === purpose.number ? this.#rest(turn, data) : {};
      case "abort":
        return turn === undefined ? {} : this.#askForRest(turn);
      case "reload":
        return turn === undefined ? {} : this.#finish(turn);
      case "steer": {
        if (turn !== undefined) turn.steering -= 1;
        const { id } = purpose.request;
        const responses = [error === undefined ? { id } : { id, error }];
        return turn === undefined ? { responses } : { responses, ...this.#askForRest(turn) };
      }
      case "models":
        return this.#models(purpose.request, data, error);
      case "set_model": {
        const { id } = purpose.request;
        if (error !== undefined) return { responses: [{ id, error }] };
        const model = this.#learnModel(data);
        const events: readonly AgentEventBody[] =
          model === undefined ? [] : [{ type: "session.updated", model }];
        return { responses: [{ id }], ...this.#placed(events, undefined) };
      }
    }
  }

  #handshake(data: JsonObject, error: string | undefined): Step {
    const nativeSessionId = stringField(data, "sessionId");
    if (error !== undefined || nativeSessionId === undefined)
      return startError(error ?? "Pi gave its session no id.");
    // It comes before every answer. Without it nothing would hold a tool back.
    if (stringField(this.#bridge, "gate") !== this.#input.permissions) {
      return startError(
        "This Pi does not take the extension by which tool calls are held back, so permissions cannot be enforced. Use the version that the backend pins.",
      );
    }
    const resume = this.#resume;
    if (resume !== undefined && !resume.fork && nativeSessionId !== resume.nativeSessionId) {
      this.#isLost = true;
      return { resumeLost: true };
    }
    this.#isReady = true;
    this.#sessionFile = stringField(data, "sessionFile");
    const model = this.#learnModel(currentModel(data));
    const tools = arrayField(this.#bridge, "tools").filter((name) => typeof name === "string");
    const started: AgentEventBody = {
      type: "session.started",
      agent: "pi",
      ...(model === undefined ? {} : { model }),
      nativeSessionId,
      cwd: this.#input.cwd,
      tools,
      resumed: resume !== undefined,
    };
    return { ready: true, nativeSessionId, events: [started] };
  }

  #learnModel(model: JsonObject): string | undefined {
    this.#model = modelName(model) ?? this.#model;
    this.#conversation.contextWindow = contextWindowOf(model);
    return this.#model;
  }

  /** Pi tells the end of a run, but not that it will not begin another one by itself. */
  #askForRest(turn: TurnState): Step {
    const number = ++this.#asked;
    turn.asked = number;
    return { write: [this.#commands.send("get_state", { type: "rest", number })], wakeAfterMs: 0 };
  }

  #rest(turn: TurnState, data: JsonObject): Step {
    const { isRunning, isRetrying, isCompacting, hasRun } = this.#conversation;
    const { isBusy, pending } = piState(data);
    if (turn.isInterrupting) {
      // The request to stop may have come when there was nothing to stop yet.
      const isStoppable = isBusy && !isCompacting;
      if (isStoppable)
        return { write: [this.#commands.send("abort", { type: "abort" })], wakeAfterMs: restMs };
    } else if (isRunning || isRetrying || isCompacting || turn.steering > 0) {
      // Its end is told, and asked about then.
      return {};
    }
    if (isBusy || isRunning) return { wakeAfterMs: restMs };
    const somethingComes = isRetrying || !hasRun || (pending > 0 && !turn.isInterrupting);
    if (somethingComes && turn.doubts++ < mostDoubts) return { wakeAfterMs: restMs };
    if (pending > 0 && this.#sessionFile !== undefined) {
      // What nobody took up would otherwise be a part of the next turn.
      const sessionPath = this.#sessionFile;
      return { write: [this.#commands.send("switch_session", { type: "reload" }, { sessionPath })] };
    }
    return this.#finish(turn);
  }

  #finish(turn: TurnState): Step {
    this.#turn = undefined;
    return { events: [this.#conversation.end(turn.isInterrupting)], wakeAfterMs: 0 };
  }

  #refused(turn: TurnState, error: string): Step {
    this.#turn = undefined;
    const event: AgentEventBody = turn.isInterrupting
      ? { type: "turn.interrupted", by: "host" }
      : { type: "turn.failed", error: answerFailure(error) };
    return { events: [event], wakeAfterMs: 0 };
  }

  #steer(request: Extract<HostRequest, { type: "steer" }>): Step {
    const turn = this.#turn;
    if (turn === undefined || turn.isInterrupting) {
      return { responses: [{ id: request.id, error: "No turn is running that could be steered." }] };
    }
    turn.steering += 1;
    const fields = messageFields(request.content);
    const { isRetrying, isCompacting } = this.#conversation;
    const purpose = { type: "steer", request } as const;
    // As a prompt it also reaches an agent that has come to rest in this moment; but one that waits to run again, or
    // whose past is being rewritten, may only be given something to take up then.
    return {
      write: [
        isRetrying || isCompacting
          ? this.#commands.send("steer", purpose, fields)
          : this.#commands.send("prompt", purpose, { ...fields, streamingBehavior: "steer" }),
      ],
    };
  }

  #models(request: HostRequest, data: JsonObject, error: string | undefined): Step {
    const { id } = request;
    if (error !== undefined) return { responses: [{ id, error }] };
    if (request.type !== "set_model") return { responses: [{ id, models: modelList(data, this.#model) }] };
    const model = findModel(data, request.model, this.#model);
    if (model === undefined) {
      return { responses: [{ id, error: `Pi has no model ${request.model}, or no key for its provider.` }] };
    }
    return { write: [this.#commands.send("set_model", { type: "set_model", request }, { ...model })] };
  }

  #dialog(message: JsonObject): Step {
    switch (message["method"]) {
      case "select":
      case "confirm":
      case "input":
      case "editor": {
        const isInTurn = this.#turn?.isInterrupting === false;
        const { permissions, answersQuestions } = this.#input;
        const host = {
          decides: isInTurn && permissions === "ask",
          answersQuestions: isInTurn && answersQuestions,
        };
        return this.#dialogStep(this.#dialogs.request(message, host), message);
      }
      case "notify": {
        const text = stringField(message, "message") ?? "";
        const type = stringField(message, "notifyType");
        const level = type === "warning" || type === "error" ? type : "info";
        return this.#placed([{ type: "agent.notice", level, message: text }], message);
      }
      case "setStatus":
        if (message["statusKey"] === bridgeKey) {
          const told = parseJson(stringField(message, "statusText") ?? "");
          this.#bridge = isJsonObject(told) ? told : undefined;
        }
        return { raw: message };
      case "setWidget":
      case "setTitle":
      case "set_editor_text":
        return { raw: message };
      default:
        return this.#placed([{ type: "agent.unknown", raw: message }], message);
    }
  }

  #dialogStep(step: DialogStep, raw?: unknown): Step {
    const { write, event, deniedToolCallId, changed } = step;
    if (deniedToolCallId !== undefined) this.#conversation.tools.deny(deniedToolCallId);
    if (changed !== undefined) this.#conversation.tools.changeInput(changed.toolCallId, changed.input);
    return {
      ...(event === undefined ? {} : this.#placed([event], raw)),
      ...(raw === undefined ? {} : { raw }),
      ...(write === undefined ? {} : { write: [write] }),
    };
  }

  /** Outside of a turn, what is told belongs to none. */
  #placed(events: readonly AgentEventBody[], raw: unknown): Step {
    const step = raw === undefined ? {} : { raw };
    if (events.length === 0) return step;
    return this.#turn === undefined ? { ...step, events, background: true } : { ...step, events };
  }
}

function startError(message: string): Step {
  return { startError: { code: "session_start_failed", message, retryable: false } };
}
