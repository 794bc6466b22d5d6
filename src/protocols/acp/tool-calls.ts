import { arrayField, isJsonObject, objectField, stringField } from "../../kit/json.ts";
import type { AgentEventBody, ToolKind, ToolStatus } from "../../spec/events.ts";
import type { JsonObject } from "../../spec/json.ts";
import type { AcpProfile, AcpToolCall, AcpToolFacts } from "./profile.ts";
import {
  callExitCode,
  callFileChanges,
  callOutput,
  callPath,
  contentText,
  terminalOutput,
} from "./tool-content.ts";

interface Call {
  readonly toolCallId: string;
  fields: JsonObject;
  readonly firstTitle: string | undefined;
  /** The host was told of it. */
  isStarted: boolean;
  isClosed: boolean;
  /** Its output so far, as far as it was streamed. */
  streamed: string;
  /** What its terminal has printed, where the agent tells that apart from the call's content. */
  printed: string;
  /** A permission was asked for it. */
  isAsked: boolean;
  /** What was shown of it while a permission was asked: none of it is output. */
  askedContent: unknown;
  /** The diffs that it showed last: some agents show them only while they ask. */
  diffs: readonly unknown[];
}

const kinds: { readonly [kind: string]: ToolKind } = {
  read: "read",
  edit: "edit",
  delete: "edit",
  move: "edit",
  search: "search",
  execute: "execute",
  fetch: "fetch",
};

/** The tool calls of a turn, from whatever message first names them. */
export class ToolCalls {
  readonly #profile: AcpProfile;
  readonly #mcpServers: readonly string[];
  readonly #calls = new Map<string, Call>();
  readonly #past = new Set<string>();
  #isInterrupted = false;
  #ungated: string | undefined;

  constructor(profile: AcpProfile, mcpServers: readonly string[] = []) {
    this.#profile = profile;
    this.#mcpServers = mcpServers;
  }

