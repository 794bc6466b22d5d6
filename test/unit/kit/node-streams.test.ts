import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { readableFromNode } from "../../../src/kit.ts";

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

async function readAll(stream: ReadableStream<Uint8Array>): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += text(chunk);
  return all;
}

describe("readableFromNode", () => {
  it("gives every byte in order, to a slow reader too", async () => {
    const chunks = Array.from({ length: 500 }, (_, index) => Buffer.from(`${String(index)};`));
    const reader = readableFromNode(Readable.from(chunks, { objectMode: false })).getReader();
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
    const reader = readableFromNode(source).getReader();
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
    expect(await readAll(stream)).toBe("one two three");
  });

  it("tells an error only after what came before it", async () => {
    const source = new PassThrough();
    const reader = readableFromNode(source).getReader();
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
    const all = readAll(readableFromNode(source));
    source.destroy();
    expect(await all).toBe("");
    expect(await readAll(readableFromNode(source))).toBe("");
  });

  it("throws nothing when data arrives after it was cancelled", async () => {
    const source = new PassThrough();
    const stream = readableFromNode(source);
    source.write("some");
    await stream.cancel();
    source.emit("data", Buffer.from("late"));
    source.emit("end");
    source.emit("error", new Error("late"));
    expect((await stream.getReader().read()).done).toBe(true);
  });
});
