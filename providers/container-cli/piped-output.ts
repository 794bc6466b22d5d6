import type { Readable } from "node:stream";
import { OutputChannel } from "../../src/kit.ts";

/** What is read ahead of the reader, before the program, and with it the process, has to wait. */
const readAheadBytes = 256 * 1024;
/** What is kept for the reader when nothing is to wait any more. */
const lastBytes = 1024 * 1024;

/**
 * One output of the engine's program. A reader that leaves has the rest thrown away: to close the pipe would end the
 * program, and with it the process's other output.
 */
export class PipedOutput {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #source: Readable;
  #mayWait = true;

  constructor(source: Readable) {
    this.#source = source;
    const channel = new OutputChannel(() => {
      if (channel.bufferedBytes < readAheadBytes && source.isPaused()) source.resume();
    });
    this.stream = channel.stream;
    source.on("data", (chunk: Uint8Array) => {
      if (this.#mayWait || channel.bufferedBytes < lastBytes) channel.push(chunk);
      if (this.#mayWait && channel.bufferedBytes >= readAheadBytes) source.pause();
    });
    const end = (): void => {
      channel.end();
    };
    source.once("end", end);
    source.once("close", end);
    source.on("error", (error: Error) => {
      channel.fail(error);
    });
  }

  /** The container is about to be removed: nobody is to wait for a reader, the engine least of all. */
  letRun(): void {
    this.#mayWait = false;
    this.#source.resume();
  }
}
