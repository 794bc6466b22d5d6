import type { AgentContentPart } from "../../spec/content.ts";
import type { JsonObject } from "../../spec/json.ts";

/** A prompt as ACP's content blocks. */
export function promptBlocks(content: readonly AgentContentPart[]): readonly JsonObject[] {
  return content.map((part) =>
    part.type === "text"
      ? { type: "text", text: part.text }
      : { type: "image", data: base64(part.data), mimeType: part.mediaType },
  );
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
