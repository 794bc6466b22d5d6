import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { Redactor } from "../errors/redactor.ts";
import { isJsonObject } from "../kit/json.ts";
import { show } from "../kit/validate-options.ts";
import { wellFormed } from "../kit/well-formed.ts";
import type { AgentBackend } from "../spec/backend.ts";
import type { AgentContentPart, ContentPart, PromptInput } from "../spec/content.ts";
import type { PromptSummary } from "../spec/events.ts";
import type { Sandbox } from "../spec/sandbox.ts";

const imageTypes = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/** How files of each type begin, as Latin-1. A model's API refuses an image that is not what it is said to be. */
const imageBeginnings: { readonly [mediaType: string]: RegExp } = {
  "image/png": /^\x89PNG\r\n\x1a\n/,
  "image/jpeg": /^\xff\xd8\xff/,
  "image/gif": /^GIF8[79]a/,
  "image/webp": /^RIFF[^]{4}WEBP/,
};
/** More than any model's API takes. */
const maxImageBytes = 20 * 1024 * 1024;
const maxFileBytes = 100 * 1024 * 1024;
const maxParts = 100;
/** File systems take 255; an agent may add an ending of its own. */
const maxNameBytes = 200;

/**
 * Checks a prompt and brings it into one form.
 *
 * @throws TypeError when it is malformed.
 * @throws SandboxAgentError `unsupported` for images that the agent cannot take.
 */
export function checkPrompt(input: PromptInput, backend: AgentBackend): readonly ContentPart[] {
  const parts: readonly unknown[] = typeof input === "string" ? [{ type: "text", text: input }] : input;
  if (!Array.isArray(parts) || parts.length === 0) {
    throw new TypeError(
      `prompt: must be a string or a non-empty array of content parts, received ${show(input)}.`,
    );
  }
  if (parts.length > maxParts) {
    throw new TypeError(
      `prompt: at most ${String(maxParts)} content parts, received ${String(parts.length)}.`,
    );
  }
  const checked = parts.map((part, index) => checkPart(part, `prompt[${String(index)}]`, backend));
  // Agents drop such a prompt, answer the one before once more, or ask the model with words of their own.
  if (checked.every((part) => part.type === "text" && part.text.trim() === "")) {
    throw new TypeError(`prompt: must say something, received blanks only: ${show(input)}.`);
  }
  return checked;
}

function checkPart(part: unknown, place: string, backend: AgentBackend): ContentPart {
  if (!isJsonObject(part)) throw new TypeError(`${place}: must be a content part, received ${show(part)}.`);
  switch (part["type"]) {
    case "text":
      if (typeof part["text"] !== "string" || part["text"] === "") {
        throw new TypeError(`${place}: text must be a non-empty string, received ${show(part["text"])}.`);
      }
      return { type: "text", text: wellFormed(part["text"]) };
    case "image": {
      const { data, mediaType } = part;
      if (!(data instanceof Uint8Array))
        throw new TypeError(`${place}: data must be a Uint8Array of the image.`);
      if (!isImageType(mediaType)) {
        throw new TypeError(
          `${place}: mediaType must be one of ${imageTypes.join(", ")}, received ${show(mediaType)}.`,
        );
      }
      checkSize(data.byteLength, maxImageBytes, place);
      if (imageBeginnings[mediaType]?.test(Buffer.from(data.subarray(0, 16)).toString("latin1")) !== true)
        throw new TypeError(`${place}: data is no ${mediaType}. Correct mediaType, or the bytes.`);
      if (!backend.capabilities.images) {
        const message = `${backend.name} takes no images in mode "${backend.mode}": pass it as a file part, which the agent can open if its tools can.`;
        throw new SandboxAgentError("unsupported", message, {
          details: { subject: backend.name, feature: "images" },
        });
      }
      return { type: "image", data, mediaType };
    }
    case "file": {
      const { name, data } = part;
      if (!isFileName(name)) {
        throw new TypeError(
          `${place}: name must be a plain file name of at most ${String(maxNameBytes)} bytes, without folders and control characters, received ${show(name)}.`,
        );
      }
      if (!(data instanceof Uint8Array) && typeof data !== "string") {
        throw new TypeError(`${place}: data must be a Uint8Array or a string.`);
      }
      checkSize(typeof data === "string" ? Buffer.byteLength(data) : data.byteLength, maxFileBytes, place);
      return { type: "file", name, data };
    }
    default:
      throw new TypeError(
        `${place}: type must be "text", "image" or "file", received ${show(part["type"])}.`,
      );
  }
}

function isImageType(value: unknown): value is "image/png" | "image/jpeg" | "image/gif" | "image/webp" {
  return typeof value === "string" && imageTypes.includes(value);
}

function isFileName(value: unknown): value is string {
  return (
    typeof value === "string" &&
    /^[^/\0-\x1f\x7f]+$/.test(value) &&
    value !== "." &&
    value !== ".." &&
    Buffer.byteLength(value) <= maxNameBytes
  );
}

function checkSize(bytes: number, maxBytes: number, place: string): void {
  if (bytes <= maxBytes) return;
  const limit = `${String(maxBytes / 1024 / 1024)} MiB`;
  throw new TypeError(
    `${place}: data may have ${limit} at most, received ${String(bytes)} bytes. Larger files: box.files.write(), and name the path in the prompt.`,
  );
}

/** What the log records of a prompt: bytes do not belong there. */
export function summarizePrompt(parts: readonly ContentPart[], redactor: Redactor): readonly PromptSummary[] {
  return parts.map((part) => {
    if (part.type === "text") return { type: "text", text: redactor.redact(part.text) };
    const bytes = typeof part.data === "string" ? Buffer.byteLength(part.data) : part.data.byteLength;
    return { type: part.type, name: part.type === "file" ? part.name : part.mediaType, bytes };
  });
}

/** Puts files into a folder of the sandbox and tells the agent where they are. */
export async function preparePrompt(
  parts: readonly ContentPart[],
  place: { readonly sandbox: Sandbox; readonly folder: string; readonly signal: AbortSignal | undefined },
): Promise<readonly AgentContentPart[]> {
  const { sandbox, folder, signal } = place;
  const content: AgentContentPart[] = [];
  for (const part of parts) {
    if (part.type !== "file") {
      content.push(part);
      continue;
    }
    const path = `${folder}/${String(content.length)}/${part.name}`;
    await sandbox.files.write(path, part.data, signal && { signal });
    content.push({ type: "text", text: `The attached file ${part.name} is at ${path}` });
  }
  return content;
}
