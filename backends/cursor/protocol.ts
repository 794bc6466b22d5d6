import {
  booleanField,
  isJsonObject,
  numberField,
  parseJson,
  stringField,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostRequest,
  type JsonObject,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type TurnInput,
  type Usage,
  unparsedLine,
} from "../../src/kit.ts";
import { exitFailure, isChatMissing, turnFailure } from "./failures.ts";
import { Messages } from "./messages.ts";
import { Retries } from "./retries.ts";
import { ToolCalls } from "./tool-calls.ts";

/** Reads the lines of `cursor-agent --print --output-format stream-json`: one process for each turn. */
export class CursorProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #messages = new Messages();
  readonly #tools = new ToolCalls();
  readonly #retries = new Retries();
  #model: string | undefined;
  #resume: NativeSession | undefined;
  #isStarted = false;
  #isRunning = false;
  #isInterrupting = false;
  /** The process speaks of another chat than it was asked to resume: nothing of it is told on. */
  #isLost = false;

  constructor(input: ProtocolInput) {
    this.#input = input;
    this.#model = input.model;
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#resume = start.resume;
    this.#isRunning = false;
    this.#isInterrupting = false;
    this.#isLost = false;
    this.#messages.reset();
    this.#tools.reset();
    this.#retries.reset();
    return { ready: true };
  }

  prompt(turn: TurnInput): Step {
    this.#isRunning = true;
    const text = turn.content.map((part) => (part.type === "text" ? part.text : "")).join("\n\n");
    return { write: [text], closeStdin: true };
  }

  push(line: string): Step {
    if (this.#isLost) return {};
    const message = parseJson(line);
    const type = stringField(message, "type");
    if (!isJsonObject(message) || type === undefined) return this.#step(message, [unparsedLine(line)]);
    if (this.#isOfAnotherChat(type, message)) {
      this.#isLost = true;
      return { raw: message, resumeLost: true };
    }
    return this.#step(message, this.#read(type, message), stringField(message, "session_id"));
  }

  reply(): Step {
    return {};
  }

  interrupt(): Step {
    this.#isInterrupting = true;
    return {};
  }

  request(request: HostRequest): Step {
    if (request.type !== "set_model") {
      return { responses: [{ id: request.id, error: "Cursor takes no message while a turn runs." }] };
    }
    this.#model = request.model;
    return { responses: [{ id: request.id }] };
  }

  tick(): Step {
    return {};
  }

  end(exit: AgentExit): Step {
    if (!this.#isRunning) return {};
    this.#isRunning = false;
    const open = this.#messages.end();
    if (this.#isInterrupting) return { events: [...open, { type: "turn.interrupted", by: "host" }] };
    const events: AgentEventBody[] = [...open, { type: "turn.failed", error: exitFailure(exit) }];
    return this.#resume !== undefined && isChatMissing(exit) ? { events, resumeLost: true } : { events };
  }

  #step(raw: unknown, events: readonly AgentEventBody[], nativeSessionId?: string): Step {
    return {
      ...(raw === undefined ? {} : { raw }),
      ...(events.length === 0 ? {} : { events }),
      ...(nativeSessionId === undefined || nativeSessionId === "" ? {} : { nativeSessionId }),
      // A terminal event is the last of its turn: only what comes after it belongs to none.
      ...(this.#isRunning || events.some(isTerminal) || events.length === 0 ? {} : { background: true }),
    };
  }

  #isOfAnotherChat(type: string, message: JsonObject): boolean {
    if (this.#resume === undefined || type !== "system" || stringField(message, "subtype") !== "init")
      return false;
    const told = stringField(message, "session_id") ?? "";
    return told !== "" && told !== this.#resume.nativeSessionId;
  }

  #read(type: string, message: JsonObject): readonly AgentEventBody[] {
    switch (type) {
      case "system":
        return this.#initialized(message);
      // The prompt again; and questions that the CLI answers by itself.
      case "user":
      case "interaction_query":
        return [];
      case "assistant":
        return this.#messages.said(message);
      case "thinking":
        return this.#messages.thought(message) ?? [unknown(message)];
      case "tool_call":
        return [...this.#messages.end(), ...(this.#tools.read(message) ?? [unknown(message)])];
      case "connection":
        return this.#retries.connection(message) ?? [unknown(message)];
      case "retry":
        return this.#retries.retry(message);
      case "result":
        return this.#ended(message);
      default:
        return [unknown(message)];
    }
  }

  #initialized(message: JsonObject): readonly AgentEventBody[] {
    if (stringField(message, "subtype") !== "init") return [unknown(message)];
    if (this.#isStarted) return [];
    this.#isStarted = true;
    const nativeSessionId = stringField(message, "session_id") ?? "";
    // The CLI tells a name for people.
    const model = this.#model ?? stringField(message, "model");
    return [
      {
        type: "session.started",
        agent: "cursor",
        ...(model === undefined ? {} : { model }),
        ...(nativeSessionId === "" ? {} : { nativeSessionId }),
        cwd: stringField(message, "cwd") ?? this.#input.cwd,
        resumed: this.#resume !== undefined,
      },
    ];
  }

  #ended(result: JsonObject): readonly AgentEventBody[] {
    if (!this.#isRunning) return [];
    this.#isRunning = false;
    const open = this.#messages.end();
    const usage = isJsonObject(result["usage"]) ? { usage: usageOf(result["usage"]) } : {};
    if (stringField(result, "subtype") === "success" && booleanField(result, "is_error") !== true) {
      return [...open, { type: "turn.completed", stopReason: "end_turn", ...usage }];
    }
    if (this.#isInterrupting) return [...open, { type: "turn.interrupted", by: "host", ...usage }];
    const said = stringField(result, "error") ?? stringField(result, "result") ?? "";
    return [...open, { type: "turn.failed", error: turnFailure(said), ...usage }];
  }
}

function usageOf(usage: JsonObject): Usage {
  const count = (name: string): number => Math.max(0, numberField(usage, name) ?? 0);
  return {
    inputTokens: count("inputTokens"),
    outputTokens: count("outputTokens"),
    cacheReadTokens: count("cacheReadTokens"),
    cacheWriteTokens: count("cacheWriteTokens"),
  };
}

function unknown(raw: JsonObject): AgentEventBody {
  return { type: "agent.unknown", raw };
}

function isTerminal({ type }: AgentEventBody): boolean {
  return type === "turn.completed" || type === "turn.failed" || type === "turn.interrupted";
}
