/** Longer lists of arguments are refused. */
const step = 8192;

/** Newer runtimes do it by themselves, and many times as fast. */
interface NativeBase64 {
  toBase64?(): string;
}

interface NativeBase64Class {
  readonly BYTES_PER_ELEMENT: number;
  fromBase64?(this: void, text: string): Uint8Array;
}

export function toBase64(bytes: Uint8Array & NativeBase64): string {
  if (bytes.toBase64 !== undefined) return bytes.toBase64();
  let text = "";
  for (let from = 0; from < bytes.length; from += step) {
    text += String.fromCharCode(...bytes.subarray(from, from + step));
  }
  return btoa(text);
}

function fromBase64(text: string, { fromBase64: decode }: NativeBase64Class = Uint8Array): Uint8Array {
  if (decode !== undefined) return decode(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Decodes base64 that comes in pieces, with line feeds anywhere. */
export class Base64Decoder {
  #rest = "";

  push(text: string): Uint8Array {
    const all = this.#rest + text.replace(/\s/g, "");
    const whole = all.length - (all.length % 4);
    this.#rest = all.slice(whole);
    return fromBase64(all.slice(0, whole));
  }
}
