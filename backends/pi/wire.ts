import type { AgentContentPart, JsonObject } from "../../src/kit.ts";

/** What a prompt or a steering message says, as Pi takes it. */
export function messageFields(content: readonly AgentContentPart[]): JsonObject {
  const images = content.flatMap((part) =>
    part.type === "image" ? [{ type: "image", data: base64(part.data), mimeType: part.mediaType }] : [],
  );
  return { message: promptText(content), ...(images.length === 0 ? {} : { images }) };
}

export function promptText(content: readonly AgentContentPart[]): string {
  return content.flatMap((part) => (part.type === "text" ? part.text : [])).join("\n\n");
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
