import type { Readable, Writable } from "node:stream";

/**
 * Turns a Node stream into a web stream of bytes whose back-pressure reaches the source: nothing is read ahead beyond
 * what the source itself buffers. `Readable.toWeb` is not used, since it throws from an event handler, and so brings
 * the host down, when data arrives after the stream was cancelled.
 */
export function readableFromNode(source: Readable): ReadableStream<Uint8Array> {
  let ended = false;
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const notify = (): void => {
    wake?.();
    wake = undefined;
  };
  source.on("readable", notify);
  source.once("end", () => {
    ended = true;
    notify();
  });
  source.once("close", () => {
    ended = true;
    notify();
  });
  source.on("error", (error: Error) => {
    failure = error;
    notify();
  });
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const chunk: unknown = source.read();
          if (chunk instanceof Uint8Array) {
            controller.enqueue(chunk);
            return;
          }
          if (failure !== undefined) {
            controller.error(failure);
            return;
          }
          if (ended || source.destroyed) {
            controller.close();
            return;
          }
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
      cancel() {
        source.destroy();
        notify();
      },
    },
    { highWaterMark: 0 },
  );
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
