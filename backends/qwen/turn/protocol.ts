import {
  arrayField,
  booleanField,
  exitedFailure,
  isJsonObject,
  numberField,
  objectField,
  parseJson,
  stringField,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostRequest,
  type JsonObject,
  type McpServerStatus,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type TurnInput,
  unparsedLine,
} from "../../../src/kit.ts";
import { failureInText, isPlainAnswer, isSessionMissing, quietExit, toldFailure } from "../failures.ts";
import { promptText } from "./answer-schema.ts";
import { MessageReader } from "./messages.ts";
import { plainPrompt } from "./prompt.ts";
import { ToolCalls } from "./tool-calls.ts";
import { TurnUsage } from "./usage.ts";

/** Reads the lines of `qwen -o stream-json`: one process for each turn, which ends with the turn. */
export class TurnProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #messages = new MessageReader();
  readonly #tools: ToolCalls;
  readonly #usage = new TurnUsage();
  #model: string | undefined;
  #resume: NativeSession | undefined;
  #processes = 0;
  #isRunning = false;
  #isInterrupting = false;
  #wasTold = false;

  constructor(input: ProtocolInput) {
    this.#input = input;
    this.#model = input.model;
    this.#tools = new ToolCalls(input.permissions === "deny-all");
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#processes += 1;
    this.#resume = start.resume;
    this.#isRunning = false;
    this.#isInterrupting = false;
    this.#wasTold = false;
    this.#messages.startProcess();
    this.#tools.startProcess();
    return { ready: true };
  }

  prompt(turn: TurnInput): Step {
    this.#isRunning = true;
    this.#usage.beginTurn();
    // Qwen Code reads the prompt to the end of its input.
    return { write: [plainPrompt(promptText(turn), this.#input.permissions)], closeStdin: true };
  }

  push(line: string): Step {
    const message = parseJson(line);
    if (!isJsonObject(message)) return this.#placed([unparsedLine(line)], message);
    const parent = stringField(message, "parent_tool_use_id");
    switch (message["type"]) {
      case "system":
        return this.#system(message);
      case "stream_event":
        return parent === undefined
          ? this.#placed(this.#messages.stream(objectField(message, "event")), message)
          : { raw: message };
      case "assistant":
        return this.#placed(this.#assistant(message, parent), message);
      case "user":
        return this.#placed(this.#user(message), message);
      case "result":
        return this.#result(message);
      default:
        return this.#placed([{ type: "agent.unknown", raw: message }], message);
    }
  }

  reply(): Step {
    return {};
  }

  interrupt(): Step {
    // Nothing can be said to it: the core ends it by a signal.
    this.#isInterrupting = true;
    return {};
  }

  request(request: HostRequest): Step {
    if (request.type === "set_model") {
      this.#model = request.model;
      return { responses: [{ id: request.id }] };
    }
    return { responses: [{ id: request.id, error: "Qwen Code takes no message while it works on a turn." }] };
  }

  tick(): Step {
    return {};
  }

  end(exit: AgentExit): Step {
    if (!this.#isRunning) return {};
    this.#isRunning = false;
    const failed: AgentEventBody = {
      type: "turn.failed",
      error: exitedFailure("Qwen Code", quietExit(exit)),
      ...this.#figures(),
    };
    if (this.#resume !== undefined && !this.#wasTold && isSessionMissing(exit.stderr)) {
      return { resumeLost: true, events: [failed] };
    }
    if (this.#isInterrupting)
      return { events: [{ type: "turn.interrupted", by: "host", ...this.#figures() }] };
    return { events: [failed] };
  }

  #system(message: JsonObject): Step {
    const subtype = stringField(message, "subtype");
    if (subtype === "init") return this.#init(message);
    // A background task begins or ends: its call tells as much.
    if (subtype === "task_started" || subtype === "task_notification") return { raw: message };
    return this.#placed([{ type: "agent.unknown", raw: message }], message);
  }

  #init(message: JsonObject): Step {
    const nativeSessionId = stringField(message, "session_id");
    this.#wasTold = true;
    if (nativeSessionId === undefined) return { raw: message };
    const mcpServers = arrayField(message, "mcp_servers").map(serverStatus);
    const broken = mcpServers.filter(({ status }) => status === "failed");
    const notices = broken.map(({ name }): AgentEventBody => {
      return {
        type: "agent.notice",
        level: "warning",
        message: `The MCP server "${name}" could not be started.`,
      };
    });
    if (this.#processes > 1 && this.#resume !== undefined) return { raw: message, nativeSessionId };
    const model = stringField(message, "model") ?? this.#model;
    const tools = arrayField(message, "tools").filter((tool) => typeof tool === "string");
    const started: AgentEventBody = {
      type: "session.started",
      agent: "qwen",
      ...(model === undefined ? {} : { model }),
      nativeSessionId,
      cwd: this.#input.cwd,
      tools,
      ...(mcpServers.length === 0 ? {} : { mcpServers }),
      resumed: this.#resume !== undefined,
    };
    return { raw: message, nativeSessionId, events: [started, ...notices] };
  }

  #assistant(line: JsonObject, parent: string | undefined): readonly AgentEventBody[] {
    const message = objectField(line, "message");
    const uuid = stringField(line, "uuid") ?? "";
    const events = arrayField(message, "content").flatMap((part) =>
      stringField(part, "type") === "tool_use"
        ? this.#tools.start(part, parent)
        : this.#messages.whole(part, parent, uuid),
    );
    const isCounted = this.#usage.message(message["usage"]);
    const { usage } = this.#usage;
    return isCounted && usage !== undefined ? [...events, { type: "usage.updated", usage }] : events;
  }

  #user(line: JsonObject): readonly AgentEventBody[] {
    return arrayField(objectField(line, "message"), "content").flatMap((part) =>
      stringField(part, "type") === "tool_result" ? this.#tools.complete(part, this.#isInterrupting) : [],
    );
  }

  #result(line: JsonObject): Step {
    if (!this.#isRunning) return { raw: line };
    this.#isRunning = false;
    return { raw: line, events: [this.#turnEnd(line)] };
  }

  #turnEnd(line: JsonObject): AgentEventBody {
    const figures = this.#figures();
    if (this.#isInterrupting) return { type: "turn.interrupted", by: "host", ...figures };
    const text = stringField(line, "result") ?? "";
    // What was streamed was read closely; of an answer that was not, there is only this.
    const unread = this.#messages.text === "" ? failureInText(text) : undefined;
    const told = this.#messages.failure ?? unread;
    if (told !== undefined) return { type: "turn.failed", error: told, ...figures };
    if (booleanField(line, "is_error") === true || line["subtype"] !== "success") {
      const said = stringField(objectField(line, "error"), "message") ?? text;
      // Nothing has gone wrong but the form of the answer: the core has it mended.
      if (isPlainAnswer(said)) return this.#completed(line, this.#messages.text);
      const error = toldFailure(said === "" ? "Qwen Code ended the turn without a reason." : said);
      return { type: "turn.failed", error, ...figures };
    }
    return this.#completed(line, text);
  }

  #completed(line: JsonObject, text: string): AgentEventBody {
    const numTurns = numberField(line, "num_turns");
    // With an answer that was not taken the library can say what is wrong with it, unless the words hold another.
    const refused = text.includes("{") ? undefined : this.#tools.refusedAnswer;
    const output = line["structured_result"] ?? refused;
    return {
      type: "turn.completed",
      stopReason: "end_turn",
      text,
      ...(output === undefined ? {} : { output }),
      ...this.#figures(),
      ...(numTurns === undefined ? {} : { numTurns }),
    };
  }

  #figures(): Pick<Extract<AgentEventBody, { type: "turn.failed" }>, "usage"> {
    const { usage } = this.#usage;
    return usage === undefined ? {} : { usage };
  }

  #placed(events: readonly AgentEventBody[], raw: unknown): Step {
    if (events.length === 0) return { raw };
    return { raw, events, ...(this.#isRunning ? {} : { background: true }) };
  }
}

function serverStatus(server: unknown): McpServerStatus {
  const name = stringField(server, "name") ?? "";
  const status = stringField(server, "status");
  const isPending = status === "connecting" || status === "pending";
  return { name, status: status === "connected" ? "connected" : isPending ? "pending" : "failed" };
}
