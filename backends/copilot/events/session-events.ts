import {
  booleanField,
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type ProtocolInput,
  type StopReason,
  type TurnErrorInfo,
} from "../../../src/kit.ts";
import { callFailure, retrying, sessionFailure } from "./failures.ts";
import { SessionFacts } from "./session-facts.ts";
import { silentEvents } from "./silent.ts";
import { ToolCalls } from "./tool-calls.ts";
import { mcpToolTest } from "./tools.ts";
import { UsageMeter } from "./usage-meter.ts";

const stopReasons: { readonly [finishReason: string]: StopReason } = {
  length: "max_tokens",
  content_filter: "refusal",
};

/** Brings the events of the CLI, which are the same in both modes, into the library's form. */
export class SessionEvents {
  readonly facts: SessionFacts;
  readonly tools: ToolCalls;
  readonly usage = new UsageMeter();
  /** Tool calls that started the sub-agents, by the agents' ids. */
  readonly #agents = new Map<string, string>();
  #contextWindow: number | undefined;
  #retries = 0;
  #lastCallFailure: TurnErrorInfo | undefined;
  #compactionTrigger: string | undefined;
  #tokensBeforeCompaction: number | undefined;
  #finishReason = "";
  #failure: TurnErrorInfo | undefined;

  constructor(input: ProtocolInput) {
    this.facts = new SessionFacts(input.model);
    this.tools = new ToolCalls(mcpToolTest(input));
  }

  /** Why the run that is under way will have failed, as far as it was told. */
  get failure(): TurnErrorInfo | undefined {
    return this.#failure;
  }

  get stopReason(): StopReason {
    const reason = this.#finishReason;
    return (Object.hasOwn(stopReasons, reason) ? stopReasons[reason] : undefined) ?? "end_turn";
  }

  /** A run of the agent has ended. What it has used is settled with the turn. */
  endRun(): void {
    this.#retries = 0;
    this.#lastCallFailure = undefined;
    this.#finishReason = "";
    this.#failure = undefined;
    this.tools.reset();
  }

  /** The process has ended, and with it what it was about to do. */
  endProcess(): void {
    this.endRun();
    this.usage.reset();
    this.#agents.clear();
  }

  read(event: JsonObject): AgentEventBody[] {
    const type = stringField(event, "type") ?? "";
    const data = objectField(event, "data");
    const agentId = stringField(event, "agentId");
    const parent =
      stringField(data, "parentToolCallId") ??
      (agentId === undefined ? undefined : this.#agents.get(agentId));
    switch (type) {
      case "assistant.message_delta":
        return increment("message.delta", data, "messageId", parent);
      case "assistant.reasoning_delta":
        return increment("reasoning.delta", data, "reasoningId", parent);
      case "assistant.message":
        return whole("message.completed", data, "messageId", parent);
      case "assistant.reasoning":
        return whole("reasoning.completed", data, "reasoningId", parent);
      case "tool.execution_start":
        return this.tools.started(data, parent);
      case "tool.shell_output":
        return shellOutput(data);
      case "tool.execution_complete":
        return this.tools.completed(data);
      case "assistant.usage":
        return this.#used(data, agentId === undefined);
      case "subagent.started":
        return this.#agentStarted(data, agentId);
      case "assistant.turn_start":
      case "user.message":
        return [];
      default:
        return agentId === undefined ? this.#ofSession(type, data, event) : [];
    }
  }

  #ofSession(type: string, data: JsonObject, event: JsonObject): AgentEventBody[] {
    switch (type) {
      case "model.call_failure":
        this.#lastCallFailure = callFailure(data);
        return [];
      case "assistant.turn_retry":
        this.#retries += 1;
        return [retrying(this.#retries, this.#lastCallFailure)];
      case "session.error":
        this.#failure = sessionFailure(data, this.#lastCallFailure);
        return [];
      case "session.usage_info":
        this.#contextWindow = numberField(data, "tokenLimit");
        return [];
      case "session.title_changed":
        return this.facts.setTitle(stringField(data, "title"));
      case "session.model_change":
        return this.facts.setModel(stringField(data, "newModel"));
      case "session.mode_changed": {
        const mode = stringField(data, "newMode");
        return mode === undefined ? [] : [{ type: "session.updated", mode }];
      }
      case "session.mcp_server_status_changed":
        return this.facts.mcpServer(data);
      case "session.compaction_start":
        this.#compactionTrigger = stringField(data, "trigger");
        this.#tokensBeforeCompaction = numberField(data, "currentTokens");
        return [];
      case "session.compaction_complete":
        return this.#compacted(data);
      case "session.info":
        return info(data);
      case "session.warning":
        return notice("warning", data);
      default:
        return silentEvents.has(type) ? [] : [{ type: "agent.unknown", raw: event }];
    }
  }

  #used(data: JsonObject, isOfMainAgent: boolean): AgentEventBody[] {
    if (isOfMainAgent) this.#finishReason = stringField(data, "finishReason") ?? "";
    this.usage.add(data);
    const contextWindow = this.#contextWindow;
    return [
      {
        type: "usage.updated",
        usage: this.usage.usage,
        ...(contextWindow === undefined ? {} : { contextWindow }),
      },
    ];
  }

  #agentStarted(data: JsonObject, agentId: string | undefined): AgentEventBody[] {
    const toolCallId = stringField(data, "toolCallId");
    if (agentId !== undefined && toolCallId !== undefined) this.#agents.set(agentId, toolCallId);
    return [];
  }

