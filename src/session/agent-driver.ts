import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { Redactor } from "../errors/redactor.ts";
import { abortable, deferred, settlesWithin, type Deferred } from "../kit/deferred.ts";
import type { DecodedLine } from "../lines/line-decoder.ts";
import type { EventLog } from "../log/event-log.ts";
import type {
  AgentBackend,
  AgentProtocol,
  AgentSessionInput,
  HostAnswer,
  HostRequest,
  LaunchInput,
  NativeSession,
  Step,
  TurnInput,
} from "../spec/backend.ts";
import type { AgentEventBody, TurnErrorInfo } from "../spec/events.ts";
import type { Environment, Sandbox } from "../spec/sandbox.ts";
import { AgentProcess, type AgentProcessEnd } from "./agent-process.ts";
import { agentExited, errorInfoOf, startFailure } from "./turn-errors.ts";
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

/**
 * Runs the CLI of one session: starts processes, feeds the protocol with their lines, carries out its steps. It knows
 * of one turn at a time; queueing them is the session's part.
 */
export class AgentDriver {
  readonly #options: AgentDriverOptions;
  readonly #protocol: AgentProtocol;
  readonly #ledger: TurnLedger;
  #process: AgentProcess | undefined;
  #model: string | undefined;
  /** The session a new process takes up. */
  #resume: NativeSession | undefined;
  #nativeSessionId: string | undefined;
  #ready: Deferred<void> = deferred();
  #startError: TurnErrorInfo | undefined;
  #resumeLost: Deferred<void> = deferred();
  #isResumeLost = false;
  #turnEnded: Deferred<void> = deferred();
  #launchAbort: AbortController | undefined;
  /** Whether the agent knows of the running turn. */
  #isPrompted = false;
  #stopping: Promise<void> | undefined;
  #tick: NodeJS.Timeout | undefined;
  #lastActivityAt = 0;
  readonly #requests = new Map<string, Deferred<void>>();

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

