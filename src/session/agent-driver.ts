import type { Redactor } from "../errors/redactor.ts";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { abortable, deferred, settlesWithin, type Deferred } from "../kit/deferred.ts";
import type { EventLog } from "../log/event-log.ts";
import type {
  AgentBackend,
  AgentSessionInput,
  HostAnswer,
  HostRequest,
  ModelInfo,
  NativeSession,
  TurnInput,
} from "../spec/backend.ts";
import type { AgentEventBody } from "../spec/events.ts";
import type { Environment, Sandbox } from "../spec/sandbox.ts";
import { AgentProcess, type AgentProcessEnd } from "./agent-process.ts";
import { agentError } from "./pending-requests.ts";
import { ProtocolRunner } from "./protocol-runner.ts";
import { spawnAgent } from "./spawn-agent.ts";
import { stopTurn } from "./stop-turn.ts";
import { agentExited, errorInfoOf, startFailure } from "./turn-errors.ts";
import type { InterruptedBy, TurnLedger } from "./turn-ledger.ts";
import type { PromptEnd } from "./turn-review.ts";

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

/** Decides what becomes of a held turn: the next thing to prompt, or nothing when it is over. */
export type ReviewPrompt = (
  end: PromptEnd,
  turn: TurnInput,
  signal: AbortSignal,
) => Promise<TurnInput | undefined>;

/** How long a CLI may take from its start until it can be prompted. */
const startTimeoutMs = 60_000;
/** How long a CLI may take to end by itself when its input is closed. */
const closeGraceMs = 2_000;
/** By then a CLI has started the command of a call. */
const callStartMs = 2_000;

/**
 * Runs the CLI of one session: starts processes, feeds the protocol with their lines, carries out its steps. It knows
 * of one turn at a time; queueing them is the session's part.
 */
export class AgentDriver {
  readonly #options: AgentDriverOptions;
  readonly #runner: ProtocolRunner;
  readonly #ledger: TurnLedger;
  #model: string | undefined;
  /** Settles when the running turn has ended or is held, or has to be sent again to a fresh session. */
  #outcome: Deferred<PromptEnd | undefined> = deferred();
  #turnEnded: Deferred<undefined> = deferred();
  /** Settles when the agent knows of the running turn, or the turn has ended. */
  #prompted: Deferred<undefined> = deferred();
  #launchAbort: AbortController | undefined;
  readonly #closed = new AbortController();
  readonly #processEnded: Deferred<undefined> = deferred();
  #stopping: Promise<void> | undefined;
  /** Settles when what the last process left running is gone, too. */
  #cleared: Promise<void> = Promise.resolve();
  #lastActivityAt = 0;

