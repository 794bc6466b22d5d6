import {
  exitedFailure,
  isJsonObject,
  parseJson,
  stringField,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostAnswer,
  type HostRequest,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type TurnErrorInfo,
  type TurnInput,
  unparsedLine,
} from "../../src/kit.ts";
import { Bridge } from "./bridge/bridge.ts";
import { isSessionMissing, namedFailure, quietExit } from "./failures.ts";
import type { ModelNames } from "./models.ts";

/** Lines of `opencode run --format json`: the plugin tells the same, and earlier. */
const ownTypes: ReadonlySet<string> = new Set(["step_start", "text", "reasoning", "tool_use", "step_finish"]);

const notArmed: TurnErrorInfo = {
  code: "agent_error",
  message:
    "OpenCode ran without the library's plugin, so that nothing held its tools back and nothing of the turn was told. Use the version that the library was tested with, without --pure and OPENCODE_PURE.",
  retryable: false,
};

/** Reads the lines of `opencode run`: one process for each turn, which ends with the turn. */
export class RunProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #models: ModelNames;
  readonly #bridge: Bridge;
  #model: string | undefined;
  #resume: NativeSession | undefined;
  #processes = 0;
  #isRunning = false;
  #isIdle = false;
  #toldSessionId: string | undefined;
  /** An error that `run` itself tells, for one that the plugin did not see. */
  #failure: TurnErrorInfo | undefined;

  constructor(input: ProtocolInput, models: ModelNames) {
    this.#input = input;
    this.#models = models;
    this.#model = input.model;
    this.#bridge = new Bridge(input, { tellsCost: models.isPriced });
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#processes += 1;
    this.#resume = start.resume;
    this.#isRunning = false;
    this.#isIdle = false;
    this.#toldSessionId = undefined;
    this.#failure = undefined;
    this.#bridge.startProcess();
    return { ready: true };
  }

  prompt(turn: TurnInput): Step {
    this.#isRunning = true;
    this.#bridge.reader.beginTurn();
    const text = turn.content.flatMap((part) => (part.type === "text" ? part.text : [])).join("\n\n");
    // OpenCode reads the prompt to the end of its input; what is no text comes by argument.
    return { write: [text], closeStdin: true };
  }

  push(line: string): Step {
    const message = parseJson(line);
    const step = this.#bridge.receive(message, this.#isRunning);
    if (step !== undefined) {
      if (isIdle(message, this.#bridge.reader.mainSessionId)) this.#isIdle = true;
      return this.#withSession(step);
    }
    const type = stringField(message, "type") ?? stringField(message, "method");
    if (!isJsonObject(message) || type === undefined) return this.#placed(unparsedLine(line), message);
    if (type === "error") this.#failure = namedFailure(message["error"]) ?? this.#failure;
    else if (!ownTypes.has(type)) return this.#placed({ type: "agent.unknown", raw: message }, message);
    return { raw: message };
  }

  reply(answer: HostAnswer): Step {
    return this.#bridge.reply(answer);
  }

  interrupt(): Step {
    // Nothing can be said to it: the core ends it by a signal.
    this.#bridge.reader.isInterrupting = true;
    return {};
  }

  request(request: HostRequest): Step {
    if (request.type === "set_model") {
      this.#model = request.model;
      return { responses: [{ id: request.id }] };
    }
    return { responses: [{ id: request.id, error: "opencode run takes no message while a turn runs." }] };
  }

  tick(): Step {
    return {};
  }

  end(exit: AgentExit): Step {
    if (!this.#isRunning) return {};
    this.#isRunning = false;
    const quiet = quietExit(exit);
    if (this.#resume !== undefined && this.#toldSessionId === undefined && isSessionMissing(quiet.stderr)) {
      return { resumeLost: true, events: [{ type: "turn.failed", error: exitedFailure("OpenCode", quiet) }] };
    }
    const { reader } = this.#bridge;
    const { usage, costUsd } = reader.figures;
    const spent = {
      ...(usage === undefined ? {} : { usage }),
      ...(costUsd === undefined ? {} : { costUsd }),
    };
    if (reader.isInterrupting) return { events: [{ type: "turn.interrupted", by: "host", ...spent }] };
    const error = this.#errorOf(quiet);
    if (error !== undefined) return { events: [{ type: "turn.failed", error, ...spent }] };
    return { events: [{ type: "turn.completed", stopReason: reader.stopReason, ...reader.figures }] };
  }

  #errorOf(exit: AgentExit): TurnErrorInfo | undefined {
    const failure = this.#bridge.reader.failure ?? this.#failure;
    if (failure !== undefined) return failure;
    if (this.#isIdle && exit.code === 0) return undefined;
    return exit.code === 0 && !this.#bridge.isArmed ? notArmed : exitedFailure("OpenCode", exit);
  }

  /** Tells of the session with the first line that names it. */
  #withSession(step: Step): Step {
    const nativeSessionId = this.#bridge.reader.mainSessionId;
    if (nativeSessionId === undefined || this.#toldSessionId === nativeSessionId) return step;
    this.#toldSessionId = nativeSessionId;
    const isKnown = this.#processes > 1 && this.#resume?.fork === false;
    if (isKnown) return { ...step, nativeSessionId };
    const started: AgentEventBody = {
      type: "session.started",
      agent: "opencode",
      ...(this.#model === undefined ? {} : { model: this.#models.told(this.#model) }),
      nativeSessionId,
      cwd: this.#input.cwd,
      resumed: this.#resume !== undefined,
    };
    return { ...step, nativeSessionId, events: [started, ...(step.events ?? [])] };
  }

  #placed(event: AgentEventBody, raw: unknown): Step {
    return { raw, events: [event], ...(this.#isRunning ? {} : { background: true }) };
  }
}

function isIdle(message: unknown, sessionId: string | undefined): boolean {
  const params = isJsonObject(message) ? message["params"] : undefined;
  const properties = isJsonObject(params) ? params["properties"] : undefined;
  return stringField(params, "type") === "session.idle" && stringField(properties, "sessionID") === sessionId;
}
