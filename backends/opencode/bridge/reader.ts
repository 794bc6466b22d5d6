import {
  arrayField,
  booleanField,
  isJsonObject,
  modelFailure,
  numberField,
  objectField,
  retryReasonOf,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type McpServers,
  type PlanEntry,
  type StopReason,
  type TurnErrorInfo,
  type Usage,
} from "../../../src/kit.ts";
import { namedFailure, otherFolder } from "../failures.ts";
import { mcpServerEvents } from "./mcp-status.ts";
import { ToolParts } from "./tool-parts.ts";
import { TurnUsage } from "./turn-usage.ts";

type Events = readonly AgentEventBody[];

/** A text that is being written. */
interface Text {
  readonly noun: "message" | "reasoning";
  sent: string;
}

export interface ReaderOptions {
  readonly deniesAll: boolean;
  readonly mcpServers: McpServers;
  /** Whether OpenCode knows what the model costs. */
  readonly tellsCost: boolean;
}

/** Makes events of what the plugin tells of OpenCode's own events. */
export class BridgeReader {
  readonly tools: ToolParts;
  readonly #usage: TurnUsage;
  readonly #texts = new Map<string, Text>();
  /** Messages that are no answers: summaries, which compaction makes for the model. */
  readonly #silent = new Set<string>();
  #isAutoCompaction: boolean | undefined;
  #failure: TurnErrorInfo | undefined;
  /** Why the model ended its last answer. */
  #finish: string | undefined;
  #mainSessionId: string | undefined;
  isInterrupting = false;

  constructor(options: ReaderOptions) {
    this.tools = new ToolParts(options.mcpServers, options.deniesAll);
    this.#usage = new TurnUsage(options.tellsCost);
  }

  /** The error that the turn has met. */
  get failure(): TurnErrorInfo | undefined {
    return this.#failure;
  }

  /** Why the agent stopped, where it did so of its own accord. */
  get stopReason(): StopReason {
    switch (this.#finish) {
      case "length":
        return "max_tokens";
      case "content-filter":
        return "refusal";
      default:
        return "end_turn";
    }
  }

  /** The session that is talked to: the others are of sub-agents. */
  get mainSessionId(): string | undefined {
    return this.#mainSessionId;
  }

  startProcess(): void {
    this.#mainSessionId = undefined;
    this.tools.startProcess();
    this.#texts.clear();
    this.#silent.clear();
    this.beginTurn();
  }

  sessionOpened(sessionId: string): void {
    this.#mainSessionId = sessionId;
  }

  beginTurn(): void {
    this.isInterrupting = false;
    this.#failure = undefined;
    this.#finish = undefined;
    this.tools.endTurn();
    this.#usage.beginTurn();
  }

  /** What the turn has used, as far as it is known. */
  get figures(): { readonly usage?: Usage; readonly costUsd?: number; readonly numTurns?: number } {
    const { requests, sum } = this.#usage;
    return requests === 0 ? {} : { ...sum, numTurns: requests };
  }

  /** A prompt has reached a session: one that is forked tells all its past before. */
  prompted(params: JsonObject): Events {
    this.#mainSessionId ??= stringField(params, "sessionID");
    const folder = stringField(params, "elsewhere");
    if (folder !== undefined) this.#failure = otherFolder(folder);
    return mcpServerEvents(objectField(params, "servers"));
  }

