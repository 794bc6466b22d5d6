import type { AgentContentPart, JsonObject } from "../../src/kit.ts";

/** Lines for the CLI's standard input. */

export function userLine(content: readonly AgentContentPart[]): string {
  const parts = content.map((part) =>
    part.type === "text"
      ? { type: "text", text: part.text }
      : { type: "image", source: { type: "base64", media_type: part.mediaType, data: base64(part.data) } },
  );
  return JSON.stringify({ type: "user", message: { role: "user", content: parts } });
}

export function requestLine(requestId: string, request: JsonObject): string {
  return JSON.stringify({ type: "control_request", request_id: requestId, request });
}

export function responseLine(requestId: string, response: JsonObject): string {
  return JSON.stringify({
    type: "control_response",
    response: { subtype: "success", request_id: requestId, response },
  });
}

export function errorResponseLine(requestId: string, error: string): string {
  return JSON.stringify({
    type: "control_response",
    response: { subtype: "error", request_id: requestId, error },
  });
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
