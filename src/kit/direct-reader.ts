export type ChunkResult = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

/** What is left of a stream's reader for somebody who reads it to its end. */
export interface ChunkReader {
  /** Not to be called again before it has settled. */
  read(): Promise<ChunkResult>;
  /** Resolves, and ends a `read` that waits. */
  cancel(): Promise<void>;
}

const readers = new WeakMap<ReadableStream<Uint8Array>, ChunkReader>();

/** Lets `readerOf` give this reader of what the stream is made of. */
export function readsDirectly(stream: ReadableStream<Uint8Array>, reader: ChunkReader): void {
  readers.set(stream, reader);
}

/**
 * Locks the stream and gives a reader: where there is one, that of the stream's own source. An agent prints line by line,
 * and the way of a chunk through a web stream takes longer than what becomes of the line.
 */
export function readerOf(stream: ReadableStream<Uint8Array>): ChunkReader {
  const reader = stream.getReader();
  return readers.get(stream) ?? reader;
}