  /** What an event of OpenCode's means; `undefined` when its type is not known. */
  event(type: string, properties: JsonObject): Events | undefined {
    if (this.#mainSessionId === undefined) return [];
    switch (type) {
      case "message.part.delta":
        return this.#delta(properties);
      case "message.part.updated":
        return this.#part(objectField(properties, "part"));
      case "message.updated":
        return this.#message(objectField(properties, "info"));
      case "session.status":
        return [...this.#breakOff(), retrying(properties)];
      case "session.error":
        return this.#error(properties);
      case "session.compacted":
        return this.#compacted(properties);
      case "todo.updated":
        return this.#isMain(properties) ? [{ type: "plan.updated", entries: planEntries(properties) }] : [];
      case "session.idle":
        return [];
      default:
        return undefined;
    }
  }

  /** The answer is asked for once more: what there is of it will not be finished. */
  #breakOff(): Events {
    const cut = [...this.#texts].filter(([, { sent }]) => sent !== "");
    this.#texts.clear();
    return cut.map(
      ([messageId, { noun, sent }]) => ({ type: `${noun}.completed`, messageId, text: sent }) as const,
    );
  }

  #delta(properties: JsonObject): Events {
    const messageId = stringField(properties, "partID") ?? "";
    const text = stringField(properties, "delta") ?? "";
    const known = this.#texts.get(messageId);
    if (known === undefined || text === "" || properties["field"] !== "text") return [];
    known.sent += text;
    return [{ type: `${known.noun}.delta`, messageId, text, ...this.#speaker(properties) }];
  }

  #part(part: JsonObject): Events {
    const type = stringField(part, "type");
    if (type === "compaction") this.#isAutoCompaction = booleanField(part, "auto");
    if (type === "tool") return this.tools.update(part, this.isInterrupting);
    if (type !== "text" && type !== "reasoning") return [];
    const messageId = stringField(part, "id") ?? "";
    if (this.#silent.has(stringField(part, "messageID") ?? "")) return [];
    // Words that OpenCode puts into the agent's mouth.
    if (booleanField(part, "synthetic") === true || booleanField(part, "ignored") === true) return [];
    const noun = type === "text" ? "message" : "reasoning";
    const known = this.#texts.get(messageId);
    const text = stringField(part, "text") ?? "";
    if (numberField(objectField(part, "time"), "end") === undefined) {
      if (known === undefined) this.#texts.set(messageId, { noun, sent: "" });
      return [];
    }
    this.#texts.delete(messageId);
    // In the end OpenCode takes off the blanks behind a text: the streamed one stands.
    const sent = known?.sent ?? "";
    const whole = text.length > sent.length ? text : sent;
    if (whole === "") return [];
    return [{ type: `${noun}.completed`, messageId, text: whole, ...this.#speaker(part) }];
  }

  #message(info: JsonObject): Events {
    const id = stringField(info, "id") ?? "";
    const sessionId = stringField(info, "sessionID");
    if (booleanField(info, "summary") === true) this.#silent.add(id);
    if (sessionId === this.#mainSessionId) this.#finish = stringField(info, "finish");
    if (!this.#usage.message(id, info)) return [];
    return [{ type: "usage.updated", ...this.#usage.sum }];
  }

  #error(properties: JsonObject): Events {
    // What a sub-agent has met is told to the agent that sent it.
    if (stringField(properties, "sessionID") !== undefined && !this.#isMain(properties)) return [];
    this.#failure = namedFailure(properties["error"]) ?? this.#failure;
    return [];
  }

  #compacted(properties: JsonObject): Events {
    if (!this.#isMain(properties)) return [];
    const isAuto = this.#isAutoCompaction;
    this.#isAutoCompaction = undefined;
    const trigger = isAuto === undefined ? "unknown" : isAuto ? "auto" : "manual";
    return [{ type: "context.compacted", trigger }];
  }

  #isMain(properties: JsonObject): boolean {
    const sessionId = stringField(properties, "sessionID");
    return this.#mainSessionId === undefined || sessionId === this.#mainSessionId;
  }

  #speaker(of: JsonObject): { readonly parentToolCallId?: string } {
    const parent = this.tools.parentCall(stringField(of, "sessionID") ?? "");
    return parent === undefined ? {} : { parentToolCallId: parent };
  }
}

function retrying(properties: JsonObject): AgentEventBody {
  const message = stringField(properties, "message") ?? "";
  const delayMs = numberField(properties, "delayMs");
  // OpenCode tells the status by the message alone, if at all.
  const told = /\b(?:429|5\d\d)\b/.exec(message)?.[0];
  const status = told === undefined ? undefined : Number(told);
  return {
    type: "agent.retrying",
    attempt: numberField(properties, "attempt") ?? 1,
    ...(delayMs === undefined ? {} : { delayMs: Math.round(delayMs) }),
    ...(status === undefined ? {} : { status }),
    reason: retryReasonOf(modelFailure(message, status)),
    ...(message === "" ? {} : { message }),
  };
}

function planEntries(properties: JsonObject): readonly PlanEntry[] {
  return arrayField(properties, "todos")
    .filter(isJsonObject)
    .filter((todo) => todo["status"] !== "cancelled")
    .map((todo): PlanEntry => {
      const { status, priority } = todo;
      const isKnown = status === "in_progress" || status === "completed";
      const ranked = priority === "high" || priority === "medium" || priority === "low";
      return {
        content: stringField(todo, "content") ?? "",
        status: isKnown ? status : "pending",
        ...(ranked ? { priority } : {}),
      };
    });
}
