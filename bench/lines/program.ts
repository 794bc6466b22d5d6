/** Splits and parses the lines of a turn in this process, by the decoder given as argument. Prints a report. */
import ndjson from "ndjson";
import { LineDecoder } from "playpen/kit";
import { Readable } from "node:stream";
import { wholeMessage } from "../claude-lines/lines.ts";
import { report } from "../kit/report.ts";

const [decoder = "", count = "0"] = process.argv.slice(2);
const chunkBytes = 64 * 1024;

/** Whole messages, at least `lines` lines of them, cut as a pipe cuts them. */
function chunksOf(lines: number): { readonly chunks: readonly Buffer[]; readonly lines: number } {
  const message = wholeMessage();
  const messages = Math.ceil(lines / message.lines);
  const bytes = Buffer.alloc(messages * message.byteLength);
  for (let number = 0, offset = 0; number < messages; number += 1) {
    offset = message.copyTo(bytes, offset, number);
  }
  const chunks: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    chunks.push(bytes.subarray(start, start + chunkBytes));
  }
  return { chunks, lines: messages * message.lines };
}

const decoders: { readonly [name: string]: (chunks: readonly Buffer[]) => Promise<number> } = {
  playpen: async (chunks) => {
    const lineDecoder = new LineDecoder();
    let parsed = 0;
    for await (const chunk of Readable.from(chunks)) {
      for (const line of lineDecoder.push(chunk as Buffer)) {
        if (typeof line === "string" && typeof JSON.parse(line) === "object") parsed += 1;
      }
    }
    return parsed;
  },
  ndjson: async (chunks) => {
    let parsed = 0;
    for await (const value of Readable.from(chunks).pipe(ndjson.parse())) {
      if (typeof value === "object") parsed += 1;
    }
    return parsed;
  },
};

const input = chunksOf(Number(count));
const startedAt = performance.now();
const parsed = await decoders[decoder]?.(input.chunks);
const elapsedMs = performance.now() - startedAt;
if (parsed !== input.lines)
  throw new Error(`${decoder} gave ${String(parsed)} of ${String(input.lines)} lines.`);
report({ values: { lines: input.lines, elapsedMs } });
