import {
  booleanField,
  exitedFailure,
  exitFacts,
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
  type ToolStatus,
  type TurnInput,
  unparsedLine,
  StepBuilder,
} from "../../../src/kit.ts";
import { startFailure } from "../events/failures.ts";
import { SessionEvents } from "../events/session-events.ts";
import { isUsageReport, SessionTotals } from "./usage-report.ts";

/**
 * Reads the lines of `copilot --output-format json`: one process for each turn. The turn ends with its process, since
 * what it has used is told last.
 */
export class TurnProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #events: SessionEvents;
  readonly #totals = new SessionTotals();
  #model: string | undefined;
  #resume: NativeSession | undefined;
  #isStarted = false;
  #isRunning = false;
  #isInterrupting = false;
  /** How the agent came to have nothing to do any more. One that is told to stop at times does not tell. */
  #idle: "done" | "aborted" | undefined;
  /** The process came so far as to tell of its session. */
  #hasSpoken = false;
  /** Of the CLI's last line, if it came to that. */
  #exitCode: number | undefined;
  #report: unknown;
  #toldNativeSessionId: string | undefined;

  constructor(input: ProtocolInput) {
    this.#input = input;
    this.#model = input.model;
    this.#events = new SessionEvents(input);
  }

  open(start: { readonly resume?: NativeSession }): Step {
    const { resume } = start;
    if (resume === undefined) this.#totals.startSession();
    // An id that this session has told is its own: the totals go on.
    else if (resume.nativeSessionId !== this.#toldNativeSessionId) this.#totals.resumeSession();
    this.#resume = resume;
    this.#isRunning = false;
    this.#isInterrupting = false;
    this.#idle = undefined;
    this.#exitCode = undefined;
    this.#hasSpoken = false;
    this.#report = undefined;
    this.#events.endProcess();
    return { ready: true };
  }

  prompt(turn: TurnInput): Step {
    this.#isRunning = true;
    const text = turn.content.map((part) => (part.type === "text" ? part.text : "")).join("\n\n");
    return { write: [text], closeStdin: true };
  }

  push(line: string): Step {
    const message = parseJson(line);
    const step = new StepBuilder();
    step.raw = message;
    step.background = !this.#isRunning;
    if (!isJsonObject(message)) step.events.push(unparsedLine(line));
    else if (isUsageReport(message)) this.#reported(message);
    else if (message["type"] === "result") this.#result(message, step);
    else {
      this.#hasSpoken = true;
      step.events.push(...this.#started(), ...this.#read(message));
    }
    return step.build();
  }

  reply(): Step {
    return {};
  }

  interrupt(): Step {
    this.#isInterrupting = true;
    return {};
  }

  request(request: HostRequest): Step {
    if (request.type === "set_model") {
      this.#model = request.model;
      return { responses: [{ id: request.id }] };
    }
    return { responses: [{ id: request.id, error: "Copilot takes no message while a turn runs." }] };
  }

  tick(): Step {
    return {};
  }

  end(exit: AgentExit): Step {
    if (!this.#isRunning) return {};
    this.#isRunning = false;
    const step = new StepBuilder();
    step.events.push(...this.#ended(exit));
    if (this.#resume !== undefined && isSessionMissing(exit)) step.resumeLost = true;
    this.#events.endProcess();
    return step.build();
  }

  /** The first thing a process says is what its session had used before. */
  #reported(report: JsonObject): void {
    if (this.#hasSpoken) this.#report = report;
    else this.#totals.start(report);
  }

  #read(message: JsonObject): AgentEventBody[] {
    switch (message["type"]) {
      case "assistant.idle":
        this.#idle = booleanField(message["data"], "aborted") === true ? "aborted" : "done";
        return [];
      // Nobody could answer it, and it is denied.
      case "permission.requested":
      case "session.todos_changed":
        return [];
      default: {
        const events = this.#events.read(message);
        if (this.#isInterrupting) return events.map(withStatus("interrupted"));
        // Where no tool is offered, the CLI says of one that is called all the same that it does not exist.
        return this.#input.permissions === "deny-all" ? events.map(withStatus("denied")) : events;
      }
    }
  }

  #started(): AgentEventBody[] {
    if (this.#isStarted) return [];
    this.#isStarted = true;
    return [
      {
        type: "session.started",
        agent: "copilot",
        ...(this.#model === undefined ? {} : { model: this.#model }),
        cwd: this.#input.cwd,
        resumed: this.#resume !== undefined,
      },
    ];
  }

  #result(message: JsonObject, step: StepBuilder): void {
    this.#exitCode = numberField(message, "exitCode");
    const sessionId = stringField(message, "sessionId");
    if (sessionId === undefined) return;
    step.nativeSessionId = sessionId;
    if (sessionId === this.#toldNativeSessionId) return;
    this.#toldNativeSessionId = sessionId;
    step.events.push({ type: "session.updated", nativeSessionId: sessionId });
  }

  #ended(exit: AgentExit): AgentEventBody[] {
    const used = this.#report === undefined ? undefined : this.#totals.settle(this.#report);
    const usage = used === undefined ? {} : { usage: used.usage };
    if (this.#idle === "aborted" || (this.#isInterrupting && this.#idle !== "done")) {
      return [{ type: "turn.interrupted", by: this.#isInterrupting ? "host" : "agent", ...usage }];
    }
    const { failure } = this.#events;
    if (failure !== undefined) return [{ type: "turn.failed", error: failure, ...usage }];
    if (this.#exitCode === undefined) {
      const error = (this.#hasSpoken ? undefined : startFailure(exit)) ?? exitedFailure("Copilot", exit);
      return [{ type: "turn.failed", error, ...usage }];
    }
    if (this.#exitCode !== 0) {
      const message = `Copilot failed with exit code ${String(this.#exitCode)} and gave no reason.`;
      const error = { code: "agent_error", message, retryable: false, ...exitFacts(exit) } as const;
      return [{ type: "turn.failed", error, ...usage }];
    }
    return [...this.#unknownUsage(used === undefined), this.#completed(used)];
  }

  #completed(used: ReturnType<SessionTotals["settle"]>): AgentEventBody {
    return {
      type: "turn.completed",
      stopReason: this.#events.stopReason,
      ...(used === undefined ? {} : { usage: used.usage, numTurns: used.requests }),
    };
  }

  #unknownUsage(isUnknown: boolean): AgentEventBody[] {
    if (!isUnknown) return [];
    const message =
      "The usage of this turn is not known: Copilot tells only that of the whole resumed session.";
    return [{ type: "agent.notice", level: "info", message }];
  }
}

/** Gives tool calls that have failed another status. */
function withStatus(status: ToolStatus): (event: AgentEventBody) => AgentEventBody {
  return (event) =>
    event.type === "tool.completed" && event.status === "error" ? { ...event, status } : event;
}

function isSessionMissing({ code, stderr }: AgentExit): boolean {
  return code === 1 && /No session, task, or name matched|session not found/i.test(stderr);
}
