import type { Readable, Writable } from "node:stream";

/**
 * Turns a Node stream into a web stream of bytes whose back-pressure reaches the source: beyond what the source itself
 * buffers, one chunk at most is taken before it is asked for. `Readable.toWeb` is not used, since it throws from an
 * event handler, and so brings the host down, when data arrives after the stream was cancelled.
 */
export function readableFromNode(source: Readable): ReadableStream<Uint8Array> {
  // Until somebody reads: Node throws away what nobody listens for when a process exits.
  const keepUnread = (): void => undefined;
  source.on("readable", keepUnread);
  let isFlowing = false;
  let isWanted = false;
  /** More than one only when others, such as Node when a process exits, have the source flow again. */
  let held: Uint8Array[] = [];
  /** How the stream ends, once what is held has been read. */
  let finish: ((controller: ReadableStreamDefaultController<Uint8Array>) => void) | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const end = (how: typeof finish): void => {
          if (finish !== undefined) return;
          finish = how;
          if (held.length === 0) finish?.(controller);
        };
        const close = (): void => {
          end(() => {
            controller.close();
          });
        };
        source.once("end", close);
        source.once("close", close);
        source.on("error", (error: Error) => {
          end(() => {
            controller.error(error);
          });
        });
        if (source.destroyed || source.readableEnded) close();
      },
      pull(controller) {
        if (!isFlowing) {
          isFlowing = true;
          // Flowing while the reader keeps up: to ask for each chunk costs several times as much.
          source.on("data", (chunk: Uint8Array) => {
            if (finish !== undefined) return;
            if (isWanted) {
              isWanted = false;
              controller.enqueue(chunk);
            } else {
              held.push(chunk);
              source.pause();
            }
          });
          source.off("readable", keepUnread);
        }
        const chunk = held.shift();
        if (chunk === undefined) {
          isWanted = true;
          return;
        }
        controller.enqueue(chunk);
        if (held.length > 0) return;
        if (finish === undefined) source.resume();
        else finish(controller);
      },
      cancel() {
        finish = () => undefined;
        held = [];
        source.destroy();
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
