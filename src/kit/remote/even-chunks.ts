/**
 * Hands a stream on in chunks of exactly so many bytes, but for the last, for a way on which each chunk is dear. Nothing is
 * read ahead of the reader, but for the rest of a chunk.
 */
export function evenChunks(
  source: ReadableStream<Uint8Array>,
  chunkBytes: number,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const take = (): Uint8Array => {
    const all = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held, heldBytes);
    const rest = all.subarray(chunkBytes);
    held = rest.length === 0 ? [] : [rest];
    heldBytes = rest.length;
    return all.subarray(0, chunkBytes);
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (heldBytes < chunkBytes) {
          const { value } = await reader.read();
          if (value === undefined) {
            if (heldBytes > 0) controller.enqueue(take());
            controller.close();
            return;
          }
          held.push(value);
          heldBytes += value.length;
        }
        controller.enqueue(take());
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