  #compacted(data: JsonObject): AgentEventBody[] {
    const tokens = objectField(data, "compactionTokensUsed");
    this.usage.add(tokens, numberField(tokens, "requestCount") ?? 0);
    if (booleanField(data, "success") !== true) {
      const why = stringField(data, "error") ?? stringField(data, "outcomeReason") ?? "no reason was given";
      return [{ type: "agent.notice", level: "warning", message: `The context was not compacted: ${why}` }];
    }
    const before = numberField(data, "preCompactionTokens") ?? this.#tokensBeforeCompaction;
    const after = numberField(data, "postCompactionTokens");
    return [
      {
        type: "context.compacted",
        trigger:
          this.#compactionTrigger === undefined || this.#compactionTrigger === "manual" ? "manual" : "auto",
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      },
    ];
  }
}

type IncrementType = "message.delta" | "reasoning.delta";
type WholeType = "message.completed" | "reasoning.completed";

function increment(
  type: IncrementType,
  data: JsonObject,
  idName: string,
  parentToolCallId: string | undefined,
): AgentEventBody[] {
  const messageId = stringField(data, idName);
  const text = stringField(data, "deltaContent");
  if (messageId === undefined || text === undefined || text === "") return [];
  return [{ type, messageId, text, ...(parentToolCallId === undefined ? {} : { parentToolCallId }) }];
}

/** An answer that only calls tools has an empty text, which is none. */
function whole(
  type: WholeType,
  data: JsonObject,
  idName: string,
  parentToolCallId: string | undefined,
): AgentEventBody[] {
  const messageId = stringField(data, idName);
  const text = stringField(data, "content");
  if (messageId === undefined || text === undefined || text === "") return [];
  return [{ type, messageId, text, ...(parentToolCallId === undefined ? {} : { parentToolCallId }) }];
}

function shellOutput(data: JsonObject): AgentEventBody[] {
  const toolCallId = stringField(data, "toolCallId");
  const output = stringField(data, "text");
  return toolCallId === undefined || output === undefined ? [] : [{ type: "tool.delta", toolCallId, output }];
}

/** `configuration` says which tools are off, as the library has set it; the others are events of their own. */
const silentInfos: ReadonlySet<string> = new Set(["cancellation", "configuration", "model_retry", "fork"]);

function info(data: JsonObject): AgentEventBody[] {
  return silentInfos.has(stringField(data, "infoType") ?? "") ? [] : notice("info", data);
}

function notice(level: "info" | "warning", data: JsonObject): AgentEventBody[] {
  const message = stringField(data, "message");
  return message === undefined ? [] : [{ type: "agent.notice", level, message }];
}