  /** Runs a turn that the ledger has begun. Resolves when it has ended and the next one may come; never rejects. */
  async run(turn: TurnInput): Promise<void> {
    if (this.#ledger.turnId !== turn.turnId) return;
    this.#turnEnded = deferred();
    this.#launchAbort = new AbortController();
    this.#touch();
    try {
      for (;;) {
        await this.#ensureProcess(turn, this.#launchAbort.signal);
        if (this.#ledger.turnId !== turn.turnId) break;
        this.#isPrompted = true;
        this.#apply(this.#protocol.prompt(turn));
        await Promise.race([this.#turnEnded.promise, this.#resumeLost.promise]);
        if (!this.#isResumeLost || this.#ledger.turnId !== turn.turnId) break;
        await this.#forgetResume();
      }
    } catch (error) {
      this.#ledger.fail(errorInfoOf(error));
    }
    this.#isPrompted = false;
    this.#launchAbort = undefined;
    await this.#stopping;
    this.#options.log.liftPressure(false);
    if (this.#options.backend.mode === "turn") await this.#endProcess();
  }

  /** To be called when the ledger has logged a terminal event. */
  turnEnded(): void {
    this.#turnEnded.resolve();
  }

  /** Stops the running turn: by the protocol, then by harder and harder signals. Resolves when it has ended. */
  interrupt(by: InterruptedBy): Promise<void> {
    this.#ledger.interruptRequested(by);
    if (this.#ledger.turnId === undefined) return Promise.resolve();
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  reply(answer: HostAnswer): void {
    this.#touch();
    this.#apply(this.#protocol.reply(answer));
  }

  /** Sends a request to the running CLI; rejects with its words if it refuses. */
  async request(request: HostRequest): Promise<void> {
    if (request.type === "set_model") this.#model = request.model;
    // Without a process there is nobody to tell: the next one is started with the new model.
    if (this.#process === undefined || this.#protocol.request === undefined) return;
    const answer = deferred<void>();
    this.#requests.set(request.id, answer);
    this.#apply(this.#protocol.request(request));
    try {
      await answer.promise;
    } finally {
      this.#requests.delete(request.id);
    }
  }

  /** Ends the CLI and everything it started in the sandbox. */
  async close(): Promise<void> {
    this.#launchAbort?.abort();
    await this.#endProcess();
  }

  /** For a sandbox that is being destroyed: waits until the process is seen to be gone. */
  async abandoned(): Promise<void> {
    this.#launchAbort?.abort();
    if (this.#process !== undefined) await settlesWithin(this.#process.ended, closeGraceMs);
    clearTimeout(this.#tick);
  }

  async #endProcess(): Promise<void> {
    clearTimeout(this.#tick);
    const process = this.#process;
    if (process === undefined) return;
    process.closeStdin();
    if (!(await settlesWithin(process.ended, closeGraceMs))) {
      await process.kill("SIGTERM");
      await settlesWithin(process.ended, closeGraceMs);
    }
    // Also after a clean end: what the agent left running in the background ends with its session.
    await process.kill("SIGKILL");
    await settlesWithin(process.ended, closeGraceMs);
  }

  async #stop(): Promise<void> {
    this.#options.log.liftPressure(true);
    if (!this.#isPrompted) {
      this.#ledger.fail({
        code: "turn_interrupted",
        message: "Interrupted before the agent was asked.",
        retryable: true,
      });
      this.#launchAbort?.abort(new DOMException("The turn was interrupted.", "AbortError"));
      return;
    }
    const process = this.#process;
    const step = this.#protocol.interrupt();
    this.#apply(step);
    const isAsked = (step.write?.length ?? 0) > 0 || step.closeStdin === true;
    await stopTurn(this.#turnEnded.promise, isAsked ? 5_000 : 0, process);
    if (this.#ledger.turnId === undefined) return;
    this.#process = this.#process === process ? undefined : this.#process;
    this.#ledger.fail({ code: "agent_error", message: "The agent could not be stopped.", retryable: false });
  }

  async #ensureProcess(turn: TurnInput | undefined, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      if (this.#process !== undefined && !this.#isResumeLost) return;
      if (this.#isResumeLost) await this.#forgetResume();
      await this.#launch(turn, signal);
      if (!this.#isResumeLost) return;
    }
  }

  /** Starts a process and waits until it can be prompted; leaves none behind when that fails. */
  async #launch(turn: TurnInput | undefined, signal: AbortSignal | undefined): Promise<void> {
    const { backend, sandbox, input, executable, env, redactor, log } = this.#options;
    signal?.throwIfAborted();
    const model = this.#model;
    const resume = this.#resume;
    const launchInput: LaunchInput = {
      ...input,
      executable,
      env,
      ...(model === undefined ? {} : { model }),
      ...(resume === undefined ? {} : { resume }),
      ...(backend.mode === "turn" && turn !== undefined ? { turn } : {}),
    };
    const launch = backend.launch(launchInput);
    for (const file of launch.files) {
      await sandbox.files.write(file.path, file.content, {
        mode: file.mode ?? 0o600,
        ...(signal && { signal }),
      });
    }
    const command = {
      argv: launch.argv,
      cwd: input.cwd,
      env: { ...env, ...launch.env },
      stdin: "pipe" as const,
    };
    const spawned = await sandbox.spawn(command, signal && { signal });
    this.#ready = deferred();
    this.#startError = undefined;
    const process: AgentProcess = new AgentProcess(
      spawned,
      {
        lines: (lines, bytes) => {
          this.#push(lines, bytes);
        },
        pressure: () => log.pressure,
        ended: (end) => {
          this.#ended(process, end);
        },
      },
      redactor,
    );
    this.#process = process;
    this.#apply(this.#protocol.open(resume === undefined ? {} : { resume }));
    await this.#waitUntilReady(process, signal);
  }

  async #waitUntilReady(process: AgentProcess, signal: AbortSignal | undefined): Promise<void> {
    try {
      const ready = Promise.race([this.#ready.promise, this.#resumeLost.promise]);
      if (!(await settlesWithin(abortable(ready, signal), startTimeoutMs))) {
        throw startFailure(this.#options.backend.name, {
          code: "session_start_failed",
          message: `The agent was not ready after ${String(startTimeoutMs / 1000)} s.`,
          retryable: true,
        });
      }
      await abortable(ready, signal);
    } catch (error) {
      await process.kill("SIGKILL");
      await settlesWithin(process.ended, closeGraceMs);
      throw error;
    }
  }

  /** The native session is not there any more: the next process starts a fresh one. */
  async #forgetResume(): Promise<void> {
    const lost = this.#resume?.nativeSessionId ?? "";
    const process = this.#process;
    if (process !== undefined) {
      await process.kill("SIGKILL");
      await settlesWithin(process.ended, closeGraceMs);
    }
    this.#process = undefined;
    this.#resume = undefined;
    this.#nativeSessionId = undefined;
    this.#isResumeLost = false;
    this.#resumeLost = deferred();
    const message = `The agent has no session ${lost} to resume; a fresh one was started.`;
    this.#ledger.accept({ type: "agent.notice", level: "warning", message });
  }

  #push(lines: readonly DecodedLine[], bytes: number): void {
    const share = lines.length === 0 ? 0 : bytes / lines.length;
    for (const line of lines) {
      if (typeof line === "string") {
        this.#apply(this.#protocol.push(line), share);
      } else {
        this.#ledger.accept({
          type: "agent.unparsed",
          line: line.prefix,
          bytes: line.bytes,
          truncated: true,
        });
      }
    }
  }

  #apply(step: Step, bytes = 0): void {
    if (step.nativeSessionId !== undefined) {
      this.#nativeSessionId = step.nativeSessionId;
      this.#resume = { nativeSessionId: step.nativeSessionId, fork: false };
    }
    if (step.resumeLost === true && this.#resume !== undefined) {
      this.#isResumeLost = true;
      this.#resumeLost.resolve();
    }
    if (step.startError !== undefined) this.#startError = step.startError;
    if (step.events !== undefined) {
      for (const body of step.events) this.#emit(body, step, bytes / step.events.length);
    }
    if (step.write !== undefined) this.#process?.write(step.write);
    if (step.closeStdin === true) this.#process?.closeStdin();
    if (step.wakeAfterMs !== undefined) this.#wakeAfter(step.wakeAfterMs);
    if (step.responses !== undefined) {
      for (const { id, error } of step.responses) {
        if (error === undefined) this.#requests.get(id)?.resolve();
        else this.#requests.get(id)?.reject(new SandboxAgentError("agent_error", error, { details: {} }));
      }
    }
    if (step.ready === true) this.#ready.resolve();
  }

  #emit(body: AgentEventBody, step: Step, bytes: number): void {
    // The turn is not over while it can still be sent again to a fresh session.
    if (this.#isResumeLost && body.type === "turn.failed") return;
    if (this.#options.includeRaw && step.raw !== undefined) (body as { raw?: unknown }).raw = step.raw;
    this.#ledger.accept(body, step.background, bytes);
    this.#options.onEvent(body);
  }

  #ended(process: AgentProcess, end: AgentProcessEnd): void {
    if (this.#process === process) {
      this.#process = undefined;
      clearTimeout(this.#tick);
    }
    const { exit, stderr } = end;
    if (exit === undefined) this.#ledger.fail(errorInfoOf(end.lost));
    this.#apply(this.#protocol.end({ code: exit?.code ?? null, signal: exit?.signal ?? null, stderr }));
    if (!this.#isResumeLost) this.#ledger.fail(agentExited(exit, stderr));
    const failure = this.#startError ?? {
      ...agentExited(exit, stderr),
      code: "session_start_failed",
      message: "The agent ended before it was ready.",
    };
    this.#ready.reject(exit === undefined ? end.lost : startFailure(this.#options.backend.name, failure));
    for (const request of this.#requests.values()) {
      request.reject(
        new SandboxAgentError("agent_exited", "The agent ended before it answered.", { details: {} }),
      );
    }
  }

  #wakeAfter(timeMs: number): void {
    clearTimeout(this.#tick);
    if (timeMs <= 0) return;
    this.#tick = setTimeout(() => {
      this.#apply(this.#protocol.tick());
    }, timeMs);
  }

  #touch(): void {
    this.#lastActivityAt = performance.now();
  }
}
