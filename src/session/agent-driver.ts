import { errorText } from "../errors/error-text.ts";
import type { Redactor } from "../errors/redactor.ts";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { abortable, deferred, settlesWithin, type Deferred } from "../kit/deferred.ts";
import type { DecodedLine } from "../lines/line-decoder.ts";
import type { EventLog } from "../log/event-log.ts";
import type {
  AgentBackend,
  AgentProtocol,
  AgentSessionInput,
  HostAnswer,
  HostRequest,
  NativeSession,
  Step,
  TurnInput,
} from "../spec/backend.ts";
import { type AgentEventBody, terminalEventTypes, type TurnErrorInfo } from "../spec/events.ts";
import type { Environment, Sandbox } from "../spec/sandbox.ts";
import { AgentProcess, type AgentProcessEnd } from "./agent-process.ts";
import { agentExited, errorInfoOf, startFailure } from "./turn-errors.ts";
import { agentError, PendingRequests } from "./pending-requests.ts";
import { spawnAgent } from "./spawn-agent.ts";
import { stopTurn } from "./stop-turn.ts";
import type { InterruptedBy, TurnLedger } from "./turn-ledger.ts";

export interface AgentDriverOptions {
  readonly backend: AgentBackend;
  readonly sandbox: Sandbox;
  readonly input: AgentSessionInput;
  readonly executable: string;
  readonly env: Environment;
  readonly model: string | undefined;
  readonly resume: NativeSession | undefined;
  readonly includeRaw: boolean;
  readonly log: EventLog;
  readonly ledger: TurnLedger;
  readonly redactor: Redactor;
  /** Called for each event of the backend, after it was logged. */
  readonly onEvent: (body: AgentEventBody) => void;
}

/** How long a CLI may take from its start until it can be prompted. */
const startTimeoutMs = 60_000;
/** How long a CLI may take to end by itself when its input is closed. */
const closeGraceMs = 2_000;

const terminalTypes: ReadonlySet<string> = new Set(terminalEventTypes);

/**
 * Runs the CLI of one session: starts processes, feeds the protocol with their lines, carries out its steps. It knows
 * of one turn at a time; queueing them is the session's part.
 */
export class AgentDriver {
  readonly #options: AgentDriverOptions;
  readonly #protocol: AgentProtocol;
  readonly #ledger: TurnLedger;
  /** The process that speaks with the protocol. One that was given up is never heard again. */
  #process: AgentProcess | undefined;
  #model: string | undefined;
  /** The session a new process takes up. */
  #resume: NativeSession | undefined;
  #nativeSessionId: string | undefined;
  #ready: Deferred<undefined> = deferred();
  #startError: TurnErrorInfo | undefined;
  /** Whether the process was started to take up a session, which it may then not find. */
  #isResuming = false;
  #isResumeLost = false;
  /** Settles when the running turn has ended, or has to be sent again to a fresh session. */
  #outcome: Deferred<undefined> = deferred();
  #turnEnded: Deferred<undefined> = deferred();
  /** Settles when the agent knows of the running turn, or the turn has ended. */
  #prompted: Deferred<undefined> = deferred();
  #isPrompted = false;
  #launchAbort: AbortController | undefined;
  readonly #closed = new AbortController();
  #stopping: Promise<void> | undefined;
  #tick: NodeJS.Timeout | undefined;
  #lastActivityAt = 0;
  readonly #requests = new PendingRequests();

