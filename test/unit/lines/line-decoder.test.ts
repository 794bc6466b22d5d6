import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DecodedLine, LineDecoder } from "../../../src/lines/line-decoder.ts";

function decode(chunks: readonly Uint8Array[], maxLineBytes?: number): DecodedLine[] {
  const decoder = new LineDecoder(maxLineBytes === undefined ? {} : { maxLineBytes });
  return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.end()];
}

/** The same bytes, cut at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [...places.map((place) => place % (bytes.length + 1)), 0, bytes.length].sort(
    (a, b) => a - b,
  );
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

describe("LineDecoder", () => {
  it("splits at line feeds, drops carriage returns before them and leaves empty lines out", () => {
    expect(decode([Buffer.from("a\r\n\n\r\nb\nc")])).toEqual(["a", "b", "c"]);
  });

  it("keeps characters whole that are cut between chunks", () => {
    const bytes = Buffer.from("ä€😀\n");
    expect(decode(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(["ä€😀"]);
  });

  it("gives the same lines wherever the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("null", "{}", "\r", "\u2028", "😀")),
        ),
        fc.uint8Array({ maxLength: 40 }),
        fc.array(fc.nat()),
        (texts, junk, places) => {
          const bytes = Buffer.concat([Buffer.from(texts.join("\n")), junk, Buffer.from("\nend")]);
          for (const bound of [5, 1000]) {
            expect(decode(cut(bytes, places), bound)).toEqual(decode([bytes], bound));
          }
        },
      ),
    );
  });

  it("replaces a line above the bound by its beginning and its length", () => {
    const bytes = Buffer.from(`before\n${"x".repeat(100)}\nafter\n`);
    expect(decode(cut(bytes, [20, 50]), 64)).toEqual([
      "before",
      { prefix: "x".repeat(64), bytes: 100 },
      "after",
    ]);
  });

  it("keeps no more than the bound of a line that never ends", () => {
    const decoder = new LineDecoder({ maxLineBytes: 1024 * 1024 });
    const chunk = Buffer.alloc(64 * 1024, "y");
    const before = process.memoryUsage();
    for (let index = 0; index < 1600; index++) expect(decoder.push(Buffer.from(chunk))).toEqual([]);
    const [line] = decoder.push(Buffer.from("\n"));
    expect(line).toEqual({ prefix: "y".repeat(2048), bytes: 1600 * chunk.length });
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 1024 * 1024);
  });
});
