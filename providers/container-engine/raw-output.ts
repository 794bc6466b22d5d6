import type { Readable } from "node:stream";
import { OutputChannel, longestReportBytes } from "../../src/kit.ts";

/** What is read ahead of the reader, before the connection is left alone and the program has to wait. */
const readAheadBytes = 256 * 1024;

/** The output of a terminal, whose first line is the launcher's report. */
export class RawOutput {
  readonly #channel: OutputChannel;
  readonly stream: ReadableStream<Uint8Array>;
  readonly report: Promise<string>;
  /** Resolves when no more comes. */
  readonly closed: Promise<void>;
  #reportBytes: Buffer | undefined = Buffer.alloc(0);
  #resolveReport: (line: string) => void = () => undefined;

  constructor(connection: Readable) {
    this.#channel = new OutputChannel(() => {
      if (this.#channel.bufferedBytes < readAheadBytes && connection.isPaused()) connection.resume();
    });
    this.stream = this.#channel.stream;
    this.report = new Promise((resolve) => {
      this.#resolveReport = resolve;
    });
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        this.#resolveReport(this.#reportBytes?.toString().trim() ?? "");
        this.#channel.end();
        resolve();
      };
      // An error is followed by the end of the connection.
      connection.on("error", () => undefined);
      connection.once("end", end);
      connection.once("close", end);
    });
    connection.on("data", (chunk: Uint8Array) => {
      this.#take(chunk);
      if (this.#channel.bufferedBytes >= readAheadBytes) connection.pause();
    });
  }

  #take(chunk: Uint8Array): void {
    if (this.#reportBytes === undefined) {
      this.#channel.push(chunk);
      return;
    }
    const bytes = Buffer.concat([this.#reportBytes, chunk]);
    const end = bytes.indexOf(0x0a);
    this.#reportBytes = bytes;
    if (end === -1 && bytes.length < longestReportBytes) return;
    this.#reportBytes = undefined;
    // A terminal ends its lines with a carriage return, too.
    this.#resolveReport(bytes.toString("utf8", 0, end === -1 ? bytes.length : end).trimEnd());
    if (end !== -1 && end + 1 < bytes.length) this.#channel.push(bytes.subarray(end + 1));
  }
}
