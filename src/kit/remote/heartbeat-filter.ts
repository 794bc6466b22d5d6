import { heartbeatLine } from "./launcher.ts";

const mark = new TextEncoder().encode(heartbeatLine);

/** Takes the launcher's heartbeats out of a stream, wherever its chunks are cut; everything else stays as it was. */
export class HeartbeatFilter {
  /** How many bytes of the mark the last chunk ended with; they are held back. */
  #matched = 0;

  /** Returns what is left of a chunk, which may be nothing. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#matched === 0 && !chunk.includes(mark[0] ?? 0)) return chunk;
    const bytes = Buffer.concat([mark.subarray(0, this.#matched), chunk]);
    const kept: Buffer[] = [];
    let from = 0;
    for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, from)) {
      kept.push(bytes.subarray(from, at));
      from = at + mark.length;
    }
    const rest = bytes.subarray(from);
    this.#matched = beginningAtEnd(rest);
    kept.push(rest.subarray(0, rest.length - this.#matched));
    return Buffer.concat(kept);
  }

  /** What was held back, when the stream has ended. */
  end(): Uint8Array {
    const held = mark.subarray(0, this.#matched);
    this.#matched = 0;
    return held;
  }
}

/** How many of the last bytes could be the beginning of a mark. */
function beginningAtEnd(bytes: Buffer): number {
  for (let length = Math.min(mark.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}
