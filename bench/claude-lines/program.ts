/**
 * A stand-in for the `claude` program that prints as much as it is told to, much faster than anyone can read it.
 *
 *     node claude-lines.js --lines 100000 [--ascii] [Claude Code's own arguments]
 *
 * With `--input-format stream-json` it answers control requests and begins with each user message; otherwise it takes
 * its whole input as the prompt, as `claude -p` does. A turn has exactly the given number of lines.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { messagesFor, sessionId, wholeMessage } from "./lines.ts";

const argumentsGiven = process.argv.slice(2);
const lines = Number(argumentsGiven[argumentsGiven.indexOf("--lines") + 1]);
if (!Number.isSafeInteger(lines) || lines < 3) throw new TypeError("--lines N is missing, N from 3 on");
const isAscii = argumentsGiven.includes("--ascii");
const isLongLived = argumentsGiven.includes("--input-format");
const repliesUserMessages = argumentsGiven.includes("--replay-user-messages");
const batchBytes = 512 * 1024;

let nextNumber = 1;

async function write(data: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(data)) await once(process.stdout, "drain");
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

async function turn(prompt: unknown): Promise<void> {
  const common = { session_id: sessionId, parent_tool_use_id: null };
  await write(
    line({
      type: "system",
      subtype: "init",
      cwd: process.cwd(),
      tools: ["Bash", "Read", "Write"],
      mcp_servers: [],
      model: "claude-sonnet-4-5",
      permissionMode: "bypassPermissions",
      ...common,
    }),
  );
  await write(
    repliesUserMessages
      ? line({ type: "user", message: prompt, isReplay: true, ...common })
      : line({ type: "system", subtype: "status", status: "requesting", ...common }),
  );
  const template = wholeMessage(isAscii);
  const { count, last } = messagesFor(lines - 3, isAscii);
  const perBatch = Math.max(1, Math.floor(batchBytes / template.byteLength));
  for (let done = 0; done < count; done += perBatch) {
    const messages = Math.min(perBatch, count - done);
    const batch = Buffer.allocUnsafe(messages * template.byteLength);
    for (let index = 0; index < messages; index += 1) {
      template.copyTo(batch, index * template.byteLength, nextNumber++);
    }
    await write(batch);
  }
  if (last !== undefined) {
    const rest = Buffer.allocUnsafe(last.byteLength);
    last.copyTo(rest, 0, nextNumber++);
    await write(rest);
  }
  await write(
    line({
      type: "result",
      subtype: "success",
      is_error: false,
      duration_ms: 1000,
      duration_api_ms: 900,
      num_turns: count + 1,
      result: "All done.",
      stop_reason: "end_turn",
      session_id: sessionId,
      total_cost_usd: 0.25,
      usage: { input_tokens: 26, output_tokens: 1900, cache_read_input_tokens: 2048 },
      modelUsage: {},
      permission_denials: [],
      terminal_reason: "completed",
    }),
  );
}

async function answer(request: { readonly request_id?: unknown }): Promise<void> {
  const response = { subtype: "success", request_id: request.request_id, response: {} };
  await write(line({ type: "control_response", response }));
}

if (isLongLived) {
  for await (const text of createInterface({ input: process.stdin })) {
    const message = JSON.parse(text) as { type?: unknown; message?: unknown; request_id?: unknown };
    if (message.type === "control_request") await answer(message);
    else if (message.type === "user") await turn(message.message);
  }
} else {
  const input: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) input.push(chunk);
  await turn({ role: "user", content: Buffer.concat(input).toString() });
}
