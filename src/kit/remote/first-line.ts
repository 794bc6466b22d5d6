/** Reads up to the first line feed, or to `maxBytes`, or to the end. What came after it is in `rest`. */
export async function readFirstLine(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  maxBytes: number,
): Promise<{ readonly line: string; readonly rest: Uint8Array }> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const { value } = await reader.read();
    if (value === undefined) return { line: bytes.toString(), rest: new Uint8Array() };
    bytes = Buffer.concat([bytes, value]);
    const end = bytes.indexOf(0x0a);
    if (end === -1 && bytes.length < maxBytes) continue;
    const lineEnd = end === -1 ? bytes.length : end;
    return {
      line: bytes.toString("utf8", 0, lineEnd),
      rest: bytes.subarray(Math.min(lineEnd + 1, bytes.length)),
    };
  }
}
