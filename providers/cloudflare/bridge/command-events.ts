import { goneWord } from "./commands.ts";
import type { CommandEvent } from "./protocol.ts";
import { isFields } from "./validation.ts";

/**
 * What a command says, of the events that `execStream` gives. Each event is asked for: nothing is read ahead of whoever
 * takes it. Ends with `exit` or `error`.
 */
export async function* commandEvents(
  events: ReadableStream<Uint8Array>,
): AsyncGenerator<CommandEvent, undefined> {
  let isFirst = true;
  for await (const fields of serverSentEvents(events)) {
    const { type, data, exitCode, error } = fields;
    if ((type === "stdout" || type === "stderr") && typeof data === "string") {
      if (isFirst && data.startsWith(goneWord)) {
        yield { type: "error", status: 404, message: "Its container has ended." };
        return;
      }
      isFirst = false;
      yield { type, data };
    }
    if (type === "complete" && typeof exitCode === "number") {
      yield { type: "exit", code: exitCode };
      return;
    }
    if (type === "error") {
      yield {
        type: "error",
        status: 502,
        message: typeof error === "string" ? error : "The command failed.",
      };
      return;
    }
  }
  yield { type: "error", status: 502, message: "The container did not say how the command ended." };
}

/** What has run to its end, with an output that is small. */
export async function outcomeOf(
  events: ReadableStream<Uint8Array>,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  let [stdout, stderr] = ["", ""];
  for await (const event of commandEvents(events)) {
    if (event.type === "stdout") stdout += event.data;
    if (event.type === "stderr") stderr += event.data;
    if (event.type === "exit") return { code: event.code, stdout, stderr };
    if (event.type === "error") throw new Error(event.message);
  }
  throw new Error("The command did not end.");
}

async function* serverSentEvents(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<{ readonly [name: string]: unknown }> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      text += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = text.split("\n");
      text = done ? "" : (lines.pop() ?? "");
      for (const line of lines) {
        const fields = line.startsWith("data:") ? parsed(line.slice("data:".length)) : undefined;
        if (isFields(fields)) yield fields;
      }
      if (done) return;
    }
  } finally {
    // Whoever stopped listening does not want the rest.
    reader.cancel().catch(() => undefined);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
