/** Longer lists of arguments are refused. */
const step = 8192;

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let from = 0; from < bytes.length; from += step) {
    text += String.fromCharCode(...bytes.subarray(from, from + step));
  }
  return btoa(text);
}

/** Decodes base64 that comes in pieces, with line feeds anywhere. */
export class Base64Decoder {
  #rest = "";

  push(text: string): Uint8Array {
    const all = this.#rest + text.replace(/\s/g, "");
    const whole = all.length - (all.length % 4);
    this.#rest = all.slice(whole);
    return Uint8Array.from(atob(all.slice(0, whole)), (character) => character.charCodeAt(0));
  }
}
