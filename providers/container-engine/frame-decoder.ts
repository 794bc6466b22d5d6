const headerBytes = 8;

/** What a frame belongs to; `system` carries the engine's own complaint about the stream. */
export type FrameSource = "stdin" | "stdout" | "stderr" | "system";

const sources: readonly FrameSource[] = ["stdin", "stdout", "stderr", "system"];

/**
 * Takes apart the engine's multiplexed stream: each frame has a header of eight bytes (source, three zeros, length as
 * a big-endian number) and a payload. Payloads are handed on as they come, without waiting for a frame's end and
 * without copying, so that nothing is held back however the bytes are cut.
 */
export class FrameDecoder {
  readonly #header = new Uint8Array(headerBytes);
  readonly #view = new DataView(this.#header.buffer);
  #headerLength = 0;
  #source: FrameSource = "stdout";
  #remaining = 0;

  /** @throws Error when the bytes are no such stream. */
  decode(chunk: Uint8Array, take: (source: FrameSource, payload: Uint8Array) => void): void {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#remaining === 0) {
        const part = chunk.subarray(offset, offset + headerBytes - this.#headerLength);
        this.#header.set(part, this.#headerLength);
        this.#headerLength += part.length;
        offset += part.length;
        if (this.#headerLength < headerBytes) return;
        this.#readHeader();
      } else {
        const payload = chunk.subarray(offset, offset + this.#remaining);
        offset += payload.length;
        this.#remaining -= payload.length;
        take(this.#source, payload);
      }
    }
  }

  #readHeader(): void {
    const source = sources[this.#view.getUint8(0)];
    const padding = this.#view.getUint32(0) & 0xffffff;
    if (source === undefined || padding !== 0) {
      throw new Error(
        `The engine sent an unknown frame (header ${Buffer.from(this.#header).toString("hex")}).`,
      );
    }
    this.#source = source;
    this.#remaining = this.#view.getUint32(4);
    this.#headerLength = 0;
  }
}
