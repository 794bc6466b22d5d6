import type { ProtocolInput } from "../../spec/backend.ts";
import type { AgentEventBody, ToolKind, TurnErrorInfo } from "../../spec/events.ts";
import type { JsonObject } from "../../spec/json.ts";
import type { Usage } from "../../spec/usage.ts";
import type { JsonRpcError } from "../json-rpc.ts";

/** What is known of a tool call: all that `tool_call`, `tool_call_update` and the permission request said so far. */
export interface AcpToolCall {
  readonly toolCallId: string;
  /** ACP's own word: `read`, `edit`, `delete`, `move`, `search`, `execute`, `think`, `fetch`, `switch_mode`, `other`. */
  readonly kind: string | undefined;
  readonly title: string | undefined;
  /** The title that it had at first: with some agents the tool's name. */
  readonly firstTitle: string | undefined;
  /** The members of all messages about the call, later ones over earlier ones. */
  readonly fields: JsonObject;
}

/** How a tool call is told to the host. */
export interface AcpToolFacts {
  readonly name: string;
  readonly kind: ToolKind;
  readonly title: string;
  readonly input: JsonObject;
  /** The call of the sub-agent that makes this one. */
  readonly parentToolCallId?: string;
}

/** What a call has done to a file. */
export interface AcpFileChange {
  readonly path: string;
  readonly change: "added" | "modified" | "deleted";
  /** A unified diff. */
  readonly diff?: string;
}

/** Token counts as an agent told them. */
export interface AcpTokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
}

/** Where an agent tells its token counts, and what they cover. */
export interface AcpUsageRule {
  /**
   * `"turn"`: all of the turn. `"session"`: all of the session, the turns before it included. `"process"`: the same, as
   * far as they were of this process. `"request"`: one request to the model; those of a turn are added up.
   */
  readonly covers: "turn" | "session" | "process" | "request";
  /** Reads the answer to `session/prompt`. */
  readonly fromResult?: (result: JsonObject) => AcpTokens | undefined;
  /** Reads the `update` of a `session/update`. */
  readonly fromUpdate?: (update: JsonObject) => AcpTokens | undefined;
}

/**
 * What is peculiar to one agent that speaks the Agent Client Protocol. Only `agent` and `product` must be there: all the
 * rest has a default that holds for agents which do as the protocol says.
 *
 * The functions get what the agent sent and may be called at any time: they may not throw.
 */
export interface AcpProfile {
  /** The backend's name, as `session.started` tells it. */
  readonly agent: string;
  /** The product's name, for people. */
  readonly product: string;
  /** Laid over the library's own client capabilities, which offer neither files nor terminals. */
  readonly clientCapabilities?: JsonObject;
  /** Further members of the requests that make, load, resume or fork a session, for example `_meta`. */
  readonly sessionParams?: (input: ProtocolInput) => JsonObject;
  /** Authentication methods that need no person, in the order of preference. Used when the agent asks for one. */
  readonly authMethods?: readonly string[];
  /** Authenticates before the session is made, also when the agent does not ask for it. Default `false`. */
  readonly authenticatesFirst?: boolean;
  /** What to do when the agent wants authentication and no method fits: a sentence for people. */
  readonly authRemedy?: string;
  /**
   * How a session is taken up again. Default: `session/resume` where the agent declares it, else `session/load`. With
   * `"none"`, and where the agent declares neither, the session counts as lost.
   */
  readonly resumeBy?: "resume" | "load" | "none";
  /**
   * The history that `session/load` replays partly comes after the answer: the session is ready once the agent was
   * silent for this time. Default 200.
   */
  readonly replayQuietMs?: number;
  /**
   * The agent answers `session/load` alike whether or not it has the session: only a replayed history shows that it had
   * it, and without one the session counts as lost. Default `false`.
   */
  readonly showsLoadByHistory?: boolean;
  /** `"launch"`: the model was given by argument, environment or file. Default `"protocol"`: it is set by request. */
  readonly modelBy?: "protocol" | "launch";
  /** The same for the level of `thinking`. */
  readonly thinkingBy?: "protocol" | "launch";
  /** The session mode to work in, by id. Default: the session's `agentMode`, else the agent's own. */
  readonly sessionMode?: (input: ProtocolInput) => string | undefined;
  /**
   * Stops a turn, as failed, in which a call was made although nobody was asked for it, where the session's permissions
   * want that. It is too late for that call, and in time for the next. Default `false`.
   */
  readonly stopsUngatedCalls?: boolean;
  /** The config option, by id, that takes `thinking`. Default: the one of the category `thought_level`. */
  readonly thinkingOption?: string;
  /** Config options to set once the session is there, by id. */
  readonly configOptions?: { readonly [id: string]: string | boolean };
  /** The `update` of a `session/update` as the protocol would have it, for agents that say some things in their own way. */
  readonly readUpdate?: (update: JsonObject) => JsonObject;
  /** Each chunk of reasoning is a thought of its own, not a piece of one. Default `false`. */
  readonly wholeThoughts?: boolean;
  /** What the agent's messages about a tool call mean, where that is better known than by the protocol alone. */
  readonly describeTool?: (call: AcpToolCall) => Partial<AcpToolFacts> | undefined;
  /** The files that a call which ended well has changed, for agents that show no diff of them. */
  readonly fileChanges?: (call: AcpToolCall) => readonly AcpFileChange[];
  /**
   * A later rule wins over what an earlier one found. Default: `_meta.usage` of the updates, one for each request, and
   * `usage` in the answer to `session/prompt`, for the turn. Empty: none of them says what the turn has used.
   */
  readonly usage?: AcpUsageRule | readonly AcpUsageRule[];
  /**
   * The API error that a turn's last message is, for agents that tell errors as text. It also gets what may tell them
   * from an answer of the model's: the answer to the prompt, and what the turn has used, as far as that is known.
   * Default: texts that begin with `API Error`.
   */
  readonly failureInText?: (
    text: string,
    result: JsonObject,
    usage: Usage | undefined,
  ) => TurnErrorInfo | undefined;
  /** The error of a request that failed, where the agent says more than `modelFailure()` finds. */
  readonly failureOf?: (error: JsonRpcError) => TurnErrorInfo | undefined;
  /** Whether an answer to taking up a session says that there is no such session. */
  readonly isSessionMissing?: (error: JsonRpcError) => boolean;
  /** The events of a notification that is none of the protocol's; `undefined` when it means nothing known. */
  readonly extension?: (method: string, params: JsonObject) => readonly AgentEventBody[] | undefined;
}
