import {
  arrayField,
  exitedFailure,
  isJsonObject,
  objectField,
  parseJson,
  stringField,
  TextDeltaStep,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostAnswer,
  type HostRequest,
  type JsonObject,
  type NativeSession,
  type ProcessMode,
  type ProtocolInput,
  type Step,
  type TurnInput,
  unparsedLine,
} from "../../src/kit.ts";
import { AllowedTools } from "./allowed-tools.ts";
import { promptContent } from "./answer-schema.ts";
import { deltaText } from "./delta-line.ts";
import { initializeId, initializeLine, refusedStart } from "./handshake.ts";
import { startFailure } from "./failures.ts";
import { MessageReader } from "./messages.ts";
import { ModelList } from "./models.ts";
import { OwnRequests } from "./own-requests.ts";
import { hookCallbackId, PermissionDesk, type DeskStep } from "./permission-desk.ts";
import { Runs, type Turn } from "./runs.ts";
import { ServerWatch } from "./server-watch.ts";
import { SessionFacts } from "./session-facts.ts";
import { rateLimitEvent, systemEvent } from "./system-messages.ts";
import { ToolCalls } from "./tool-calls.ts";
import { turnEnd } from "./turn-results.ts";
import { UnmetWishes } from "./unmet-wishes.ts";
import { UsageMeter } from "./usage-meter.ts";
import { errorResponseLine, responseLine, userLine } from "./wire.ts";

const nothing: Step = {};

