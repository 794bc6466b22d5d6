import {
  exitedFailure,
  isJsonObject,
  parseJson,
  stringField,
  TextDeltaStep,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostRequest,
  type JsonObject,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type TurnInput,
  unparsedLine,
} from "../../src/kit.ts";
import { Conversation } from "./conversation.ts";
import { deltaOf } from "./delta-line.ts";
import { isSessionMissing, startFailure } from "./failures.ts";
import { promptText } from "./wire.ts";

/** Reads the lines of `pi --mode json`: one process for each turn, which ends with the turn. */
export class JsonProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #conversation: Conversation;
  #model: string | undefined;
  #resume: NativeSession | undefined;
  #isStarted = false;
  #isPrompted = false;
  #isInterrupting = false;

  constructor(input: ProtocolInput) {
    this.#input = input;
    this.#conversation = new Conversation(input);
    this.#model = input.model;
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#resume = start.resume;
    this.#conversation.reset();
    this.#isPrompted = false;
    this.#isInterrupting = false;
    return { ready: true };
  }

  prompt(turn: TurnInput): Step {
    this.#isPrompted = true;
    this.#conversation.beginTurn();
    const text = promptText(turn.content);
    // The names of image files follow the text without a blank between.
    const hasImages = turn.content.some((part) => part.type === "image");
    // Pi reads to the end of its input before it begins.
    return { write: [hasImages ? `${text}\n\nAttached:` : text], closeStdin: true };
  }

  push(line: string): Step {
    if (this.#conversation.isRunning) {
      const delta = deltaOf(line);
      if (delta !== undefined) {
        const { index, text } = delta;
        return new TextDeltaStep(this.#conversation.messages.extendText(index, text), text, line);
      }
    }
    const event = parseJson(line);
    if (!isJsonObject(event)) return this.#step([unparsedLine(line)], event);
    if (event["type"] === "session") return this.#session(event);
    const events = this.#conversation.read(event, this.#isInterrupting);
    return this.#step(events ?? [{ type: "agent.unknown", raw: event }], event);
  }

  reply(): Step {
    return {};
  }

  interrupt(): Step {
    this.#isInterrupting = true;
    return {};
  }

  request(request: HostRequest): Step {
    if (request.type === "set_model") {
      this.#model = request.model;
      return { responses: [{ id: request.id }] };
    }
    return { responses: [{ id: request.id, error: "pi --mode json takes nothing while a turn runs." }] };
  }

  tick(): Step {
    return {};
  }

  /** Only now it is sure that Pi does not try again. */
  end(exit: AgentExit): Step {
    if (!this.#isPrompted) return {};
    this.#isPrompted = false;
    if (this.#resume !== undefined && !this.#conversation.hasRun && isSessionMissing(exit)) {
      return { resumeLost: true, events: [{ type: "turn.failed", error: startFailure(exit) }] };
    }
    return { events: [this.#terminal(exit)] };
  }

  #terminal(exit: AgentExit): AgentEventBody {
    const { hasRun, isRunning, isRetrying } = this.#conversation;
    if (hasRun && !isRunning && !isRetrying) return this.#conversation.end(this.#isInterrupting);
    if (this.#isInterrupting) return { type: "turn.interrupted", by: "host" };
    const error = hasRun || exit.signal !== null ? exitedFailure("Pi", exit) : startFailure(exit);
    return { type: "turn.failed", error };
  }

  #session(event: JsonObject): Step {
    const nativeSessionId = stringField(event, "id");
    if (nativeSessionId === undefined) return this.#step([{ type: "agent.unknown", raw: event }], event);
    const isFirst = !this.#isStarted;
    this.#isStarted = true;
    const resumed = this.#resume !== undefined;
    // Each process tells of its session; it is a new one for the host only the first time.
    if (!isFirst && resumed) return { raw: event, nativeSessionId };
    const started: AgentEventBody = {
      type: "session.started",
      agent: "pi",
      ...(this.#model === undefined ? {} : { model: this.#model }),
      nativeSessionId,
      cwd: stringField(event, "cwd") ?? this.#input.cwd,
      resumed,
    };
    return { ...this.#step([started], event), nativeSessionId };
  }

  #step(events: readonly AgentEventBody[], raw: unknown): Step {
    if (events.length === 0) return { raw };
    return this.#isPrompted ? { raw, events } : { raw, events, background: true };
  }
}
