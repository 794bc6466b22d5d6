import { OutputChannel, type ProcessExit, type RemoteConnection, SandboxAgentError } from "../../src/kit.ts";
import { ExitNoteFilter } from "./exit-note.ts";
import { exitOfProcess } from "./process-exit.ts";
import {
  type ProcessAnswer,
  type ProcessOutput,
  type ProcessService,
  type StartRequest,
  selected,
} from "./process-service.ts";

/** What is read ahead of each output's reader before the connection is left alone and the process has to wait. */
const readAheadBytes = 256 * 1024;
/** What is kept of a standard error that nobody has begun to read, before it is given up. */
const unreadErrorBytes = 1024 * 1024;
/** What is still taken in once the process has ended; pipes, envd and sockets hold less than that. */
const drainBytes = 16 * 1024 * 1024;
/** envd is asked for a sign of life every 50 seconds. */
const keepAliveHeader = { "Keepalive-Ping-Interval": "50" };
const silenceMs = 150_000;
const stallCheckMs = 300;
const longestStallCheckMs = 5000;
/** One request carries so much of the input, as base64 in JSON. */
const inputChunkBytes = 128 * 1024;

export interface FollowOptions {
  readonly service: ProcessService;
  readonly request: StartRequest;
  readonly headers: { readonly [name: string]: string };
  readonly startTimeoutMs: number;
  /** By which the exit is told in the standard error; see `notingExit`. */
  readonly noteId?: string;
  /** Asked while a reader keeps the connection waiting. */
  readonly hasEnded?: (pid: number) => Promise<boolean>;
}

/**
 * One process, followed by the answers of envd's `Start`. Each is asked for only when both outputs have room, so that
 * a reader which pauses makes the process wait: the connection's buffers fill, then envd's, then the pipe. As with two
 * pipes, a reader that drains one output only must not expect more of it while the other is full; a standard error
 * that nobody has begun to read is given up beyond 1 MiB.
 */
export class FollowedProcess implements RemoteConnection {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly pid: number;
  readonly #options: FollowOptions;
  readonly #answers: AsyncIterator<ProcessAnswer>;
  readonly #connection: AbortController;
  readonly #out = new OutputChannel(() => this.#wake());
  readonly #err = new OutputChannel(() => this.#wake());
  readonly #note: ExitNoteFilter | undefined;
  #settle: (exit: ProcessExit) => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  #wake: () => void = () => undefined;
  #isDraining = false;

