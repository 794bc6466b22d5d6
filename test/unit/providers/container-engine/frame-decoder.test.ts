import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameDecoder } from "../../../../providers/container-engine/frame-decoder.ts";
import { frame } from "./frames.ts";

function decode(chunks: readonly Uint8Array[]): { readonly [source: string]: string } {
  const decoder = new FrameDecoder();
  const outputs = { stdin: "", stdout: "", stderr: "", system: "" };
  for (const chunk of chunks) {
    decoder.decode(chunk, (source, payload) => {
      outputs[source] += Buffer.from(payload).toString("latin1");
    });
  }
  return outputs;
}

describe("FrameDecoder", () => {
  it("gives the same outputs wherever the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(0, 1, 2, 3), fc.uint8Array({ maxLength: 30 }))),
        fc.array(fc.nat()),
        (frames, places) => {
          const bytes = Buffer.concat(frames.map(([type, payload]) => frame(type, payload)));
          const cuts = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort(
            (left, right) => left - right,
          );
          const chunks = cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
          const outputs = decode(chunks);
          for (const [type, source] of ["stdin", "stdout", "stderr", "system"].entries()) {
            const own = frames.filter(([each]) => each === type).map(([, payload]) => Buffer.from(payload));
            expect(outputs[source]).toBe(Buffer.concat(own).toString("latin1"));
          }
        },
      ),
    );
  });

  it("hands on the beginning of a frame before its end has come", () => {
    expect(decode([frame(1, Buffer.from("beginning, end")).subarray(0, 17)])["stdout"]).toBe("beginning");
  });

  it("reads frames longer than 2 GiB as such", () => {
    const header = Buffer.from([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    expect(decode([header, Buffer.from("x".repeat(20))])["stdout"]).toBe("x".repeat(20));
  });

  it("refuses what is no such stream, as a terminal's output", () => {
    expect(() => decode([Buffer.from("total 12\r\n")])).toThrow("unknown frame");
    expect(() => decode([Buffer.from([1, 2, 0, 0, 0, 0, 0, 0])])).toThrow("unknown frame");
  });
});
