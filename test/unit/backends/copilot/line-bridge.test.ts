import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, it } from "vitest";
import { lineBridge } from "../../../../backends/copilot/line-bridge.ts";

const folder = mkdtempSync(`${tmpdir()}/playpen-bridge-`);
const bridgeFile = `${folder}/line-bridge.cjs`;
writeFileSync(bridgeFile, lineBridge);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Says back each framed message, after the text that stands before its first comma where that is `noise`. */
const echoServer = `
let data = Buffer.alloc(0);
process.stdin.on("data", (chunk) => {
  data = Buffer.concat([data, chunk]);
  for (;;) {
    const end = data.indexOf("\\r\\n\\r\\n");
    if (end === -1) return;
    const length = Number(/Content-Length: (\\d+)/.exec(data.toString("latin1", 0, end))[1]);
    if (data.length < end + 4 + length) return;
    const body = data.subarray(end + 4, end + 4 + length);
    data = data.subarray(end + 4 + length);
    const message = JSON.parse(body.toString());
    if (message.exit !== undefined) process.exit(message.exit);
    if (message.kill !== undefined) process.kill(process.pid, message.kill);
    if (message.noise !== undefined) process.stdout.write(message.noise);
    const head = "Content-Length: " + body.length + "\\r\\n\\r\\n";
    // In pieces, so that heads and bodies are cut anywhere.
    const frame = Buffer.concat([Buffer.from(head), body]);
    const cut = Math.min(frame.length, message.cut ?? frame.length);
    process.stdout.write(frame.subarray(0, cut));
    if (cut < frame.length) setImmediate(() => process.stdout.write(frame.subarray(cut)));
  }
});
process.stdin.on("end", () => process.exit(0));
`;
writeFileSync(`${folder}/server.cjs`, echoServer);

interface Bridge {
  readonly process: ChildProcessWithoutNullStreams;
  send(message: object | string): void;
  next(): Promise<string>;
}

function start(env: { readonly [name: string]: string } = {}, command?: readonly string[]): Bridge {
  const args = command ?? [process.execPath, `${folder}/server.cjs`];
  const child = spawn(process.execPath, [bridgeFile, ...args], {
    stdio: "pipe",
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  const lines: AsyncIterator<string> = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    send: (message) => {
      child.stdin.write(`${typeof message === "string" ? message : JSON.stringify(message)}\n`);
    },
    next: async () => {
      const result = await lines.next();
      return result.done === true ? "" : result.value;
    },
  };
}

async function exitOf({ process: child }: Bridge): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return child.signalCode ?? child.exitCode;
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  return signal ?? code;
}

async function end(bridge: Bridge): Promise<unknown> {
  bridge.process.stdin.end();
  return exitOf(bridge);
}

describe("the bridge", () => {
  it("turns frames into lines as they come, with no other behind them", async () => {
    const bridge = start();
    for (const message of [{ id: 1 }, { text: "ä\u2028ö 🎉" }, { text: "x".repeat(200_000) }]) {
      bridge.send(message);
      expect(JSON.parse(await bridge.next())).toEqual(message);
    }
    expect(await end(bridge)).toBe(0);
  });

  it.each([1, 5, 18, 20, 25])("puts frames together that were cut at byte %i", async (cut) => {
    const bridge = start();
    bridge.send({ cut, text: "in two pieces" });
    expect(JSON.parse(await bridge.next())).toEqual({ cut, text: "in two pieces" });
    await end(bridge);
  });

  it("passes on what stands between the frames", async () => {
    const bridge = start();
    bridge.send({ noise: "A warning.\n" });
    expect(await bridge.next()).toBe("A warning.");
    expect(JSON.parse(await bridge.next())).toEqual({ noise: "A warning.\n" });
    await end(bridge);
  });

  it("keeps back what says nothing, and nothing else", async () => {
    const bridge = start();
    const event = (type: string): object => ({
      jsonrpc: "2.0",
      method: "session.event",
      params: { sessionId: "s", event: { type, data: {} } },
    });
    bridge.send(event("model.messages_snapshot"));
    bridge.send(event("assistant.streaming_delta"));
    bridge.send({ jsonrpc: "2.0", method: "session.lifecycle", params: {} });
    bridge.send(event("assistant.message"));
    expect(JSON.parse(await bridge.next())).toEqual(event("assistant.message"));
    await end(bridge);
  });

  it("brings the provider from the environment into the messages that begin a session", async () => {
    const bridge = start({
      COPILOT_PROVIDER_BASE_URL: "http://models/v1",
      COPILOT_PROVIDER_API_KEY: "sk-1",
      COPILOT_PROVIDER_TYPE: "openai",
      COPILOT_PROVIDER_HEADERS: "X-Team: a\\nX-Other: b: c",
      COPILOT_PROVIDER_MAX_PROMPT_TOKENS: "9000",
      COPILOT_PROVIDER_MAX_OUTPUT_TOKENS: "many",
      COPILOT_MODEL: "house-model",
    });
    const provider = {
      baseUrl: "http://models/v1",
      type: "openai",
      apiKey: "sk-1",
      headers: { "X-Team": "a", "X-Other": "b: c" },
      maxPromptTokens: 9000,
    };
    for (const method of ["session.create", "session.resume"]) {
      bridge.send({ jsonrpc: "2.0", id: 1, method, params: { sessionId: "s" } });
      expect(JSON.parse(await bridge.next())).toMatchObject({
        params: { sessionId: "s", provider, model: "house-model" },
      });
    }
    bridge.send({ jsonrpc: "2.0", id: 1, method: "session.create", params: { model: "chosen" } });
    expect(JSON.parse(await bridge.next())).toMatchObject({ params: { model: "chosen", provider } });
    const prompt = {
      jsonrpc: "2.0",
      id: 2,
      method: "session.send",
      params: { prompt: '"method":"session.create"' },
    };
    bridge.send(prompt);
    expect(JSON.parse(await bridge.next())).toEqual(prompt);
    await end(bridge);
  });

  it("leaves a session without a provider to the vendor", async () => {
    const bridge = start({ COPILOT_PROVIDER_BASE_URL: " ", COPILOT_PROVIDER_API_KEY: "sk-1" });
    const message = { jsonrpc: "2.0", id: 1, method: "session.create", params: {} };
    bridge.send(message);
    expect(JSON.parse(await bridge.next())).toEqual(message);
    await end(bridge);
  });

  it("ends the way the command does", async () => {
    const left = start();
    left.send({ exit: 7 });
    expect(await exitOf(left)).toBe(7);
    const killed = start();
    killed.send({ kill: "SIGTERM" });
    expect(await exitOf(killed)).toBe("SIGTERM");
  });

  it("says so when the command is not there", async () => {
    const bridge = start({}, ["/nowhere/copilot"]);
    const errors: Buffer[] = [];
    bridge.process.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    expect(await exitOf(bridge)).toBe(127);
    expect(Buffer.concat(errors).toString()).toContain("/nowhere/copilot could not be started");
  });
});
