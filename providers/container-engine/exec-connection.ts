import type { Duplex } from "node:stream";
import { longestReportBytes, OutputChannel } from "../../src/kit.ts";
import { FrameDecoder, type FrameSource } from "./frame-decoder.ts";

/** What is read ahead of each stream's reader, before the connection is left alone and the process has to wait. */
const readAheadBytes = 256 * 1024;
/** What is kept of a standard error that nobody has begun to read, before it is given up. */
const unreadErrorBytes = 1024 * 1024;
/** What is still taken in once the process has ended; pipes, engine and socket hold less than that. */
const drainBytes = 16 * 1024 * 1024;
/** What is kept for a reader when the container is being removed. */
const lastBytes = 1024 * 1024;
/** Short against the two seconds that the engine grants the output of a process that has ended. */
const stallCheckMs = 300;

export interface ExecConnectionHooks {
  /** Asked while the reader keeps the connection waiting: whether the process has ended meanwhile. */
  readonly hasEnded: () => Promise<boolean>;
  readonly tooMuchUnread: (maxBytes: number) => Error;
}

/**
 * The hijacked connection of one exec: both outputs come multiplexed, the input goes the other way.
 *
 * Back-pressure: the connection is read until either output has 256 KiB waiting for its reader. Then it is left alone,
 * the engine's buffers fill, and the process waits in its next write. As with two pipes, a reader that drains one
 * output only must not expect more of it while the other is full. One exception keeps the common mistake of never
 * reading the standard error from stopping the process: as long as nobody has begun to read it, it is kept up to 1 MiB
 * and then fails for its reader with `output_too_large`, while the standard output goes on.
 *
 * The engine cuts the output two seconds after the process has ended, read or not. So while the connection waits for
 * a reader, the engine is asked now and then whether the process has ended, and if so the little that is left in the
 * pipes is taken in at once.
 */
export class ExecConnection {
  readonly stdout = new OutputChannel(() => this.#regulate());
  readonly stderr = new OutputChannel(() => this.#regulate());
  readonly stdin: WritableStream<Uint8Array>;
  /** The first line of the output; resolves to what there is when the connection ends before. */
  readonly report: Promise<string>;
  /** Resolves when no more output comes; to an error when the connection broke. */
  readonly closed: Promise<Error | undefined>;
  readonly #connection: Duplex;
  readonly #hooks: ExecConnectionHooks;
  readonly #decoder = new FrameDecoder();
  #resolveReport: (line: string) => void = () => undefined;
  #reportBytes: Buffer | undefined = Buffer.alloc(0);
  #draining = false;
  #ending = false;
  #finished = false;
  #stallTimer: NodeJS.Timeout | undefined;

  constructor(connection: Duplex, hooks: ExecConnectionHooks) {
    this.#connection = connection;
    this.#hooks = hooks;
    this.report = new Promise((resolve) => {
      this.#resolveReport = resolve;
    });
    this.closed = new Promise((resolve) => {
      let failure: Error | undefined;
      const finish = (error: Error | undefined): void => {
        if (this.#finished) return;
        this.#finished = true;
        clearTimeout(this.#stallTimer);
        this.#endReport();
        resolve(error);
      };
      connection.on("error", (error: Error) => {
        failure = error;
      });
      connection.on("end", () => finish(undefined));
      connection.on("close", () => finish(failure ?? new Error("The connection to the engine broke off.")));
    });
    this.stdin = standardInput(connection);
    connection.on("data", (chunk: Uint8Array) => this.#take(chunk));
  }

  /** Takes in the rest without regard to the readers: the process has ended, or will at once. */
  drain(): void {
    this.#draining = true;
    this.#regulate();
  }

  /** The container is about to be removed: nobody is to wait for a reader, the engine least of all. */
  letRun(): void {
    this.#ending = true;
    this.#regulate();
  }

  /** Ends both outputs; what is buffered can still be read. */
  end(): void {
    this.stdout.end();
    this.stderr.end();
  }

  /** Fails both outputs; what is buffered can still be read. */
  fail(error: unknown): void {
    this.stdout.fail(error);
    this.stderr.fail(error);
  }

  destroy(): void {
    this.#connection.destroy();
  }

  #take(chunk: Uint8Array): void {
    try {
      this.#decoder.decode(chunk, this.#route);
    } catch (error) {
      this.#connection.destroy(error instanceof Error ? error : undefined);
    }
    this.#regulate();
  }

  /** Lets the connection flow or wait, as the readers have room. */
  #regulate(): void {
    if (this.#finished) return;
    if (!this.#isFull()) {
      if (this.#connection.isPaused()) this.#connection.resume();
      return;
    }
    this.#connection.pause();
    this.#stallTimer ??= setTimeout(() => void this.#checkStall(), stallCheckMs);
  }

  #isFull(): boolean {
    const { stdout, stderr } = this;
    if (this.#ending) return false;
    const limit = this.#draining ? drainBytes : readAheadBytes;
    return stdout.bufferedBytes >= limit || (stderr.wasRead && stderr.bufferedBytes >= limit);
  }

  readonly #route = (source: FrameSource, payload: Uint8Array): void => {
    if (source === "stdout") {
      if (this.#reportBytes === undefined) this.#push(this.stdout, payload);
      else this.#readReport(this.#reportBytes, payload);
    } else if (source === "stderr") {
      this.#push(this.stderr, payload);
      if (!this.stderr.wasRead && this.stderr.bufferedBytes > unreadErrorBytes) {
        this.stderr.fail(this.#hooks.tooMuchUnread(unreadErrorBytes));
      }
    } else if (source === "system") {
      throw new Error(`The engine reported an error: ${Buffer.from(payload).toString()}`);
    }
  };

  #push(channel: OutputChannel, payload: Uint8Array): void {
    if (!this.#ending || channel.bufferedBytes < lastBytes) channel.push(payload);
  }

  #readReport(before: Buffer, payload: Uint8Array): void {
    const bytes = Buffer.concat([before, payload]);
    const end = bytes.indexOf(0x0a);
    if (end === -1 && bytes.length < longestReportBytes) {
      this.#reportBytes = bytes;
      return;
    }
    this.#reportBytes = undefined;
    this.#resolveReport(bytes.toString("utf8", 0, end === -1 ? bytes.length : end));
    if (end !== -1 && end + 1 < bytes.length) this.stdout.push(bytes.subarray(end + 1));
  }

  #endReport(): void {
    this.#resolveReport(this.#reportBytes?.toString() ?? "");
  }

  async #checkStall(): Promise<void> {
    const ended = await this.#hooks.hasEnded();
    this.#stallTimer = undefined;
    if (ended) this.drain();
    else this.#regulate();
  }
}

/**
 * The process's standard input. Its end is a half-close: output goes on. A process that closed its input, or is gone,
 * rejects the write.
 */
export function standardInput(connection: Duplex): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    start(controller) {
      connection.once("close", () => {
        controller.error(new Error("The process has ended, or closed its standard input."));
      });
    },
    async write(chunk) {
      // A write on a connection that the engine has closed destroys it, with the output that was not read yet. Right
      // after the event loop's look at the connections that output, and the end, have been seen.
      await new Promise(setImmediate);
      await new Promise<void>((resolve, reject) => {
        connection.write(chunk, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    },
    async close() {
      if (!connection.destroyed && !connection.writableEnded) connection.end();
    },
    abort() {
      if (!connection.destroyed && !connection.writableEnded) connection.end();
    },
  });
}
