import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { readerOf, type ChunkReader } from "../../../src/kit/direct-reader.ts";
import { readableFromNode } from "../../../src/kit.ts";

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

async function readAll(reader: ChunkReader): Promise<string> {
  for (let all = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return all;
    all += text(value);
  }
}

describe.each([
  ["by a web reader", (stream: ReadableStream<Uint8Array>) => stream.getReader()],
  ["by the reader of its source", readerOf],
])("readableFromNode, read %s", (_, readerOfStream) => {
  it("gives every byte in order, to a slow reader too", async () => {
    const chunks = Array.from({ length: 500 }, (_, index) => Buffer.from(`${String(index)};`));
    const reader = readerOfStream(readableFromNode(Readable.from(chunks, { objectMode: false })));
    let all = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      all += text(value);
      if (all.length % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(all).toBe(chunks.join(""));
  });

  it("takes one chunk at most that nobody has asked for", async () => {
    let pushed = 0;
    const source = new Readable({
      highWaterMark: 1000,
      read() {
        pushed += 1;
        this.push(Buffer.alloc(1000, "x"));
      },
    });
    const reader = readerOfStream(readableFromNode(source));
    await new Promise((resolve) => setImmediate(resolve));
    const before = pushed;
    expect(before).toBeLessThan(5);
    await new Promise((resolve) => setImmediate(resolve));
    expect(pushed).toBe(before);
    for (let count = 0; count < 100; count++) expect((await reader.read()).value).toHaveLength(1000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(pushed).toBeLessThan(106);
    await reader.cancel();
    expect(source.destroyed).toBe(true);
  });

  it("loses nothing when somebody else has the source flow", async () => {
    const source = new PassThrough();
    const stream = readableFromNode(source);
    for (const piece of ["one ", "two ", "three"]) {
      source.write(piece);
      source.resume();
      await new Promise((resolve) => setImmediate(resolve));
    }
    source.end();
    expect(await readAll(readerOfStream(stream))).toBe("one two three");
  });

  it("tells an error only after what came before it", async () => {
    const source = new PassThrough();
    const reader = readerOfStream(readableFromNode(source));
    source.write("first");
    expect(text((await reader.read()).value)).toBe("first");
    source.write("before");
    await new Promise((resolve) => setImmediate(resolve));
    source.destroy(new Error("The cable was cut."));
    await new Promise((resolve) => setImmediate(resolve));
    expect(text((await reader.read()).value)).toBe("before");
    await expect(reader.read()).rejects.toThrow("The cable was cut.");
  });

  it("ends when the source is closed without an end, or was over from the start", async () => {
    const source = new PassThrough();
    const all = readAll(readerOfStream(readableFromNode(source)));
    source.destroy();
    expect(await all).toBe("");
    expect(await readAll(readerOfStream(readableFromNode(source)))).toBe("");
  });

  it("throws nothing when data arrives after it was cancelled", async () => {
    const source = new PassThrough();
    const reader = readerOfStream(readableFromNode(source));
    source.write("some");
    await reader.cancel();
    source.emit("data", Buffer.from("late"));
    source.emit("end");
    source.emit("error", new Error("late"));
    expect((await reader.read()).done).toBe(true);
  });

  it("ends a read that waits when it is cancelled", async () => {
    const source = new PassThrough();
    const reader = readerOfStream(readableFromNode(source));
    const waiting = reader.read();
    await reader.cancel();
    expect((await waiting).done).toBe(true);
    expect(source.destroyed).toBe(true);
  });
});

describe("readerOf", () => {
  it("locks the stream", () => {
    const stream = readableFromNode(new PassThrough());
    readerOf(stream);
    expect(stream.locked).toBe(true);
    expect(() => readerOf(stream)).toThrow(TypeError);
  });

  it("reads a stream that has no source of its own", async () => {
    const stream = new Blob(["one"]).stream() as ReadableStream<Uint8Array>;
    expect(await readAll(readerOf(stream))).toBe("one");
  });
});
