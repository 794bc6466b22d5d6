import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { settlesWithin } from "../kit/deferred.ts";
import { readerOf, type ChunkReader } from "../kit/direct-reader.ts";
import { type DecodedLine, LineDecoder } from "../lines/line-decoder.ts";
import type { ProcessExit, SandboxProcess, Signal } from "../spec/sandbox.ts";
import type { Redactor } from "../errors/redactor.ts";

export interface AgentProcessHost {
  /** Lines of standard output, in order; `bytes` is the size of the chunk they came in. */
  readonly lines: (lines: readonly DecodedLine[], bytes: number) => void;
  /** Awaited before more is read. */
  readonly pressure: () => Promise<void> | undefined;
  /** Once, after everything that was printed was handed over. */
  readonly ended: (end: AgentProcessEnd) => void;
}

export interface AgentProcessEnd {
  /** Absent when it cannot be known: the sandbox or the connection to it is gone. */
  readonly exit: ProcessExit | undefined;
  readonly lost: unknown;
  /** The last part of standard error, secrets removed. */
  readonly stderr: string;
}

const stderrTailLength = 8 * 1024;
/** After the end of the process: how long a silent pipe may stay open before what holds it is killed. */
const drainQuietMs = 500;
/** After the end of its output or its input: how long the process may take to end. */
const exitGraceMs = 5_000;
/** How long a signal may take to be delivered. */
const killTimeoutMs = 5_000;
const checkMs = 100;

const encoder = new TextEncoder();

/** One running process of an agent CLI: reads lines with back-pressure, writes lines, and notices its end for sure. */
export class AgentProcess {
  /** Resolves after `host.ended` was called. */
  readonly ended: Promise<void>;
  readonly #process: SandboxProcess;
  readonly #host: AgentProcessHost;
  readonly #redactor: Redactor;
  readonly #decoder: LineDecoder;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #stderr = "";
  /** When the reader began to wait for output; `undefined` while it does something else. */
  #readingSince: number | undefined;
  #lastOutputAt = performance.now();
  #isInputClosed = false;
  #isReleased = false;
  #isDiscarded = false;
  /** Ends the pause that a consumer behind has caused. */
  #goOn: (() => void) | undefined;
  #reader: ChunkReader | undefined;

  constructor(process: SandboxProcess, host: AgentProcessHost, redactor: Redactor) {
    this.#process = process;
    this.#host = host;
    this.#redactor = redactor;
    this.#decoder = new LineDecoder({ redactor });
    this.#writer = process.stdin.getWriter();
    this.#writer.closed.catch(() => undefined);
    this.ended = this.#run();
  }

  /** `performance.now()` of the last output. */
  get lastOutputAt(): number {
    return this.#lastOutputAt;
  }

  write(lines: readonly string[]): void {
    if (lines.length === 0 || this.#isInputClosed) return;
    this.#writer.write(encoder.encode(`${lines.join("\n")}\n`)).catch(() => {
      void this.#inputLost();
    });
  }

  closeStdin(): void {
    if (this.#isInputClosed) return;
    this.#isInputClosed = true;
    this.#writer.close().catch(() => undefined);
  }

  /** Signals the whole tree. Failing to reach it is noticed by its end or by the next, harder signal. */
  async kill(signal: Signal): Promise<void> {
    // Bounded: a sandbox that hangs may not hang whoever wants to be rid of it.
    await settlesWithin((async () => this.#process.kill(signal))(), killTimeoutMs);
  }

  /** From now on it is read to its end, whoever is behind. For a process that is being ended. */
  release(): void {
    this.#isReleased = true;
    this.#goOn?.();
  }

  /** Nothing of it is wanted any more; the host is not called again. */
  discard(): void {
    this.#isDiscarded = true;
    this.release();
    this.#reader?.cancel().catch(() => undefined);
  }

  /** The last part of standard error so far, secrets removed. */
  get stderrTail(): string {
    // Redacted before it is cut: half a secret would not be recognized.
    return this.#redactor.redact(this.#stderr).slice(-stderrTailLength).trim();
  }

  /** An agent that closed its input can be told nothing any more: it ends by itself or is ended. */
  async #inputLost(): Promise<void> {
    if (this.#isInputClosed) return;
    this.#isInputClosed = true;
    if (!(await settlesWithin(this.ended, exitGraceMs))) await this.kill("SIGKILL");
  }

  async #run(): Promise<void> {
    const reader = readerOf(this.#process.stdout);
    const errorReader = readerOf(this.#process.stderr);
    this.#reader = reader;
    const output = this.#readOutput(reader);
    const errors = this.#readErrors(errorReader);
    const exit = this.#process.exited.then(
      (value) => ({ exit: value, lost: undefined }),
      (lost: unknown) => ({ exit: undefined, lost }),
    );
    const isFirstExit = await Promise.race([exit.then(() => true), output.then(() => false)]);
    if (isFirstExit) {
      await this.#drain(output, reader);
    } else if (!(await settlesWithin(exit, exitGraceMs))) {
      await this.kill("SIGKILL");
    }
    const outcome = (await settlesWithin(exit, exitGraceMs)) ? await exit : unseenEnd();
    if (!(await settlesWithin(errors, drainQuietMs))) {
      await this.kill("SIGKILL");
      errorReader.cancel().catch(() => undefined);
    }
    this.closeStdin();
    if (!this.#isDiscarded) this.#host.ended({ ...outcome, stderr: this.stderrTail });
  }

  async #readOutput(reader: ChunkReader): Promise<void> {
    try {
      for (;;) {
        this.#readingSince = performance.now();
        const { done, value } = await reader.read();
        this.#readingSince = undefined;
        if (done) break;
        this.#lastOutputAt = performance.now();
        if (this.#isDiscarded) return;
        this.#host.lines(this.#decoder.push(value), value.byteLength);
        const pressure = this.#isReleased ? undefined : this.#host.pressure();
        if (pressure !== undefined) {
          await this.#pause(pressure);
          this.#lastOutputAt = performance.now();
        }
      }
    } catch {
      // A broken stream ends the output; why it broke is told by `exited`.
    }
    this.#readingSince = undefined;
    if (!this.#isDiscarded) this.#host.lines(this.#decoder.end(), 0);
  }

  async #pause(pressure: Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#goOn = resolve;
      void pressure.then(resolve);
    });
    this.#goOn = undefined;
  }

  /** The process has ended, but children of it may hold the pipe open: waits only as long as something comes. */
  async #drain(output: Promise<void>, reader: ChunkReader): Promise<void> {
    let killed = false;
    while (!(await settlesWithin(output, checkMs))) {
      const quietMs = this.#readingSince === undefined ? 0 : performance.now() - this.#readingSince;
      if (quietMs < drainQuietMs) continue;
      if (!killed) {
        killed = true;
        await this.kill("SIGKILL");
        this.#readingSince = this.#readingSince === undefined ? undefined : performance.now();
      } else {
        reader.cancel().catch(() => undefined);
        await output;
        return;
      }
    }
  }

  async #readErrors(reader: ChunkReader): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        this.#stderr += decoder.decode(value, { stream: true });
        if (this.#stderr.length > 4 * stderrTailLength) {
          this.#stderr = this.#redactor.redact(this.#stderr).slice(-2 * stderrTailLength);
        }
      }
    } catch {
      // As for the output.
    }
  }
}

function unseenEnd(): { readonly exit: undefined; readonly lost: unknown } {
  const message = "The agent's CLI closed its output, and was not seen to end after SIGKILL.";
  return { exit: undefined, lost: new SandboxAgentError("agent_exited", message, { details: {} }) };
}
