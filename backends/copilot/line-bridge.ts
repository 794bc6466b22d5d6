import { silentEvents, silentNotifications } from "./events/silent.ts";

/**
 * A small program for Node that stands between the library and the CLI's headless server. The server's messages are
 * framed by their length and end with no line end, so that the last one would wait in a reader of lines until another
 * one comes: here each becomes a line, and each line a framed message.
 *
 * It also knows what the conversation does not: the environment. Other than its other modes, the CLI's server reads
 * neither the provider nor the provider's key from there, and wants both within its messages. And it keeps back what
 * says nothing to the library, such as the whole conversation after each answer.
 *
 * It is run as `node FILE COMMAND [ARGUMENT…]` and ends the way the command does.
 */
export const lineBridge = String.raw`"use strict";
const { spawn } = require("node:child_process");

const silentEvents = new Set(${JSON.stringify([...silentEvents])});
const silentNotifications = new Set(${JSON.stringify([...silentNotifications])});
const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
const lineEnd = Buffer.from("\n");
const headEnd = "\r\n\r\n";

child.on("error", (error) => {
  process.stderr.write("Error: " + command + " could not be started: " + error.message + "\n");
  process.exit(127);
});
child.on("close", (code, signal) => {
  process.stdin.destroy();
  if (signal === null) process.exitCode = code ?? 1;
  else process.kill(process.pid, signal);
});
child.stdin.on("error", () => undefined);
process.stdout.on("error", () => child.kill());

let unread = [];
process.stdin.on("data", (chunk) => {
  let start = 0;
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
    send(Buffer.concat([...unread, chunk.subarray(start, end)]));
    unread = [];
    start = end + 1;
  }
  if (start < chunk.length) unread.push(chunk.subarray(start));
});
process.stdin.on("end", () => child.stdin.end());

function send(line) {
  if (line.length === 0) return;
  const body = withProvider(line);
  child.stdin.write("Content-Length: " + body.length + headEnd);
  if (!child.stdin.write(body)) {
    process.stdin.pause();
    child.stdin.once("drain", () => process.stdin.resume());
  }
}

function withProvider(line) {
  if (!/"method":"session\.(?:create|resume)"/.test(line.toString("latin1", 0, 200))) return line;
  const message = JSON.parse(line.toString("utf8"));
  const provider = providerOf(process.env);
  if (provider === undefined) return line;
  const model = message.params.model ?? valueOf("COPILOT_MODEL");
  message.params = { ...message.params, ...(model === undefined ? {} : { model }), provider };
  return Buffer.from(JSON.stringify(message));
}

function providerOf(env) {
  const baseUrl = valueOf("COPILOT_PROVIDER_BASE_URL");
  if (baseUrl === undefined) return undefined;
  const version = valueOf("COPILOT_PROVIDER_AZURE_API_VERSION");
  const headers = valueOf("COPILOT_PROVIDER_HEADERS");
  // What is undefined is left out of JSON.
  return {
    baseUrl,
    type: valueOf("COPILOT_PROVIDER_TYPE"),
    wireApi: valueOf("COPILOT_PROVIDER_WIRE_API"),
    transport: valueOf("COPILOT_PROVIDER_TRANSPORT"),
    apiKey: valueOf("COPILOT_PROVIDER_API_KEY"),
    apiKeyCommand: valueOf("COPILOT_PROVIDER_API_KEY_COMMAND"),
    bearerToken: valueOf("COPILOT_PROVIDER_BEARER_TOKEN"),
    azure: version === undefined ? undefined : { apiVersion: version },
    headers: headers === undefined ? undefined : headersOf(headers),
    modelId: valueOf("COPILOT_PROVIDER_MODEL_ID"),
    wireModel: valueOf("COPILOT_PROVIDER_WIRE_MODEL"),
    maxPromptTokens: numberOf("COPILOT_PROVIDER_MAX_PROMPT_TOKENS"),
    maxOutputTokens: numberOf("COPILOT_PROVIDER_MAX_OUTPUT_TOKENS"),
  };
}

function valueOf(name) {
  const value = process.env[name];
  return value === undefined || value.trim() === "" ? undefined : value;
}

function numberOf(name) {
  const value = Number(valueOf(name));
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function headersOf(text) {
  const pairs = text.split(/\r?\n|\\n/).flatMap((line) => {
    const colon = line.indexOf(":");
    return colon < 1 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
  });
  return Object.fromEntries(pairs);
}

let chunks = [];
let available = 0;
let wanted = 0;
child.stdout.on("data", (chunk) => {
  chunks.push(chunk);
  available += chunk.length;
  if (available < wanted) return;
  let data = chunks.length === 1 ? chunk : Buffer.concat(chunks);
  const lines = [];
  wanted = 0;
  for (;;) {
    const end = data.indexOf(headEnd);
    if (end === -1) break;
    const head = data.toString("latin1", 0, end);
    const length = /(?:^|\n)Content-Length: *(\d+)/i.exec(head);
    if (length === null) {
      // Not a message: what the CLI had to say otherwise is for the reader to judge.
      lines.push(Buffer.from(head.trim()), lineEnd);
      data = data.subarray(end + headEnd.length);
      continue;
    }
    const bodyStart = end + headEnd.length;
    const bodyEnd = bodyStart + Number(length[1]);
    if (data.length < bodyEnd) {
      wanted = bodyEnd;
      break;
    }
    const before = head.slice(0, length.index).trim();
    if (before !== "") lines.push(Buffer.from(before), lineEnd);
    const body = data.subarray(bodyStart, bodyEnd);
    if (!isSilent(body)) lines.push(body, lineEnd);
    data = data.subarray(bodyEnd);
  }
  chunks = data.length === 0 ? [] : [data];
  available = data.length;
  if (lines.length === 0 || process.stdout.write(Buffer.concat(lines))) return;
  child.stdout.pause();
  process.stdout.once("drain", () => child.stdout.resume());
});

// By how the server writes its messages; one that it should write otherwise some day only passes through.
const eventStart = /^\{"jsonrpc":"2\.0","method":"session\.event","params":\{"sessionId":"[^"]*","event":\{"type":"([^"]+)"/;
const notificationStart = /^\{"jsonrpc":"2\.0","method":"([^"]+)","params"/;
function isSilent(body) {
  const start = body.toString("latin1", 0, 300);
  const event = eventStart.exec(start);
  if (event !== null) return silentEvents.has(event[1]);
  const notification = notificationStart.exec(start);
  return notification !== null && silentNotifications.has(notification[1]);
}
`;