  constructor(options: AgentDriverOptions) {
    this.#options = options;
    this.#ledger = options.ledger;
    this.#model = options.model;
    this.#resume = options.resume;
    const { model } = this;
    this.#protocol = options.backend.protocol({
      ...options.input,
      ...(model === undefined ? {} : { model }),
    });
  }

  get model(): string | undefined {
    return this.#model;
  }

  /** The id that the CLI itself gave for its session. */
  get nativeSessionId(): string | undefined {
    return this.#nativeSessionId;
  }

  /** `performance.now()` of the last sign of life in either direction. */
  get lastActivityAt(): number {
    return Math.max(this.#lastActivityAt, this.#process?.lastOutputAt ?? 0);
  }

  /** Starts the long-lived process ahead of the first turn, so that what is wrong with it shows at once. */
  async start(signal: AbortSignal | undefined): Promise<void> {
    if (this.#options.backend.mode === "session") await this.#ensureProcess(undefined, signal);
  }

  /** Runs a turn that the ledger has begun. Resolves when it has ended; never rejects. */
  async run(turn: TurnInput): Promise<void> {
    try {
      if (this.#isRunning(turn)) await this.#converse(turn);
    } catch (error) {
      this.#ledger.fail(errorInfoOf(error), error);
    }
  }

  /** Tidies up after a turn, whether or not it came to `run`. Resolves when the next one may begin. */
  async settled(): Promise<void> {
    this.#isPrompted = false;
    this.#launchAbort = undefined;
    await this.#stopping;
    this.#options.log.liftPressure(false);
    if (this.#options.backend.mode === "turn") await this.#endProcess();
  }

  /** To be called when the ledger has logged a terminal event. */
  turnEnded(): void {
    for (const waiting of [this.#turnEnded, this.#outcome, this.#prompted]) waiting.resolve(undefined);
    this.#turnEnded = deferred();
    this.#prompted = deferred();
  }

  /** Stops the running turn: by the protocol, then by harder and harder signals. Resolves when it has ended. */
  interrupt(by: InterruptedBy): Promise<void> {
    this.#ledger.interruptRequested(by);
    if (this.#ledger.turnId === undefined) return Promise.resolve();
    if (this.#stopping === undefined) {
      // Set before anything happens: what stopping causes may ask for it again.
      const stopped = deferred<undefined>();
      this.#stopping = stopped.promise;
      void this.#stop().finally(() => {
        this.#stopping = undefined;
        stopped.resolve(undefined);
      });
    }
    return this.#stopping;
  }

  reply(answer: HostAnswer): void {
    this.#touch();
    this.#attempt(() => this.#protocol.reply(answer));
  }

  /** Has the CLI use another model: a running one is told, and the next one is started with it. */
  async setModel(request: Extract<HostRequest, { type: "set_model" }>): Promise<void> {
    if (this.#options.backend.mode === "session" && this.#process !== undefined) {
      await settlesWithin(this.#ready.promise, startTimeoutMs);
      await this.#ask(request);
    }
    this.#model = request.model;
  }

  /** Gives a message to the turn as soon as the agent knows of it. */
  async steer(turnId: string, request: Extract<HostRequest, { type: "steer" }>): Promise<void> {
    if (this.#ledger.turnId === turnId && !this.#isPrompted) await this.#prompted.promise;
    if (this.#ledger.turnId !== turnId || this.#process === undefined) {
      throw agentError("The turn ended before the message could be given to the agent.");
    }
    await this.#ask(request);
  }

  /** Ends the CLI and everything it started in the sandbox; no other is started any more. */
  async close(): Promise<void> {
    this.#forbidLaunches();
    await this.#endProcess();
  }

  /** For a sandbox that is being destroyed: waits until the process is seen to be gone. */
  async abandoned(): Promise<void> {
    this.#forbidLaunches();
    if (this.#process !== undefined) await this.#seeOff(this.#process);
    clearTimeout(this.#tick);
  }

  #forbidLaunches(): void {
    const { sessionId } = this.#options.input;
    const message = `The session ${sessionId} was closed.`;
    this.#closed.abort(new SandboxAgentError("session_closed", message, { details: { sessionId } }));
  }

  #isRunning(turn: TurnInput): boolean {
    return this.#ledger.turnId === turn.turnId;
  }

  /** Prompts the agent and waits for the end of the turn; again, where a session to resume turns out to be lost. */
  async #converse(turn: TurnInput): Promise<void> {
    this.#touch();
    this.#launchAbort = new AbortController();
    for (;;) {
      await this.#ensureProcess(turn, this.#launchAbort.signal);
      if (!this.#isRunning(turn)) return;
      this.#outcome = deferred();
      this.#isPrompted = true;
      this.#prompted.resolve(undefined);
      this.#attempt(() => this.#protocol.prompt(turn));
      await this.#outcome.promise;
      if (!this.#isResumeLost || !this.#isRunning(turn)) return;
      this.#isPrompted = false;
    }
  }

  async #ask(request: HostRequest): Promise<void> {
    if (this.#process === undefined || this.#protocol.request === undefined) return;
    await this.#requests.ask(request.id, () => {
      this.#attempt(() => this.#protocol.request?.(request) ?? {});
    });
  }

  async #endProcess(): Promise<void> {
    clearTimeout(this.#tick);
    const process = this.#process;
    if (process === undefined) return;
    process.release();
    process.closeStdin();
    if (!(await settlesWithin(process.ended, closeGraceMs))) {
      await process.kill("SIGTERM");
      await settlesWithin(process.ended, closeGraceMs);
    }
    // Also after a clean end: what the agent left running in the background ends with its session.
    await process.kill("SIGKILL");
    await this.#seeOff(process);
  }

  /** Waits for the end of a process that has no choice but to end, and does without it when it is not seen. */
  async #seeOff(process: AgentProcess): Promise<void> {
    process.release();
    if (await settlesWithin(process.ended, closeGraceMs)) return;
    process.discard();
    this.#over(process, {
      exit: { code: null, signal: "SIGKILL" },
      lost: undefined,
      stderr: process.stderrTail,
    });
  }

  async #stop(): Promise<void> {
    this.#options.log.liftPressure(true);
    if (!this.#isPrompted) {
      const message = "Interrupted before the agent was asked.";
      this.#ledger.fail({ code: "turn_interrupted", message, retryable: true });
      this.#launchAbort?.abort(new DOMException("The turn was interrupted.", "AbortError"));
      return;
    }
    const process = this.#process;
    const ended = this.#turnEnded.promise;
    const step = this.#attempt(() => this.#protocol.interrupt());
    const isAsked = (step?.write?.length ?? 0) > 0 || step?.closeStdin === true;
    const stoppedBy = await stopTurn(ended, isAsked ? 5_000 : 0, process);
    if (stoppedBy === "protocol") return;
    if (process !== undefined && this.#process === process) {
      // A signal ends the process, if not at once: the next turn may not begin in it.
      await (stoppedBy === "signal" ? this.#endProcess() : this.#seeOff(process));
    }
    const message = "The agent could not be stopped.";
    this.#ledger.fail({ code: "agent_error", message, retryable: false });
  }

  async #ensureProcess(turn: TurnInput | undefined, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      if (this.#isResumeLost) await this.#forgetResume();
      if (this.#process !== undefined) return;
      await this.#launch(turn, signal);
      if (!this.#isResumeLost) return;
    }
  }

  /** Starts a process and waits until it can be prompted; leaves none behind when that fails. */
  async #launch(turn: TurnInput | undefined, given: AbortSignal | undefined): Promise<void> {
    const signal = AbortSignal.any([this.#closed.signal, ...(given === undefined ? [] : [given])]);
    const resume = this.#resume;
    const { log, redactor } = this.#options;
    const spawned = await spawnAgent(this.#options, { model: this.#model, resume, turn, signal });
    this.#ready = deferred();
    this.#startError = undefined;
    const process: AgentProcess = new AgentProcess(
      spawned,
      {
        lines: (lines, bytes) => {
          if (this.#process === process) this.#push(lines, bytes);
        },
        pressure: () => log.pressure,
        ended: (end) => {
          this.#over(process, end);
        },
      },
      redactor,
    );
    this.#process = process;
    this.#isResuming = resume !== undefined;
    this.#attempt(() => this.#protocol.open(resume === undefined ? {} : { resume }));
    try {
      await this.#untilReady(signal);
    } catch (error) {
      await process.kill("SIGKILL");
      await this.#seeOff(process);
      throw error;
    }
  }

  async #untilReady(signal: AbortSignal): Promise<void> {
    const ready = abortable(this.#ready.promise, signal);
    if (!(await settlesWithin(ready, startTimeoutMs))) {
      throw startFailure(this.#options.backend.name, {
        code: "session_start_failed",
        message: `The agent was not ready after ${String(startTimeoutMs / 1000)} s.`,
        retryable: true,
      });
    }
    await ready;
  }

  /** The native session is not there any more: the next process starts a fresh one. */
  async #forgetResume(): Promise<void> {
    const lost = this.#resume?.nativeSessionId ?? "";
    const process = this.#process;
    if (process !== undefined) {
      await process.kill("SIGKILL");
      await this.#seeOff(process);
    }
    this.#resume = undefined;
    this.#nativeSessionId = undefined;
    this.#isResumeLost = false;
    const message = `The agent has no session ${lost} to resume; a fresh one was started.`;
    this.#ledger.accept({ type: "agent.notice", level: "warning", message });
  }

  #push(lines: readonly DecodedLine[], bytes: number): void {
    const share = lines.length === 0 ? 0 : bytes / lines.length;
    for (const line of lines) {
      try {
        if (typeof line === "string") this.#apply(this.#protocol.push(line), share);
        else {
          const { prefix, bytes: length } = line;
          this.#ledger.accept({ type: "agent.unparsed", line: prefix, bytes: length, truncated: true });
        }
      } catch (error) {
        this.#broken(error);
        return;
      }
    }
  }

  /** Carries out what the protocol wants. A protocol that throws, against its contract, may not harm the host. */
  #attempt(call: () => Step): Step | undefined {
    try {
      const step = call();
      this.#apply(step);
      return step;
    } catch (error) {
      this.#broken(error);
      return undefined;
    }
  }

  #broken(error: unknown): void {
    const { backend, redactor } = this.#options;
    const message = redactor.redact(`The adapter of ${backend.name} failed: ${errorText(error)}`);
    const info: TurnErrorInfo = { code: "protocol_error", message, retryable: false };
    this.#startError ??= info;
    if (this.#ledger.turnId === undefined) {
      this.#ledger.accept({ type: "agent.notice", level: "error", message });
    }
    this.#ledger.fail(info, error);
    // It is not known any more what the process is about.
    void this.#process?.kill("SIGKILL");
  }

  #apply(step: Step, bytes = 0): void {
    if (step.nativeSessionId !== undefined) {
      this.#nativeSessionId = step.nativeSessionId;
      this.#resume = { nativeSessionId: step.nativeSessionId, fork: false };
    }
    if (step.resumeLost === true && this.#isResuming) {
      this.#isResumeLost = true;
      this.#outcome.resolve(undefined);
      this.#ready.resolve(undefined);
    }
    if (step.startError !== undefined) this.#startError = step.startError;
    if (step.events !== undefined) {
      for (const body of step.events) this.#emit(body, step, bytes / step.events.length);
    }
    if (step.write !== undefined) this.#process?.write(step.write);
    if (step.closeStdin === true) this.#process?.closeStdin();
    if (step.wakeAfterMs !== undefined) this.#wakeAfter(step.wakeAfterMs);
    if (step.responses !== undefined) for (const response of step.responses) this.#requests.settle(response);
    if (step.ready === true) this.#ready.resolve(undefined);
  }

  #emit(body: AgentEventBody, step: Step, bytes: number): void {
    if (terminalTypes.has(body.type)) {
      // The turn is not over while it can still be sent again to a fresh session; and an end that comes before the
      // agent was asked is a late one, of the turn before.
      if (this.#isResumeLost || !this.#isPrompted) return;
    }
    const isRequest = body.type === "permission.requested" || body.type === "question.requested";
    if (isRequest && this.#ledger.isOpenRequest(body.requestId)) return;
    if (this.#options.includeRaw && step.raw !== undefined) (body as { raw?: unknown }).raw = step.raw;
    this.#ledger.accept(body, step.background, bytes);
    this.#options.onEvent(body);
  }

  #over(process: AgentProcess, { exit, lost, stderr }: AgentProcessEnd): void {
    if (this.#process !== process) return;
    clearTimeout(this.#tick);
    this.#attempt(() => {
      const step = this.#protocol.end({ code: exit?.code ?? null, signal: exit?.signal ?? null, stderr });
      if (exit !== undefined || step.events === undefined) return step;
      // The protocol knows no better than that its agent is gone; `lost` tells why.
      return { ...step, events: step.events.filter((body) => !terminalTypes.has(body.type)) };
    });
    this.#process = undefined;
    const info = exit === undefined ? errorInfoOf(lost) : agentExited(exit, stderr);
    if (this.#isPrompted && !this.#isResumeLost) this.#ledger.fail(info, lost);
    const failure = this.#startError ?? {
      ...info,
      code: "session_start_failed",
      message: "The agent ended before it was ready.",
    };
    this.#ready.reject(exit === undefined ? lost : startFailure(this.#options.backend.name, failure));
    this.#requests.abandon();
  }

  #wakeAfter(timeMs: number): void {
    clearTimeout(this.#tick);
    if (timeMs <= 0) return;
    this.#tick = setTimeout(() => {
      this.#attempt(() => this.#protocol.tick());
    }, timeMs);
  }

  #touch(): void {
    this.#lastActivityAt = performance.now();
  }
}
