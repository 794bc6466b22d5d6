import type { Readable, Writable } from "node:stream";
import { readsDirectly, type ChunkReader, type ChunkResult } from "./direct-reader.ts";

/**
 * Turns a Node stream into a web stream of bytes whose back-pressure reaches the source: beyond what the source itself
 * buffers, one chunk at most is taken before it is asked for. `Readable.toWeb` is not used, since it throws from an
 * event handler, and so brings the host down, when data arrives after the stream was cancelled.
 */
export function readableFromNode(source: Readable): ReadableStream<Uint8Array> {
  const chunks = new NodeChunks(source);
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => chunks.cancel(),
    },
    { highWaterMark: 0 },
  );
  readsDirectly(stream, chunks);
  return stream;
}

interface WantedChunk {
  readonly resolve: (result: ChunkResult) => void;
  readonly reject: (reason: unknown) => void;
}

const done: ChunkResult = { done: true, value: undefined };

/** Gives out the chunks of a Node stream one by one. */
class NodeChunks implements ChunkReader {
  readonly #source: Readable;
  #isFlowing = false;
  #wanted: WantedChunk | undefined;
  /** More than one only when others, such as Node when a process exits, have the source flow again. */
  readonly #held: Uint8Array[] = [];
  /** Set at the end of the source, which is told once what is held has been read. */
  #end: { readonly error: Error | undefined } | undefined;

  constructor(source: Readable) {
    this.#source = source;
    // Until somebody reads: Node throws away what nobody listens for when a process exits.
    source.on("readable", ignore);
    const close = (): void => {
      this.#finish(undefined);
    };
    source.once("end", close);
    source.once("close", close);
    source.on("error", (error: Error) => {
      this.#finish(error);
    });
    if (source.destroyed || source.readableEnded) close();
  }

  // eslint-disable-next-line no-restricted-syntax -- one promise for each chunk is enough
  read(): Promise<ChunkResult> {
    if (!this.#isFlowing) this.#flow();
    const value = this.#held.shift();
    if (value !== undefined) {
      if (this.#held.length === 0 && this.#end === undefined) this.#source.resume();
      return Promise.resolve({ done: false, value });
    }
    if (this.#end !== undefined) {
      return this.#end.error === undefined ? Promise.resolve(done) : Promise.reject(this.#end.error);
    }
    return new Promise((resolve, reject) => {
      this.#wanted = { resolve, reject };
    });
  }

  async cancel(): Promise<void> {
    this.#held.length = 0;
    this.#end = { error: undefined };
    this.#wanted?.resolve(done);
    this.#wanted = undefined;
    this.#source.destroy();
  }

  #flow(): void {
    this.#isFlowing = true;
    // Flowing while the reader keeps up: to ask for each chunk costs several times as much.
    this.#source.on("data", (value: Uint8Array) => {
      if (this.#end !== undefined) return;
      const wanted = this.#wanted;
      if (wanted === undefined) {
        this.#held.push(value);
        this.#source.pause();
      } else {
        this.#wanted = undefined;
        wanted.resolve({ done: false, value });
      }
    });
    this.#source.off("readable", ignore);
  }

  #finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    if (error === undefined) this.#wanted?.resolve(done);
    else this.#wanted?.reject(error);
    this.#wanted = undefined;
  }
}

function ignore(): void {
  // Being listened for is all that it is there for.
}

/**
 * Turns a Node stream into a web stream. A write resolves when the sink has taken the bytes; a broken pipe rejects
 * the write instead of being an uncaught `error` event.
 */
export function writableFromNode(sink: Writable): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    start(controller) {
      sink.on("error", (error) => {
        controller.error(error);
      });
      sink.once("close", () => {
        if (!sink.writableFinished) controller.error(new Error("The process closed its standard input."));
      });
    },
    write(chunk) {
      return new Promise((resolve, reject) => {
        sink.write(chunk, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    },
    close() {
      return new Promise((resolve) => {
        // A sink that is gone already cannot be closed any more, which is what was wanted.
        if (sink.destroyed || sink.writableEnded) resolve();
        else sink.end(resolve);
      });
    },
    abort() {
      sink.destroy();
    },
  });
}