/** The conversation with one CLI, in either process mode. */
export class ClaudeProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #mode: ProcessMode;
  readonly #runs = new Runs();
  readonly #messages = new MessageReader();
  readonly #tools: ToolCalls;
  readonly #usage = new UsageMeter();
  readonly #facts = new SessionFacts();
  readonly #desk: PermissionDesk;
  readonly #requests = new OwnRequests();
  readonly #servers = new ServerWatch(this.#facts, this.#requests);
  readonly #wishes: UnmetWishes;
  #models = new ModelList({});
  #isReady = false;
  #resume: NativeSession | undefined;
  #isResumeLost = false;
  #toldNativeSessionId: string | undefined;

  constructor(input: ProtocolInput, mode: ProcessMode) {
    this.#input = input;
    this.#mode = mode;
    const allowed = new AllowedTools(input.allowedTools, input.mcpServers);
    this.#tools = new ToolCalls({ mustAsk: input.permissions === "ask", allowed });
    this.#desk = new PermissionDesk(input.permissions, input.answersQuestions, allowed);
    this.#wishes = new UnmetWishes({ allowed, skills: input.skills ?? [], thinking: input.thinking });
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#resume = start.resume;
    this.#isReady = false;
    this.#isResumeLost = false;
    this.#toldNativeSessionId = undefined;
    this.#runs.reset();
    this.#messages.reset();
    this.#tools.reset();
    this.#usage.reset();
    this.#desk.reset();
    return { write: [initializeLine(this.#input)] };
  }

  prompt(turn: TurnInput): Step {
    this.#runs.prompted();
    this.#usage.beginTurn();
    return { write: [userLine(promptContent(turn))] };
  }

  push(line: string): Step {
    if (this.#runs.isOfTurn) {
      const text = deltaText(line);
      if (text !== undefined && text !== "")
        return new TextDeltaStep(this.#messages.extendMain(text), text, line);
    }
    const message = parseJson(line);
    if (!isJsonObject(message)) return this.#runs.told([unparsedLine(line)], message);
    switch (message["type"]) {
      case "stream_event":
        return this.#streamEvent(message);
      case "assistant":
        return this.#assistant(message);
      case "user":
        return this.#user(message);
      case "system":
        return this.#system(message);
      case "result":
        return this.#result(message);
      case "control_request":
        return this.#controlRequest(message);
      case "control_response":
        return this.#controlResponse(message);
      case "control_cancel_request":
        return this.#withdraw(message);
      case "rate_limit_event":
        return this.#runs.told(listOf(rateLimitEvent(message)), message);
      case "keep_alive":
      case "tool_progress":
      case "tool_use_summary":
      case "prompt_suggestion":
      case "auth_status":
        return { raw: message };
      default:
        return this.#runs.told([{ type: "agent.unknown", raw: message }], message);
    }
  }

  reply(answer: HostAnswer): Step {
    return this.#deskStep(this.#desk.reply(answer), undefined);
  }

  interrupt(): Step {
    const { turn } = this.#runs;
    if (turn === undefined || !this.#isReady) return nothing;
    turn.isInterrupting = true;
    return { write: [this.#requests.send({ subtype: "interrupt" })] };
  }

  request(request: HostRequest): Step {
    const { id } = request;
    switch (request.type) {
      case "set_model":
        return { write: [this.#requests.send({ subtype: "set_model", model: request.model }, request)] };
      case "list_models":
        return { responses: [{ id, models: this.#models.models }] };
      case "steer": {
        const { turn } = this.#runs;
        if (turn === undefined || turn.isInterrupting) {
          return { responses: [{ id, error: "No turn is running that could be steered." }] };
        }
        this.#runs.steered();
        return { write: [userLine(request.content)], responses: [{ id }] };
      }
    }
  }

  tick(): Step {
    // Behind its turn, the process of one turn listens no more.
    const isListening = this.#isReady && (this.#mode === "session" || this.#runs.turn !== undefined);
    return isListening ? { write: this.#servers.question() } : nothing;
  }

  end(exit: AgentExit): Step {
    const { turn } = this.#runs;
    const wasReady = this.#isReady;
    this.#isReady = false;
    this.#runs.reset();
    const responses = this.#requests.abandon();
    if (this.#isResumeLost) return { responses };
    const startError = wasReady ? undefined : startFailure(exit);
    const end: Step = startError === undefined ? { responses } : { responses, startError };
    if (turn === undefined) return end;
    const event: AgentEventBody = turn.isInterrupting
      ? { type: "turn.interrupted", by: "host" }
      : { type: "turn.failed", error: startError ?? exitedFailure("Claude Code", exit) };
    return { ...end, events: [event] };
  }

  #streamEvent(message: JsonObject): Step {
    const event = message["event"];
    if (!isJsonObject(event)) return this.#runs.told([{ type: "agent.unknown", raw: message }], message);
    if (event["type"] === "content_block_delta") {
      const delta = this.#messages.delta(message, event["delta"]);
      if (delta === undefined) return { raw: message };
      if (this.#runs.isOfTurn) return { events: [delta], raw: message };
      return this.#runs.spoken([delta], message);
    }
    const events: AgentEventBody[] = [];
    this.#messages.boundary(message, event, events);
    if (typeof message["parent_tool_use_id"] !== "string") this.#meter(event, events);
    return this.#runs.spoken(events, message);
  }

  #meter(event: JsonObject, events: AgentEventBody[]): void {
    if (!this.#runs.isOfTurn && !this.#runs.isHeld) return;
    if (event["type"] === "message_start") {
      this.#runs.asked();
      this.#usage.requestStarted(objectField(event, "message")["usage"]);
    } else if (event["type"] === "message_delta") {
      events.push({ type: "usage.updated", usage: this.#usage.requestEnded(event["usage"]) });
    }
  }

  #assistant(line: JsonObject): Step {
    const message = objectField(line, "message");
    const { turn } = this.#runs;
    const error = stringField(line, "error");
    if (error !== undefined && stringField(message, "model") === "<synthetic>") {
      // Not the agent's words: the CLI puts the API's error where an answer would stand. The result tells it.
      if (turn !== undefined) turn.apiError = error;
      return { raw: line };
    }
    const held = this.#runs.spoke();
    // The requests of another run were counted with the turn's until this showed.
    if (held.length > 0) this.#usage.beginTurn();
    const events = [...held];
    this.#messages.snapshot(line, message, events);
    for (const block of arrayField(message, "content")) {
      if (isJsonObject(block) && block["type"] === "tool_use") {
        this.#tools.start(block, line["parent_tool_use_id"], events);
      }
    }
    return this.#runs.spoken(events, line);
  }

  #user(line: JsonObject): Step {
    if (line["isReplay"] === true) {
      const held = this.#runs.echoed();
      return held.length === 0 ? { raw: line } : { raw: line, events: held };
    }
    const events: AgentEventBody[] = [];
    const isInterrupting = this.#runs.turn?.isInterrupting === true;
    for (const block of arrayField(objectField(line, "message"), "content")) {
      if (!isJsonObject(block) || block["type"] !== "tool_result") continue;
      this.#tools.complete(block, line["tool_use_result"], isInterrupting, events);
      const toolCallId = stringField(block, "tool_use_id");
      if (toolCallId !== undefined) this.#messages.forget(toolCallId);
    }
    return this.#runs.spoken(events, line);
  }

  #system(line: JsonObject): Step {
    switch (line["subtype"]) {
      case "init":
        return this.#init(line);
      case "task_notification":
        return this.#taskNews(line);
      case "permission_denied": {
        const toolCallId = stringField(line, "tool_use_id");
        if (toolCallId !== undefined) this.#tools.deny(toolCallId);
        return { raw: line };
      }
      case "status": {
        const mode = stringField(line, "permissionMode");
        const update = mode === undefined ? undefined : this.#facts.setMode(mode);
        return this.#runs.told([...listOf(update), ...listOf(systemEvent(line))], line);
      }
      default:
        return this.#runs.told(listOf(systemEvent(line)), line);
    }
  }

  /** Each run of the agent begins with such a line. */
  #init(line: JsonObject): Step {
    const events = [
      ...listOf(this.#facts.init(line, this.#resume !== undefined)),
      ...this.#wishes.notices(line, this.#models),
    ];
    this.#runs.began();
    const nativeSessionId = this.#newNativeSessionId();
    const { turn } = this.#runs;
    const write: string[] = [];
    if (turn?.isInterruptDue === true) {
      turn.isInterruptDue = false;
      write.push(this.#requests.send({ subtype: "interrupt" }));
    }
    write.push(...this.#servers.question());
    return {
      raw: line,
      events,
      ...(nativeSessionId === undefined ? {} : { nativeSessionId }),
      ...(write.length === 0 ? {} : { write }),
    };
  }

  /** Told again by each process: a session may be lost, and begun anew under the id it had. */
  #newNativeSessionId(): string | undefined {
    const { nativeSessionId } = this.#facts;
    if (nativeSessionId === this.#toldNativeSessionId) return undefined;
    this.#toldNativeSessionId = nativeSessionId;
    return nativeSessionId;
  }

  #taskNews(line: JsonObject): Step {
    const toolCallId = stringField(line, "tool_use_id");
    // A task whose call is still open tells the same by its result.
    if (toolCallId !== undefined && this.#tools.isOpen(toolCallId)) return { raw: line };
    this.#runs.news();
    const message = stringField(line, "summary");
    if (message === undefined || message === "") return { raw: line };
    const level = stringField(line, "status") === "failed" ? "warning" : "info";
    return this.#runs.spoken([{ type: "agent.notice", level, message }], line);
  }

  #result(line: JsonObject): Step {
    if (!this.#isReady) return this.#resultBeforeReady(line);
    const ended = this.#runs.ended();
    if (ended.type === "part") return { raw: line };
    // What a background run has cost goes to the next turn that is settled.
    if (ended.type === "background") return { raw: line, events: ended.events, background: true };
    const events = this.#turnEnd(line, ended.turn);
    return this.#mode === "turn" ? { raw: line, events, closeStdin: true } : { raw: line, events };
  }

  #turnEnd(line: JsonObject, { isInterrupting, apiError }: Turn): readonly AgentEventBody[] {
    const usage = this.#usage.settle(line);
    const { requests } = this.#usage;
    const { refusedAnswer } = this.#tools;
    return [
      ...(usage.contextWindow === undefined ? [] : [{ type: "usage.updated", ...usage } as const]),
      ...turnEnd(line, { isInterrupting, apiError, refusedAnswer, usage, requests }),
    ];
  }

  #resultBeforeReady(line: JsonObject): Step {
    const step = refusedStart(line, this.#resume);
    this.#isResumeLost = step.resumeLost === true;
    return { raw: line, ...step };
  }

  #controlRequest(line: JsonObject): Step {
    const requestId = stringField(line, "request_id") ?? "";
    const request = objectField(line, "request");
    switch (request["subtype"]) {
      case "hook_callback":
        if (request["callback_id"] !== hookCallbackId) break;
        return this.#deskStep(this.#desk.hook(requestId, request), line);
      case "can_use_tool": {
        const toolCallId = stringField(request, "tool_use_id");
        if (toolCallId !== undefined) this.#tools.asked(toolCallId);
        return this.#deskStep(this.#desk.canUseTool(requestId, request), line);
      }
      case "elicitation":
        // Hosts are not asked for form data of MCP servers; without an answer the server's call would hang.
        return { raw: line, write: [responseLine(requestId, { action: "decline" })] };
      default:
    }
    const step = this.#runs.told([{ type: "agent.unknown", raw: line }], line);
    return { ...step, write: [errorResponseLine(requestId, "This client cannot do that.")] };
  }

  #controlResponse(line: JsonObject): Step {
    const response = objectField(line, "response");
    const requestId = stringField(response, "request_id") ?? "";
    const isError = stringField(response, "subtype") === "error";
    const error = isError ? (stringField(response, "error") ?? "Claude Code refused it.") : undefined;
    if (requestId === initializeId && !this.#isReady) {
      if (error !== undefined) {
        return { raw: line, startError: { code: "protocol_error", message: error, retryable: false } };
      }
      this.#isReady = true;
      this.#models = new ModelList(objectField(response, "response"));
      return { raw: line, ready: true };
    }
    // The CLI also repeats the answers that were written to it.
    const purpose = this.#requests.answered(requestId);
    if (purpose === undefined) return { raw: line };
    if (purpose === "servers") return this.#serversTold(objectField(response, "response"));
    const { id } = purpose;
    if (error !== undefined) return { raw: line, responses: [{ id, error }] };
    const events = listOf(purpose.type === "set_model" ? this.#facts.setModel(purpose.model) : undefined);
    return { raw: line, events, responses: [{ id }] };
  }

  /** The answer is not shown as it is: it holds the servers' settings, and with them secrets. */
  #serversTold(response: JsonObject): Step {
    const { event, askAgainMs } = this.#servers.answered(response);
    const step = this.#runs.told(listOf(event), undefined);
    return askAgainMs === undefined ? step : { ...step, wakeAfterMs: askAgainMs };
  }

  #withdraw(line: JsonObject): Step {
    const requestId = stringField(line, "request_id") ?? "";
    const isInterrupting = this.#runs.turn?.isInterrupting === true;
    return this.#deskStep(this.#desk.withdraw(requestId, isInterrupting), line);
  }

  #deskStep(step: DeskStep, raw: unknown): Step {
    if (step.deniedToolCallId !== undefined) this.#tools.deny(step.deniedToolCallId);
    return {
      ...(step.event === undefined ? {} : this.#runs.spoken([step.event], raw)),
      ...(raw === undefined ? {} : { raw }),
      ...(step.write === undefined ? {} : { write: [step.write] }),
    };
  }
}

function listOf(event: AgentEventBody | undefined): readonly AgentEventBody[] {
  return event === undefined ? [] : [event];
}
