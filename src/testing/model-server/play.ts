import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Dialect, Frame } from "./dialects/dialect.ts";
import type { ModelRequest } from "./model-request.ts";
import type { Reply, ReplyPart } from "./reply.ts";

interface Playing {
  readonly dialect: Dialect;
  readonly request: ModelRequest;
  readonly reply: Reply;
  readonly response: ServerResponse;
  /** Ends a pause or a hanging answer. */
  readonly closing: AbortSignal;
}

type Status = Extract<ReplyPart, { type: "status" }>;

/** A client knows a bare frame only by reading it alone, and when it has read the one before nobody tells. */
const beforeBareFrameMs = 100;
const longestPauseMs = 10 * 60_000;

/** Sends an answer at its pace and with its faults. Returns what became of it, in a few words. */
export async function play(playing: Playing): Promise<string> {
  const { response, closing } = playing;
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const ended = AbortSignal.any([closing, gone.signal]);
  try {
    return await (playing.request.stream ? playStream(playing, ended) : playWhole(playing, ended));
  } catch (error) {
    // The client left, or the server closes: nobody reads the rest.
    if (!ended.aborted) throw error;
    response.destroy();
    return "cut short";
  }
}

async function playStream(
  { dialect, request, reply, response }: Playing,
  ended: AbortSignal,
): Promise<string> {
  const stream = dialect.stream(request, reply);
  const send = async (frames: Iterable<Frame>): Promise<void> => {
    for (const frame of frames) {
      if (frame.delta === true && reply.delayMs > 0) await pause(reply.delayMs, ended);
      if (frame.bare === true) await pause(beforeBareFrameMs, ended);
      ended.throwIfAborted();
      if (!response.write(eventText(frame))) await once(response, "drain", { signal: ended });
    }
  };
  const start = async (): Promise<void> => {
    if (response.headersSent) return;
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    await send(stream.start());
  };
  for (const part of reply.parts) {
    switch (part.type) {
      case "wait":
        await pause(part.durationMs, ended);
        break;
      case "hang":
        await silence(ended);
        break;
      case "drop":
        // What was said before must still arrive, so it has to leave this process first.
        if (response.headersSent) await new Promise((resolve) => response.write(":\n\n", resolve));
        response.destroy();
        return "dropped";
      case "status":
        if (!response.headersSent) return sendStatus(dialect, part, response);
        await send(stream.failure(part.status, messageOf(part)));
        response.end();
        return `${part.status} within the stream`;
      default:
        await start();
        await send(stream.content(part));
    }
  }
  await start();
  await send(stream.end());
  response.end();
  return "200 streamed";
}

async function playWhole(
  { dialect, request, reply, response }: Playing,
  ended: AbortSignal,
): Promise<string> {
  for (const part of reply.parts) {
    if (part.type === "wait") await pause(part.durationMs, ended);
    else if (part.type === "hang") await silence(ended);
    else if (part.type === "status") return sendStatus(dialect, part, response);
    else if (part.type === "drop") {
      response.destroy();
      return "dropped";
    }
  }
  response
    .writeHead(200, { "content-type": "application/json" })
    .end(JSON.stringify(dialect.whole(request, reply)));
  return "200";
}

function eventText({ event, data, bare }: Frame): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  if (bare === true) return `${text}\n\n`;
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${text}\n\n`;
}

function sendStatus(dialect: Dialect, part: Status, response: ServerResponse): string {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (part.retryAfterSeconds !== undefined) headers["retry-after"] = String(part.retryAfterSeconds);
  const error = dialect.error(part.status, messageOf(part), part.retryAfterSeconds);
  response.writeHead(part.status, headers).end(JSON.stringify(error));
  return String(part.status);
}

function messageOf(part: Status): string {
  return part.message ?? `The stand-in was told to fail with ${part.status}.`;
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(durationMs, longestPauseMs), undefined, { signal, ref: false });
}

/** Lasts until the client leaves or the server closes. */
async function silence(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
  signal.throwIfAborted();
}