  /** Whether a call is held back until more is known of it. */
  get isHolding(): boolean {
    return [...this.#calls.values()].some((call) => !call.isStarted && !call.isClosed);
  }

  /** The name of a call that was made although nobody was asked. */
  get ungated(): string | undefined {
    return this.#ungated;
  }

  /** The turn is over. What its calls still have to say is of no use to a later one. */
  endTurn(): void {
    this.#past.clear();
    for (const id of this.#calls.keys()) this.#past.add(id);
    this.#calls.clear();
    this.#isInterrupted = false;
    this.#ungated = undefined;
  }

  /** The agent was told to stop: calls that end from here on end for that reason, whatever it says of them. */
  interrupted(): void {
    this.#isInterrupted = true;
  }

  /** Takes in `tool_call` or `tool_call_update`. */
  update(fields: JsonObject): readonly AgentEventBody[] {
    const id = stringField(fields, "toolCallId");
    if (id === undefined) return [];
    const isUpdate = fields["sessionUpdate"] === "tool_call_update";
    if (isUpdate && this.#past.has(id) && !this.#calls.has(id)) return [];
    const call = this.#merge(id, fields);
    if (call.isClosed) return [];
    return [...this.#print(call, fields), ...this.#progress(call, isUpdate)];
  }

  #progress(call: Call, isUpdate: boolean): readonly AgentEventBody[] {
    const status = stringField(call.fields, "status");
    if (status === "completed" || status === "failed") {
      if (status === "completed" && !call.isAsked) this.#ungated ??= this.#describe(call).name;
      const isOk = status === "completed" && (callExitCode(call.fields) ?? 0) === 0;
      const outcome = this.#isInterrupted ? "interrupted" : isOk ? "ok" : "error";
      return [...this.#start(call), ...this.#close(call, outcome)];
    }
    // Some agents announce a call before they know what it is about.
    const isBare = status === "pending" && !isTold(call.fields["rawInput"]);
    if (isBare && !call.isStarted) return [];
    // Before the call is made its content says what it is for.
    const isMade = isUpdate && (status === "in_progress" || call.isAsked);
    return [...this.#start(call), ...(isMade ? this.#stream(call) : [])];
  }

  /** Takes in what a permission is asked for: for some agents that is the only word about the call. */
  requested(fields: JsonObject): {
    readonly facts: AcpToolFacts;
    readonly toolCallId: string;
    readonly events: readonly AgentEventBody[];
  } {
    const toolCallId = stringField(fields, "toolCallId") ?? `unnamed-${this.#calls.size + 1}`;
    const { status: _status, rawInput, ...rest } = fields;
    const known = this.#calls.get(toolCallId)?.fields["rawInput"];
    // What is asked for may name the input's members in another way than the call does.
    const input = isJsonObject(known) && isJsonObject(rawInput) ? { ...known, ...rawInput } : rawInput;
    const call = this.#merge(toolCallId, { ...rest, rawInput: input });
    call.isAsked = true;
    call.askedContent = call.fields["content"];
    return { facts: this.#describe(call), toolCallId, events: call.isClosed ? [] : this.#start(call) };
  }

  /** Closes a call that was rejected: many agents say no more about it. */
  denied(toolCallId: string, message: string): readonly AgentEventBody[] {
    const call = this.#calls.get(toolCallId);
    if (call === undefined || call.isClosed) return [];
    call.isClosed = true;
    return [...this.#start(call), { type: "tool.completed", toolCallId, status: "denied", output: message }];
  }

  /** Tells of calls that were held back until more would be known. */
  flush(): readonly AgentEventBody[] {
    return [...this.#calls.values()].flatMap((call) => (call.isClosed ? [] : this.#start(call)));
  }

  /** Closes the calls of which the agent has not told the end, and now will not. */
  closeAll(status: "interrupted" | "error"): readonly AgentEventBody[] {
    return [...this.#calls.values()].flatMap((call) =>
      call.isClosed ? [] : [...this.#start(call), ...this.#close(call, status)],
    );
  }

  #merge(toolCallId: string, fields: JsonObject): Call {
    let call = this.#calls.get(toolCallId);
    if (call === undefined) {
      call = {
        ...{
          toolCallId,
          fields: {},
          firstTitle: stringField(fields, "title"),
          isStarted: false,
          isClosed: false,
        },
        ...{ streamed: "", printed: "", isAsked: false, askedContent: undefined, diffs: [] },
      };
      this.#calls.set(toolCallId, call);
    }
    const told = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
    call.fields = { ...call.fields, ...Object.fromEntries(told) };
    const diffs = arrayField(fields, "content").filter((item) => stringField(item, "type") === "diff");
    if (diffs.length > 0) call.diffs = diffs;
    return call;
  }

  #start(call: Call): readonly AgentEventBody[] {
    if (call.isStarted) return [];
    call.isStarted = true;
    return [{ type: "tool.started", toolCallId: call.toolCallId, ...this.#describe(call) }];
  }

  /** What an update adds to the output of the call's terminal. */
  #print(call: Call, fields: JsonObject): readonly AgentEventBody[] {
    const output = terminalOutput(fields);
    if (output === undefined) return [];
    call.printed += output;
    return [...this.#start(call), { type: "tool.delta", toolCallId: call.toolCallId, output }];
  }

  /** Content replaces what was there: what it adds is streamed, as long as it only adds. */
  #stream(call: Call): readonly AgentEventBody[] {
    const text = contentText(call.fields);
    if (text.length <= call.streamed.length || !text.startsWith(call.streamed)) return [];
    const output = text.slice(call.streamed.length);
    call.streamed = text;
    return [{ type: "tool.delta", toolCallId: call.toolCallId, output }];
  }

  #close(call: Call, status: ToolStatus): readonly AgentEventBody[] {
    call.isClosed = true;
    const { toolCallId, fields } = call;
    const exitCode = callExitCode(fields);
    const content = fields["rawOutput"];
    const output = callOutput(isOnlyAsked(call) ? { ...fields, content: [] } : fields);
    return [
      {
        type: "tool.completed",
        toolCallId,
        status,
        output: output === "" ? call.printed : output,
        ...(isJsonObject(content) ? { content } : {}),
        ...(exitCode === undefined ? {} : { exitCode }),
      },
      ...(status === "ok" ? this.#fileChanges(call) : []),
    ];
  }

  #fileChanges(call: Call): readonly AgentEventBody[] {
    const { toolCallId, fields, diffs } = call;
    const shown = callFileChanges(toolCallId, fields, diffs);
    if (shown.length > 0) return shown;
    const told = this.#profile.fileChanges?.(toolCallOf(call)) ?? [];
    return told.map((change) => ({ type: "file.changed", ...change, toolCallId }));
  }

  /** A call that is of no kind and entitled with the name of a tool of one of the session's servers. */
  #mcpTool(kind: string | undefined, title: string | undefined): string | undefined {
    if (title === undefined || (kind !== undefined && kind !== "other") || !/^[\w.-]+$/.test(title)) {
      return undefined;
    }
    const isOfServer = (server: string): boolean =>
      title.startsWith(`${server}_`) || title.startsWith(`${server}-`);
    return this.#mcpServers.some(isOfServer) ? title : undefined;
  }

  #describe(call: Call): AcpToolFacts {
    const { fields } = call;
    const told = toolCallOf(call);
    const { kind, title } = told;
    const own = this.#profile.describeTool?.(told) ?? {};
    const mcpTool = this.#mcpTool(kind, title) ?? this.#mcpTool(kind, call.firstTitle);
    const known = own.name ?? stringField(fields, "name") ?? namedInMeta(fields);
    const name = known ?? mcpTool ?? kind ?? "other";
    return {
      name,
      kind: own.kind ?? (mcpTool === undefined ? kindOf(kind, name) : "mcp"),
      title: own.title ?? title ?? name,
      input: own.input ?? inputOf(fields),
      ...(own.parentToolCallId === undefined ? {} : { parentToolCallId: own.parentToolCallId }),
    };
  }
}

/** Whether nothing was shown of the call since it was asked for. */
function isOnlyAsked({ askedContent, fields }: Call): boolean {
  return askedContent !== undefined && fields["content"] === askedContent;
}

function toolCallOf({ toolCallId, fields, firstTitle }: Call): AcpToolCall {
  return {
    ...{ toolCallId, firstTitle, fields },
    ...{ kind: stringField(fields, "kind"), title: stringField(fields, "title") },
  };
}

function kindOf(kind: string | undefined, name: string): ToolKind {
  const known = kind !== undefined && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  return known ?? (name.startsWith("mcp__") ? "mcp" : "other");
}

/** A tool's own name, where an agent adds it by the protocol's way for what the protocol has no member for. */
function namedInMeta(fields: JsonObject): string | undefined {
  const meta = objectField(fields, "_meta");
  for (const source of [meta, ...Object.values(meta)]) {
    const name = stringField(source, "toolName") ?? stringField(source, "tool_name");
    if (name !== undefined && name !== "") return name;
  }
  return undefined;
}

function inputOf(fields: JsonObject): JsonObject {
  const raw = fields["rawInput"];
  if (isJsonObject(raw) && Object.keys(raw).length > 0) return raw;
  const path = callPath(fields);
  return {
    ...(path === undefined ? {} : { path }),
    ...(raw === undefined || isJsonObject(raw) ? {} : { input: raw }),
  };
}

/** The folder alone does not say what a call is about. */
function isTold(input: unknown): boolean {
  if (!isJsonObject(input)) return input !== undefined && input !== null;
  return Object.keys(input).some((name) => name !== "cwd");
}