  constructor(options: AgentDriverOptions) {
    const { backend, input, model, resume, includeRaw, ledger, redactor, onEvent } = options;
    this.#options = options;
    this.#ledger = ledger;
    this.#model = model;
    this.#runner = new ProtocolRunner({
      ...{ resume, includeRaw, ledger, redactor, onEvent },
      protocol: backend.protocol({ ...input, ...(model === undefined ? {} : { model }) }),
      agent: backend.name,
      onResumeLost: () => {
        this.#outcome.resolve(undefined);
      },
    });
  }

  get model(): string | undefined {
    return this.#model;
  }

  /** The id that the CLI itself gave for its session. */
  get nativeSessionId(): string | undefined {
    return this.#runner.nativeSessionId;
  }

  /** Resolves when a process of the agent has ended for the first time. */
  get processEnded(): Promise<void> {
    return this.#processEnded.promise;
  }

  /** `performance.now()` of the last sign of life in either direction. */
  get lastActivityAt(): number {
    return Math.max(this.#lastActivityAt, this.#runner.process?.lastOutputAt ?? 0);
  }

  /** Starts the long-lived process ahead of the first turn, so that what is wrong with it shows at once. */
  async start(signal: AbortSignal | undefined): Promise<void> {
    if (this.#options.backend.mode === "session") await this.#ensureProcess(undefined, signal);
  }

  /** Runs a turn that the ledger has begun. Resolves when it has ended; never rejects. */
  async run(turn: TurnInput, review: ReviewPrompt): Promise<void> {
    try {
      if (this.#isRunning(turn)) await this.#converse(turn, review);
    } catch (error) {
      this.#ledger.fail(errorInfoOf(error), error);
    }
  }

  /** Tidies up after a turn, whether or not it came to `run`. Resolves when the next one may begin. */
  async settled(): Promise<void> {
    this.#runner.isPrompted = false;
    this.#launchAbort = undefined;
    await this.#stopping;
    this.#options.log.liftPressure(false);
    if (this.#options.backend.mode === "turn") await this.#endProcess();
  }

  /** To be called when the ledger holds the running turn. */
  turnHeld(end: PromptEnd): void {
    this.#runner.isPrompted = false;
    this.#outcome.resolve(end);
  }

  /** To be called when the ledger has logged a terminal event. */
  turnEnded(): void {
    for (const waiting of [this.#turnEnded, this.#outcome, this.#prompted]) waiting.resolve(undefined);
    this.#turnEnded = deferred();
    this.#prompted = deferred();
  }

  /** Stops the running turn: by the protocol, then by harder and harder signals. Resolves when it has ended. */
  async interrupt(by: InterruptedBy): Promise<void> {
    this.#ledger.interruptRequested(by);
    if (this.#ledger.turnId === undefined) return;
    if (this.#stopping === undefined) {
      // Set before anything happens: what stopping causes may ask for it again.
      const stopped = deferred<undefined>();
      this.#stopping = stopped.promise;
      void this.#stop().finally(() => {
        this.#stopping = undefined;
        stopped.resolve(undefined);
      });
    }
    await this.#stopping;
  }

  reply(answer: HostAnswer): void {
    this.#touch();
    this.#runner.attempt((protocol) => protocol.reply(answer));
  }

  /** Has the CLI use another model: a running one is told, and the next one is started with it. */
  async setModel(request: Extract<HostRequest, { type: "set_model" }>): Promise<void> {
    if (this.#options.backend.mode === "session" && this.#runner.process !== undefined) {
      await settlesWithin(this.#runner.ready, startTimeoutMs);
      await this.#runner.ask(request);
    }
    this.#model = request.model;
  }

  /** Asks the CLI which models it offers, starting its process where none is running. */
  async listModels(request: Extract<HostRequest, { type: "list_models" }>): Promise<readonly ModelInfo[]> {
    await this.#ensureProcess(undefined, undefined);
    try {
      return (await this.#runner.ask(request)).models ?? [];
    } finally {
      if (this.#options.backend.mode === "turn" && this.#ledger.turnId === undefined)
        await this.#endProcess();
    }
  }

  /** Gives a message to the turn as soon as the agent knows of it. */
  async steer(turnId: string, request: Extract<HostRequest, { type: "steer" }>): Promise<void> {
    if (this.#ledger.turnId === turnId && !this.#runner.isPrompted) await this.#prompted.promise;
    if (this.#ledger.turnId !== turnId || this.#runner.process === undefined) {
      throw agentError("The turn ended before the message could be given to the agent.");
    }
    await this.#runner.ask(request);
  }

  /** Ends the CLI and everything it started in the sandbox; no other is started any more. */
  async close(): Promise<void> {
    this.#forbidLaunches();
    await this.#endProcess();
  }

  /** For a sandbox that is being destroyed: waits until the process is seen to be gone. */
  async abandoned(): Promise<void> {
    this.#forbidLaunches();
    if (this.#runner.process !== undefined) await this.#seeOff(this.#runner.process);
    this.#runner.stopTicking();
  }

  #forbidLaunches(): void {
    const { sessionId } = this.#options.input;
    const message = `The session ${sessionId} was closed.`;
    const error = new SandboxAgentError("session_closed", message, { details: { sessionId } });
    this.#closed.abort(error);
    this.#launchAbort?.abort(error);
  }

  #isRunning(turn: TurnInput): boolean {
    return this.#ledger.turnId === turn.turnId;
  }

  /**
   * Prompts the agent and waits for the end of the turn; again, where a session to resume turns out to be lost, or the
   * review of what came wants it.
   */
  async #converse(turn: TurnInput, review: ReviewPrompt): Promise<void> {
    this.#touch();
    this.#launchAbort = new AbortController();
    const { signal } = this.#launchAbort;
    for (let next = turn; ;) {
      await this.#ensureProcess(next, signal);
      if (!this.#isRunning(turn)) return;
      this.#outcome = deferred();
      this.#runner.isPrompted = true;
      this.#prompted.resolve(undefined);
      this.#ledger.goOn();
      this.#runner.attempt((protocol) => protocol.prompt(next));
      const held = await this.#outcome.promise;
      if (!this.#isRunning(turn)) return;
      this.#runner.isPrompted = false;
      if (held === undefined) {
        if (!this.#runner.isResumeLost) return;
        continue;
      }
      if (this.#options.backend.mode === "turn") await this.#endProcess();
      const again = await abortable(review(held, next, signal), signal);
      if (again === undefined || !this.#isRunning(turn)) return;
      next = again;
    }
  }

  async #endProcess(): Promise<void> {
    this.#runner.stopTicking();
    const process = this.#runner.process;
    if (process !== undefined) {
      process.release();
      process.closeStdin();
      if (!(await settlesWithin(process.ended, closeGraceMs))) {
        await process.kill("SIGTERM");
        if (!(await settlesWithin(process.ended, closeGraceMs))) {
          await process.kill("SIGKILL");
          await this.#seeOff(process);
        }
      }
    }
    await this.#cleared;
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
    if (!this.#runner.isPrompted) {
      const message = "Interrupted before the agent was asked.";
      this.#ledger.fail({ code: "turn_interrupted", message, retryable: true });
      this.#launchAbort?.abort(new DOMException("The turn was interrupted.", "AbortError"));
      return;
    }
    const process = this.#runner.process;
    const ended = this.#turnEnded.promise;
    const mayStartCall =
      this.#options.backend.startsStoppedCalls === true && this.#ledger.hasCallYoungerThan(callStartMs);
    const step = this.#runner.attempt((protocol) => protocol.interrupt());
    const isAsked = (step?.write?.length ?? 0) > 0 || step?.closeStdin === true;
    const stoppedBy = await stopTurn(ended, isAsked ? 5_000 : 0, process);
    if (stoppedBy === "protocol") {
      if (mayStartCall) await this.#endProcess();
      return;
    }
    // A signal ends the process, if not at once: the next turn may not begin in it.
    if (stoppedBy === "signal") await this.#endProcess();
    else if (process !== undefined) await this.#seeOff(process);
    const message = "The agent could not be stopped.";
    this.#ledger.fail({ code: "agent_error", message, retryable: false });
  }

  async #ensureProcess(turn: TurnInput | undefined, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      if (this.#runner.isResumeLost) await this.#forgetResume();
      if (this.#runner.process !== undefined) return;
      await this.#launch(turn, signal);
      if (!this.#runner.isResumeLost) return;
    }
  }

  /** Starts a process and waits until it can be prompted; leaves none behind when that fails. */
  async #launch(turn: TurnInput | undefined, given: AbortSignal | undefined): Promise<void> {
    const signal = AbortSignal.any([this.#closed.signal, ...(given === undefined ? [] : [given])]);
    await this.#cleared;
    const { resume } = this.#runner;
    const { log, redactor } = this.#options;
    const spawned = await spawnAgent(this.#options, { model: this.#model, resume, turn, signal });
    const process: AgentProcess = new AgentProcess(
      spawned,
      {
        lines: (lines, bytes) => {
          if (this.#runner.process === process) this.#runner.push(lines, bytes);
        },
        pressure: () => log.pressure,
        ended: (end) => {
          this.#over(process, end);
        },
      },
      redactor,
    );
    this.#runner.open(process);
    try {
      await this.#untilReady(signal);
    } catch (error) {
      await process.kill("SIGKILL");
      await this.#seeOff(process);
      throw error;
    }
  }

  async #untilReady(signal: AbortSignal): Promise<void> {
    const ready = abortable(this.#runner.ready, signal);
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
    const lost = this.#runner.resume?.nativeSessionId ?? "";
    const process = this.#runner.process;
    if (process !== undefined) {
      await process.kill("SIGKILL");
      await this.#seeOff(process);
    }
    this.#runner.forgetResume();
    const message = `The agent has no session ${lost} to resume; a fresh one was started.`;
    this.#ledger.accept({ type: "agent.notice", level: "warning", message });
  }

  #over(process: AgentProcess, end: AgentProcessEnd): void {
    const runner = this.#runner;
    if (runner.process !== process) return;
    this.#processEnded.resolve(undefined);
    // However it ended: what it left running in the background ends with it.
    this.#cleared = process.kill("SIGKILL");
    const { exit, lost, stderr } = end;
    const info = exit === undefined ? errorInfoOf(lost) : agentExited(exit, stderr);
    runner.end(end, () => {
      const message = "The agent ended before it was ready.";
      const failure = runner.startError ?? { ...info, code: "session_start_failed", message };
      return exit === undefined ? lost : startFailure(this.#options.backend.name, failure);
    });
    if (runner.isPrompted && !runner.isResumeLost) this.#ledger.agentFailed(info, lost);
  }

  #touch(): void {
    this.#lastActivityAt = performance.now();
  }
}
