/** Smaller payloads are copied, lest each keeps the whole chunk alive that it came in. */
const copyBelowBytes = 4096;
/** Small payloads that wait are handed on together, up to this size; larger ones alone, without being copied. */
const joinBytes = 16 * 1024;

/**
 * One of a process's two output streams: a queue between the connection, which both share, and a reader. It reads
 * nothing by itself; `bufferedBytes` tells the connection's reader when to stop.
 */
export class OutputChannel {
  readonly stream: ReadableStream<Uint8Array>;
  /** Whether anybody has asked for data yet. */
  wasRead = false;
  #bufferedBytes = 0;
  readonly #queue: Uint8Array[] = [];
  #state: "open" | "ended" | "failed" | "cancelled" = "open";
  #failure: unknown;
  #wake: (() => void) | undefined;

  /** `onSpace` is called whenever data was taken out. */
  constructor(onSpace: () => void) {
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          this.wasRead = true;
          if (this.#queue.length > 0 || this.#state !== "open") {
            this.#hand(controller);
            onSpace();
            return undefined;
          }
          // A promise for each chunk is dear, and most chunks are there before they are asked for.
          onSpace();
          return new Promise<void>((resolve) => {
            this.#wake = () => {
              this.#hand(controller);
              resolve();
            };
          });
        },
        cancel: () => {
          this.#state = "cancelled";
          this.#clear();
          onSpace();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** What waits for the reader, as long as more can come. */
  get bufferedBytes(): number {
    return this.#state === "open" ? this.#bufferedBytes : 0;
  }

  push(payload: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#queue.push(payload.length < copyBelowBytes ? Buffer.from(payload) : payload);
    this.#bufferedBytes += payload.length;
    this.#notify();
  }

  /** What is buffered can still be read. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#notify();
  }

  /** What is buffered can still be read; what comes later is dropped. */
  fail(failure: unknown): void {
    if (this.#state !== "open") return;
    this.#state = "failed";
    this.#failure = failure;
    this.#notify();
  }

  #hand(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (this.#queue.length > 0) controller.enqueue(this.#take());
    else if (this.#state === "ended") controller.close();
    else if (this.#state === "failed") controller.error(this.#failure);
  }

  #take(): Uint8Array {
    let count = 0;
    let bytes = 0;
    for (const payload of this.#queue) {
      if (count > 0 && bytes + payload.length > joinBytes) break;
      bytes += payload.length;
      count++;
    }
    const taken = this.#queue.splice(0, count);
    this.#bufferedBytes -= bytes;
    return taken.length === 1 && taken[0] !== undefined ? taken[0] : Buffer.concat(taken, bytes);
  }

  #clear(): void {
    this.#queue.length = 0;
    this.#bufferedBytes = 0;
    this.#notify();
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
