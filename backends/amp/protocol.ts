import {
  arrayField,
  booleanField,
  isJsonObject,
  objectField,
  parseJson,
  stringField,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type JsonObject,
  type McpServerStatus,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type StopReason,
  type TurnInput,
  unparsedLine,
} from "../../src/kit.ts";
import { exitFailure, isThreadMissing, turnFailure } from "./failures.ts";
import { mcpServerStatuses } from "./mcp-status.ts";
import { promptLine } from "./prompt-line.ts";
import { ToolCalls } from "./tool-calls.ts";
import { UsageMeter } from "./usage-meter.ts";

/** Reads the lines of `amp --execute --stream-json-thinking`: one process for each turn. */
export class AmpProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #tools = new ToolCalls();
  readonly #usage = new UsageMeter();
  #resume: NativeSession | undefined;
  #isStarted = false;
  #isRunning = false;
  #isInterrupting = false;
  /** The CLI's messages have no ids that could be relied on. */
  #messages = 0;
  /** Of the main agent's last message. */
  #stopReason: string | undefined;
  /** As they were last told. */
  #servers = "";

  constructor(input: ProtocolInput) {
    this.#input = input;
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#resume = start.resume;
    this.#isRunning = false;
    this.#isInterrupting = false;
    this.#stopReason = undefined;
    this.#tools.reset();
    this.#usage.reset();
    return { ready: true };
  }

  prompt(turn: TurnInput): Step {
    this.#isRunning = true;
    return { write: [promptLine(turn.content)], closeStdin: true };
  }

  push(line: string): Step {
    const message = parseJson(line);
    const type = stringField(message, "type");
    if (!isJsonObject(message) || type === undefined) return this.#step(message, [unparsedLine(line)]);
    return this.#step(message, this.#read(type, message), stringField(message, "session_id"));
  }

  reply(): Step {
    return {};
  }

  interrupt(): Step {
    this.#isInterrupting = true;
    return {};
  }

  tick(): Step {
    return {};
  }

  end(exit: AgentExit): Step {
    if (!this.#isRunning) return {};
    this.#isRunning = false;
    const usage = this.#usage.requests === 0 ? {} : { usage: this.#usage.usage };
    if (this.#isInterrupting) return { events: [{ type: "turn.interrupted", by: "host", ...usage }] };
    const events: AgentEventBody[] = [{ type: "turn.failed", error: exitFailure(exit), ...usage }];
    return this.#resume !== undefined && isThreadMissing(exit) ? { events, resumeLost: true } : { events };
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

  #read(type: string, message: JsonObject): readonly AgentEventBody[] {
    switch (type) {
      case "system":
        return stringField(message, "subtype") === "init"
          ? this.#initialized(message)
          : [{ type: "agent.unknown", raw: message }];
      case "user":
        return this.#results(message);
      case "assistant":
        return this.#said(message);
      case "result":
        return this.#ended(message);
      default:
        return [{ type: "agent.unknown", raw: message }];
    }
  }

  #initialized(message: JsonObject): readonly AgentEventBody[] {
    const mcpServers = mcpServerStatuses(message);
    const told = JSON.stringify(mcpServers);
    const isChanged = told !== this.#servers && mcpServers.length > 0;
    this.#servers = told;
    if (!this.#isStarted) return [this.#sessionStarted(message, mcpServers)];
    return isChanged ? [{ type: "session.updated", mcpServers }] : [];
  }

  #sessionStarted(message: JsonObject, mcpServers: readonly McpServerStatus[]): AgentEventBody {
    this.#isStarted = true;
    const nativeSessionId = stringField(message, "session_id") ?? "";
    return {
      type: "session.started",
      agent: "amp",
      ...(nativeSessionId === "" ? {} : { nativeSessionId }),
      cwd: stringField(message, "cwd") ?? this.#input.cwd,
      tools: arrayField(message, "tools").filter((tool) => typeof tool === "string"),
      ...(mcpServers.length === 0 ? {} : { mcpServers }),
      resumed: this.#resume !== undefined,
    };
  }

  /** The texts are the prompt again, or that of a sub-agent. */
  #results(message: JsonObject): readonly AgentEventBody[] {
    return arrayField(message["message"], "content").flatMap((block) =>
      isJsonObject(block) && block["type"] === "tool_result" ? this.#tools.completed(block) : [],
    );
  }

  #said(line: JsonObject): readonly AgentEventBody[] {
    const message = objectField(line, "message");
    const parentToolCallId = stringField(line, "parent_tool_use_id");
    const parent = parentToolCallId === undefined ? {} : { parentToolCallId };
    const events = arrayField(message, "content").flatMap((block) => this.#block(block, parent));
    if (parentToolCallId === undefined) this.#stopReason = stringField(message, "stop_reason");
    if (isJsonObject(message["usage"])) {
      this.#usage.add(stringField(message, "id"), message["usage"]);
      events.push({ type: "usage.updated", usage: this.#usage.usage });
    }
    return events;
  }

  #block(block: unknown, parent: { readonly parentToolCallId?: string }): AgentEventBody[] {
    switch (stringField(block, "type")) {
      case "text":
        return this.#text("message.completed", stringField(block, "text"), parent);
      case "thinking":
        return this.#text("reasoning.completed", stringField(block, "thinking"), parent);
      case "redacted_thinking":
        return [];
      case "tool_use":
        return isJsonObject(block) ? this.#tools.started(block, parent) : [];
      default:
        return [{ type: "agent.unknown", raw: block }];
    }
  }

  #text(
    type: "message.completed" | "reasoning.completed",
    text: string | undefined,
    parent: { readonly parentToolCallId?: string },
  ): AgentEventBody[] {
    if (text === undefined || text === "") return [];
    this.#messages += 1;
    return [{ type, messageId: `message-${String(this.#messages)}`, text, ...parent }];
  }

  #ended(result: JsonObject): readonly AgentEventBody[] {
    if (!this.#isRunning) return [];
    this.#isRunning = false;
    if (this.#usage.requests === 0 && isJsonObject(result["usage"])) {
      this.#usage.add(undefined, result["usage"]);
    }
    const { requests } = this.#usage;
    const figures = requests === 0 ? {} : { usage: this.#usage.usage };
    const subtype = stringField(result, "subtype");
    const isLimit = subtype === "error_max_turns";
    if (isLimit || (subtype === "success" && booleanField(result, "is_error") !== true)) {
      const stopReason = isLimit ? "max_turns" : stopReasonOf(this.#stopReason);
      const numTurns = requests === 0 ? {} : { numTurns: requests };
      return [{ type: "turn.completed", stopReason, ...figures, ...numTurns }];
    }
    if (this.#isInterrupting) return [{ type: "turn.interrupted", by: "host", ...figures }];
    const said = stringField(result, "error") ?? stringField(result, "result") ?? "";
    return [{ type: "turn.failed", error: turnFailure(said), ...figures }];
  }
}

function stopReasonOf(reason: string | undefined): StopReason {
  switch (reason) {
    case undefined:
    case "end_turn":
    case "stop_sequence":
      return "end_turn";
    case "max_tokens":
    case "refusal":
      return reason;
    default:
      return "other";
  }
}

function isTerminal({ type }: AgentEventBody): boolean {
  return type === "turn.completed" || type === "turn.failed" || type === "turn.interrupted";
}
