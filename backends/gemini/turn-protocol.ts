import {
  arrayField,
  isJsonObject,
  objectField,
  numberField,
  parseJson,
  stringField,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostRequest,
  type JsonObject,
  type NativeSession,
  type PlanEntry,
  type ProtocolInput,
  type Step,
  type TurnInput,
  type Usage,
  unparsedLine,
} from "../../src/kit.ts";
import { answerFailure, exitFailure, isSessionLost, quietExit, resultFailure } from "./failures.ts";
import { commandEnd, toolKind, toolTitle } from "./tools.ts";

/** Reads the lines of `gemini -o stream-json`: one process for each turn, which ends with the turn. */
export class TurnProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #refusals: ReadonlySet<string>;
  #model: string | undefined;
  #resume: NativeSession | undefined;
  #process = 0;
  #turnId = "";
  #isRunning = false;
  #isInterrupted = false;
  /** The session has begun: whatever comes of it, it was there. */
  #isSessionSeen = false;
  #messages = 0;
  #text: { readonly messageId: string; text: string } | undefined;
  #lastText = "";
  #names = new Map<string, { readonly name: string; readonly input: JsonObject }>();
  /** The last error that the CLI told of in a line of its own. */
  #toldError: string | undefined;
  /** A failed result; its process still has to tell by its exit code what it was. */
  #failure: { readonly message: string; readonly isOfAnswer: boolean; readonly usage: Usage } | undefined;

  constructor(input: ProtocolInput) {
    this.#input = input;
    const isConfined = input.permissions !== "allow-all" || input.allowedTools !== undefined;
    // What a session's policy rules out as a whole, the CLI does not even know.
    this.#refusals = new Set(["policy_violation", ...(isConfined ? ["tool_not_registered"] : [])]);
    this.#model = input.model;
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#process += 1;
    this.#resume = start.resume;
    this.#isRunning = false;
    this.#isInterrupted = false;
    this.#isSessionSeen = false;
    this.#text = undefined;
    this.#failure = undefined;
    return { ready: true };
  }

  prompt(turn: TurnInput): Step {
    this.#isRunning = true;
    this.#turnId = turn.turnId;
    this.#messages = 0;
    this.#lastText = "";
    this.#toldError = undefined;
    this.#names = new Map();
    const text = turn.content.map((part) => (part.type === "text" ? part.text : "")).join("\n\n");
    // The CLI reads the prompt to the end of its input.
    return { write: [text], closeStdin: true };
  }

  push(line: string): Step {
    const raw = parseJson(line);
    const type = stringField(raw, "type");
    const rest = { ...(raw === undefined ? {} : { raw }), background: !this.#isRunning };
    if (!isJsonObject(raw) || type === undefined) return { ...rest, events: [unparsedLine(line)] };
    if (type === "init") return { ...rest, ...this.#begun(raw) };
    return { ...rest, events: this.#events(type, raw) };
  }

  reply(): Step {
    return {};
  }

  interrupt(): Step {
    this.#isInterrupted = true;
    return {};
  }

  request(request: HostRequest): Step {
    if (request.type === "set_model") {
      this.#model = request.model;
      return { responses: [{ id: request.id }] };
    }
    return { responses: [{ id: request.id, error: "Gemini CLI takes no message while a turn runs." }] };
  }

  tick(): Step {
    return {};
  }

  end(processExit: AgentExit): Step {
    if (!this.#isRunning) return {};
    const exit = quietExit(processExit);
    this.#isRunning = false;
    const events = this.#closeText();
    if (this.#isInterrupted) return { events: [...events, { type: "turn.interrupted", by: "host" }] };
    if (this.#failure !== undefined) {
      const { message, isOfAnswer, usage } = this.#failure;
      const error = isOfAnswer ? answerFailure(message) : resultFailure(message, exit);
      return { events: [...events, { type: "turn.failed", error, usage }] };
    }
    const isLost = this.#resume !== undefined && !this.#isSessionSeen && isSessionLost(exit);
    return {
      events: [...events, { type: "turn.failed", error: exitFailure(exit) }],
      ...(isLost ? { resumeLost: true } : {}),
    };
  }

  #begun(raw: JsonObject): Step {
    const nativeSessionId = stringField(raw, "session_id");
    const model = stringField(raw, "model") ?? this.#model;
    this.#isSessionSeen = true;
    if (nativeSessionId === undefined) return { events: [{ type: "agent.unknown", raw }] };
    if (this.#resume !== undefined && this.#resume.nativeSessionId !== nativeSessionId) {
      return { resumeLost: true };
    }
    // The processes of later turns only go on with the session.
    if (this.#process > 1 && this.#resume !== undefined) return { nativeSessionId };
    return {
      nativeSessionId,
      events: [
        {
          type: "session.started",
          agent: "gemini",
          ...(model === undefined ? {} : { model }),
          nativeSessionId,
          cwd: this.#input.cwd,
          resumed: this.#resume !== undefined,
        },
      ],
    };
  }

  #events(type: string, raw: JsonObject): readonly AgentEventBody[] {
    switch (type) {
      case "message":
        return this.#message(raw);
      case "tool_use":
        return this.#toolUse(raw);
      case "tool_result":
        return this.#toolResult(raw);
      case "error": {
        const level = stringField(raw, "severity") === "warning" ? "warning" : "error";
        const message = stringField(raw, "message") ?? "";
        if (level === "error" && message !== "") this.#toldError = message;
        return [{ type: "agent.notice", level, message }];
      }
      case "result":
        return this.#result(raw);
      default:
        return [{ type: "agent.unknown", raw }];
    }
  }

  #message(raw: JsonObject): readonly AgentEventBody[] {
    const text = stringField(raw, "content");
    if (stringField(raw, "role") === "user") return [];
    if (text === undefined) return [{ type: "agent.unknown", raw }];
    if (text === "") return [];
    this.#text ??= { messageId: `${this.#turnId}.${++this.#messages}`, text: "" };
    this.#text.text += text;
    return [{ type: "message.delta", messageId: this.#text.messageId, text }];
  }

  #closeText(): AgentEventBody[] {
    const open = this.#text;
    if (open === undefined) return [];
    this.#text = undefined;
    this.#lastText = open.text;
    return [{ type: "message.completed", messageId: open.messageId, text: open.text }];
  }

  #toolUse(raw: JsonObject): readonly AgentEventBody[] {
    const toolCallId = stringField(raw, "tool_id");
    const name = stringField(raw, "tool_name");
    if (toolCallId === undefined || name === undefined) return [{ type: "agent.unknown", raw }];
    const input = objectField(raw, "parameters");
    this.#names.set(toolCallId, { name, input });
    return [
      ...this.#closeText(),
      {
        type: "tool.started",
        toolCallId,
        name,
        kind: toolKind(name) ?? "other",
        title: toolTitle(name, input),
        input,
      },
    ];
  }

  #toolResult(raw: JsonObject): readonly AgentEventBody[] {
    const toolCallId = stringField(raw, "tool_id");
    if (toolCallId === undefined) return [{ type: "agent.unknown", raw }];
    const error = objectField(raw, "error");
    const output = stringField(raw, "output");
    const end = commandEnd(output);
    const isOk = stringField(raw, "status") === "success" && end.isOk;
    const isDenied = this.#refusals.has(stringField(error, "type") ?? "");
    const call = this.#names.get(toolCallId);
    this.#names.delete(toolCallId);
    return [
      {
        type: "tool.completed",
        toolCallId,
        status: isOk ? "ok" : isDenied ? "denied" : "error",
        output: output ?? stringField(error, "message") ?? "",
        ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
      },
      ...(isOk && call !== undefined ? madeBy(call.name, call.input, toolCallId) : []),
    ];
  }

  #result(raw: JsonObject): readonly AgentEventBody[] {
    if (!this.#isRunning || this.#failure !== undefined) return [];
    const usage = usageOf(objectField(raw, "stats"));
    if (stringField(raw, "status") !== "success") {
      const reason = stringField(objectField(raw, "error"), "message");
      // Of an answer that it cannot use, the result itself says nothing.
      const isOfAnswer = reason === undefined && this.#toldError !== undefined;
      const message = reason ?? this.#toldError ?? "Gemini CLI gave no reason.";
      this.#failure = { message, isOfAnswer, usage };
      return [];
    }
    this.#isRunning = false;
    const closed = this.#closeText();
    const text = this.#lastText;
    return [...closed, { type: "turn.completed", stopReason: "end_turn", text, usage }];
  }
}

/** What a successful call has changed beside its output. */
function madeBy(name: string, input: JsonObject, toolCallId: string): readonly AgentEventBody[] {
  if (name === "write_todos") return [{ type: "plan.updated", entries: planOf(input) }];
  const path = stringField(input, "file_path");
  if (path === undefined || toolKind(name) !== "edit") return [];
  return [{ type: "file.changed", path, change: "modified", toolCallId }];
}

function planOf(input: JsonObject): readonly PlanEntry[] {
  return arrayField(input, "todos").flatMap((todo): PlanEntry[] => {
    const content = stringField(todo, "description");
    const status = stringField(todo, "status");
    if (content === undefined || status === "cancelled") return [];
    return [{ content, status: status === "in_progress" || status === "completed" ? status : "pending" }];
  });
}

function usageOf(stats: JsonObject): Usage {
  const input = numberField(stats, "input_tokens") ?? 0;
  const output = numberField(stats, "output_tokens") ?? 0;
  const cached = numberField(stats, "cached") ?? 0;
  // What the parts do not add up to was spent on thinking.
  const reasoning = Math.max(0, (numberField(stats, "total_tokens") ?? 0) - input - output);
  return {
    inputTokens: Math.max(0, input - cached),
    outputTokens: output + reasoning,
    cacheReadTokens: cached,
    reasoningTokens: reasoning,
  };
}