  /** Resolves when the process has been started. */
  static async start(options: FollowOptions): Promise<FollowedProcess> {
    const { service, request, headers, startTimeoutMs } = options;
    const connection = new AbortController();
    const timer = setTimeout(() => {
      connection.abort(new Error(`There was no answer within ${startTimeoutMs} ms.`));
    }, startTimeoutMs);
    try {
      const { signal } = connection;
      const stream = service.start(request, { headers: { ...headers, ...keepAliveHeader }, signal });
      const answers = stream[Symbol.asyncIterator]();
      const first = (await unlessAborted(answers.next(), signal)) as IteratorResult<ProcessAnswer, undefined>;
      const event = first.value?.event?.event;
      if (event?.case !== "start") throw new Error("The answer does not begin with the start of a process.");
      return new FollowedProcess(options, connection, answers, event.value.pid);
    } catch (error) {
      connection.abort();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(
    options: FollowOptions,
    connection: AbortController,
    answers: AsyncIterator<ProcessAnswer>,
    pid: number,
  ) {
    this.pid = pid;
    this.#options = options;
    this.#connection = connection;
    this.#answers = answers;
    this.stdout = this.#out.stream;
    this.stderr = this.#err.stream;
    this.exited = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    });
    this.exited.catch(() => undefined);
    const { noteId } = options;
    if (noteId !== undefined) {
      this.#note = new ExitNoteFilter(noteId, (code) => {
        this.#settle({ code, signal: null });
        this.#drain();
      });
    }
    this.stdin = this.#input(options.request.pty === undefined ? "stdin" : "pty");
    void this.#follow();
  }

  disconnect(): void {
    this.#connection.abort(new Error("The connection was let go of."));
    this.#drain();
  }

  async #follow(): Promise<void> {
    try {
      while (!(await this.#take()));
      this.#push(this.#err, this.#note?.end());
      this.#out.end();
      this.#err.end();
    } catch (error) {
      this.#fail(error);
      this.#out.fail(error);
      this.#err.fail(error);
    }
    this.#connection.abort();
  }

  /** Whether that was the last. */
  async #take(): Promise<boolean> {
    await this.#room();
    const { signal } = this.#connection;
    const timer = setTimeout(() => {
      this.#connection.abort(new Error(`Nothing was heard of the process for ${silenceMs} ms.`));
    }, silenceMs);
    const next = await unlessAborted(this.#answers.next(), signal).finally(() => {
      clearTimeout(timer);
    });
    if (next.done === true) throw new Error("The connection ended before the process did.");
    const { event } = next.value.event ?? {};
    if (event?.case === "data") this.#output(event.value.output);
    if (event?.case !== "end") return false;
    this.#settle(exitOfProcess(event.value));
    return true;
  }

  #output({ case: source, value }: ProcessOutput): void {
    if (value === undefined) return;
    if (source === "stdout" || source === "pty") this.#push(this.#out, value);
    if (source === "stderr") this.#push(this.#err, this.#note?.push(value) ?? value);
    if (this.#err.wasRead || this.#err.bufferedBytes <= unreadErrorBytes) return;
    const command = this.#options.request.process.cmd;
    this.#err.fail(
      new SandboxAgentError(
        "output_too_large",
        `More than ${unreadErrorBytes} bytes of a standard error waited to be read.`,
        { details: { command, maxBytes: unreadErrorBytes } },
      ),
    );
  }

  #push(channel: OutputChannel, bytes: Uint8Array | undefined): void {
    if (bytes !== undefined && bytes.length > 0) channel.push(bytes);
  }

  #isFull(): boolean {
    const limit = this.#isDraining ? drainBytes : readAheadBytes;
    const { wasRead, bufferedBytes } = this.#err;
    return this.#out.bufferedBytes >= limit || (wasRead && bufferedBytes >= limit);
  }

  #drain(): void {
    this.#isDraining = true;
    this.#wake();
  }

  /** A process may end while its output waits for a reader; the little that is left is taken in then. */
  async #room(): Promise<void> {
    let checkMs = stallCheckMs;
    while (this.#isFull() && !this.#connection.signal.aborted) {
      let timer: NodeJS.Timeout | undefined;
      const isWoken = await new Promise<boolean>((resolve) => {
        this.#wake = () => {
          resolve(true);
        };
        if (!this.#isDraining) timer = setTimeout(resolve, checkMs, false);
        timer?.unref();
      });
      clearTimeout(timer);
      if (isWoken) continue;
      checkMs = Math.min(2 * checkMs, longestStallCheckMs);
      const hasEnded = await this.#options.hasEnded?.(this.pid).catch(() => false);
      if (hasEnded === true) this.#isDraining = true;
    }
    this.#wake = () => undefined;
  }

  #input(kind: "stdin" | "pty"): WritableStream<Uint8Array> {
    const { service } = this.#options;
    const { signal } = this.#connection;
    const close = async (): Promise<void> => {
      if (kind === "stdin") await service.closeStdin(selected(this.pid), { signal });
    };
    return new WritableStream<Uint8Array>({
      write: async (chunk) => {
        for (let from = 0; from < chunk.length; from += inputChunkBytes) {
          const value = chunk.subarray(from, from + inputChunkBytes);
          const input = { input: { case: kind, value } };
          await service.sendInput({ ...selected(this.pid), input }, { signal });
        }
      },
      close,
      abort: close,
    });
  }
}

/** Some clients leave what was asked for open when they are aborted. */
async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  promise.catch(() => undefined);
  signal.throwIfAborted();
  return new Promise<Value>((resolve, reject) => {
    const stop = (): void => {
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", stop);
    });
  });
}
