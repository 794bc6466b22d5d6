import {
  arrayField,
  booleanField,
  numberField,
  objectField,
  retryReasonOf,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type ProtocolInput,
  type StopReason,
} from "../../src/kit.ts";
import { answerFailure } from "./failures.ts";
import { MessageReader, roleOf } from "./messages.ts";
import { ToolCalls } from "./tool-calls.ts";
import { UsageMeter } from "./usage-meter.ts";

/** How the last answer of the model ended. */
interface Answer {
  readonly stopReason: string;
  readonly errorMessage: string | undefined;
}

/** Reads the events of Pi's agent, which are the same in both of its modes. */
export class Conversation {
  readonly tools: ToolCalls;
  readonly messages = new MessageReader();
  readonly #usage = new UsageMeter();
  #contextWindow: number | undefined;
  #answer: Answer | undefined;
  /** Between the start of a run of the agent and its end. A turn may take several. */
  isRunning = false;
  /** Pi is going to run again by itself. */
  isRetrying = false;
  isCompacting = false;
  /** Whether the agent has run at all in this turn. */
  hasRun = false;

  constructor({ cwd, permissions }: ProtocolInput) {
    this.tools = new ToolCalls({ cwd, deniesAll: permissions === "deny-all" });
  }

  /** A new process. */
  reset(): void {
    this.tools.reset();
    this.messages.reset();
    this.isRunning = false;
    this.isRetrying = false;
    this.isCompacting = false;
    this.beginTurn();
  }

  beginTurn(): void {
    this.#usage.beginTurn();
    this.#answer = undefined;
    this.hasRun = false;
  }

  set contextWindow(tokens: number | undefined) {
    this.#contextWindow = tokens;
  }

  /** The events that a line tells; `undefined` when it is of a kind that is not the agent's. */
  read(event: JsonObject, isInterrupting: boolean): readonly AgentEventBody[] | undefined {
    switch (event["type"]) {
      case "agent_start":
        this.isRunning = true;
        this.isRetrying = false;
        this.hasRun = true;
        return [];
      case "agent_end":
        this.isRunning = false;
        this.#lastOf(event);
        return [];
      case "message_start":
        if (roleOf(event) === "assistant") this.messages.started();
        return [];
      case "message_update": {
        const delta = this.messages.update(objectField(event, "assistantMessageEvent"));
        return delta === undefined ? [] : [delta];
      }
      case "message_end":
        return roleOf(event) === "assistant" ? this.#answered(objectField(event, "message")) : [];
      case "tool_execution_start":
        return this.tools.started(event);
      case "tool_execution_update":
        return this.tools.updated(event);
      case "tool_execution_end":
        return this.tools.ended(event, isInterrupting);
      case "auto_retry_start":
        this.isRetrying = true;
        return [retrying(event)];
      case "auto_retry_end":
        this.isRetrying = false;
        return [];
      case "compaction_start":
        this.isCompacting = true;
        return [];
      case "compaction_end":
        return this.#compacted(event);
      case "thinking_level_changed": {
        const thoughtLevel = stringField(event, "level");
        return thoughtLevel === undefined ? [] : [{ type: "session.updated", thoughtLevel }];
      }
      case "session_info_changed": {
        const title = stringField(event, "name");
        return title === undefined ? [] : [{ type: "session.updated", title }];
      }
      case "turn_start":
      case "turn_end":
      case "queue_update":
        return [];
      default:
        return undefined;
    }
  }

  /** The terminal event of the turn, by its last answer. */
  end(isInterrupting: boolean): AgentEventBody {
    const figures = this.#usage.turn;
    const answer = this.#answer;
    if (answer?.stopReason === "aborted") {
      return { type: "turn.interrupted", by: isInterrupting ? "host" : "agent", ...figures };
    }
    if (answer?.stopReason === "error") {
      if (isInterrupting) return { type: "turn.interrupted", by: "host", ...figures };
      return { type: "turn.failed", error: answerFailure(answer.errorMessage), ...figures };
    }
    if (answer === undefined && isInterrupting) return { type: "turn.interrupted", by: "host", ...figures };
    const stopReason = stopReasonOf(answer?.stopReason);
    return { type: "turn.completed", stopReason, ...figures, numTurns: this.#usage.requests };
  }

  #answered(message: JsonObject): readonly AgentEventBody[] {
    this.#answer = answerOf(message);
    this.#usage.add(message);
    const window = this.#contextWindow === undefined ? {} : { contextWindow: this.#contextWindow };
    return [...this.messages.ended(message), { type: "usage.updated", ...this.#usage.turn, ...window }];
  }

  /** A run that failed before the model could answer tells so only here. */
  #lastOf(event: JsonObject): void {
    const last = arrayField(event, "messages").at(-1);
    if (stringField(last, "role") === "assistant") this.#answer = answerOf(last);
  }

  #compacted(event: JsonObject): readonly AgentEventBody[] {
    this.isCompacting = false;
    // It goes on by itself a moment later.
    if (booleanField(event, "willRetry") === true) this.isRetrying = true;
    const message = stringField(event, "errorMessage");
    if (message !== undefined) return [{ type: "agent.notice", level: "warning", message }];
    if (typeof event["result"] !== "object" || event["result"] === null) return [];
    const before = numberField(event["result"], "tokensBefore");
    const trigger = event["reason"] === "manual" ? "manual" : "auto";
    return [{ type: "context.compacted", trigger, ...(before === undefined ? {} : { before }) }];
  }
}

function answerOf(message: unknown): Answer {
  return {
    stopReason: stringField(message, "stopReason") ?? "stop",
    errorMessage: stringField(message, "errorMessage"),
  };
}

function retrying(event: JsonObject): AgentEventBody {
  const error = answerFailure(stringField(event, "errorMessage"));
  const maxAttempts = numberField(event, "maxAttempts");
  const delayMs = numberField(event, "delayMs");
  return {
    type: "agent.retrying",
    attempt: numberField(event, "attempt") ?? 1,
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(error.status === undefined ? {} : { status: error.status }),
    reason: retryReasonOf(error),
    message: error.message,
  };
}

function stopReasonOf(reason: string | undefined): StopReason {
  switch (reason) {
    case undefined:
    case "stop":
    case "toolUse":
      return "end_turn";
    case "length":
      return "max_tokens";
    default:
      return "other";
  }
}
