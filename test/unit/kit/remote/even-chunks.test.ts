import { describe, expect, it } from "vitest";
import { evenChunks } from "../../../../src/kit/remote/even-chunks.ts";

function streamOf(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk)));
}

async function textsOf(stream: ReadableStream<Uint8Array>): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const chunk of stream) texts.push(new TextDecoder().decode(chunk));
  return texts;
}

describe("chunks of one size", () => {
  it("are joined of small ones and cut of large ones, and the last is what is left", async () => {
    expect(await textsOf(evenChunks(streamOf("a", "bc", "", "defghijkl", "m"), 4))).toEqual([
      "abcd",
      "efgh",
      "ijkl",
      "m",
    ]);
  });

  it("are no more than there are bytes", async () => {
    expect(await textsOf(evenChunks(streamOf("abcd", "efgh"), 4))).toEqual(["abcd", "efgh"]);
    expect(await textsOf(evenChunks(streamOf(), 4))).toEqual([]);
  });

  it("are read of the source only when they are asked for, and a reader that leaves ends it", async () => {
    let taken = 0;
    let reason: unknown;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          taken += 1;
          controller.enqueue(new Uint8Array(3));
        },
        cancel(why) {
          reason = why;
        },
      },
      { highWaterMark: 0 },
    );
    const reader = evenChunks(source, 5).getReader();
    expect((await reader.read()).value?.length).toBe(5);
    expect(taken).toBe(2);
    await reader.cancel("enough");
    expect([taken, reason]).toEqual([2, "enough"]);
  });

  it("fail with their source", async () => {
    const broken = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new Uint8Array(3));
        controller.error(new Error("The source broke."));
      },
    });
    await expect(evenChunks(broken, 5).getReader().read()).rejects.toThrow("The source broke.");
  });
});
