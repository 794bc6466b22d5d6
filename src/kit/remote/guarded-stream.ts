/** Changes bytes on their way; see `HeartbeatFilter`. */
export interface ByteFilter {
  push(chunk: Uint8Array): Uint8Array;
  end(): Uint8Array;
}

/**
 * A vendor's output stream that can be ended from outside, when the sandbox goes away and the vendor leaves the stream
 * open. Back-pressure is the source's own: nothing is read ahead.
 */
export class GuardedStream {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #end: (failure?: { readonly reason: unknown }) => void = () => undefined;
  #isOver = false;

  /** `before` is what was taken from the source already. */
  constructor(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    options: { readonly before?: Uint8Array; readonly filter?: ByteFilter | undefined } = {},
  ) {
    const { before = new Uint8Array(), filter } = options;
    this.#reader = reader;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#end = (failure) => {
            if (this.#isOver) return;
            this.#isOver = true;
            if (failure === undefined) controller.close();
            else controller.error(failure.reason);
          };
          if (before.length > 0) controller.enqueue(before);
        },
        pull: (controller) => this.#pull(controller, filter),
        cancel: async (reason) => {
          this.#isOver = true;
          await reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** Ends the stream for its reader; does nothing when it has ended. */
  end(): void {
    this.#end();
    this.#release();
  }

  fail(reason: unknown): void {
    this.#end({ reason });
    this.#release();
  }

  async #pull(
    controller: ReadableStreamDefaultController<Uint8Array>,
    filter: ByteFilter | undefined,
  ): Promise<void> {
    try {
      for (;;) {
        const { value } = await this.#reader.read();
        if (this.#isOver) return;
        const bytes = value === undefined ? filter?.end() : (filter?.push(value) ?? value);
        if (bytes !== undefined && bytes.length > 0) controller.enqueue(bytes);
        if (value === undefined) this.#end();
        if (value === undefined || (bytes?.length ?? 0) > 0) return;
      }
    } catch (error) {
      this.#end({ reason: error });
    }
  }

  #release(): void {
    this.#reader.cancel().catch(() => undefined);
  }
}
