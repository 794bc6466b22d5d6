import type { AgentContentPart } from "../../src/kit.ts";

/** A prompt as a line for the CLI's standard input. */
export function promptLine(content: readonly AgentContentPart[]): string {
  const parts = content.map((part) =>
    part.type === "text"
      ? { type: "text", text: part.text }
      : { type: "image", source: { type: "base64", media_type: part.mediaType, data: base64(part.data) } },
  );
  return JSON.stringify({ type: "user", message: { role: "user", content: parts } });
}

// `btoa` takes one character per byte, and a call takes a bounded number of arguments.
const chunkBytes = 0x8000;

function base64(data: Uint8Array): string {
  let characters = "";
  for (let start = 0; start < data.length; start += chunkBytes) {
    characters += String.fromCharCode(...data.subarray(start, start + chunkBytes));
  }
  return btoa(characters);
}
