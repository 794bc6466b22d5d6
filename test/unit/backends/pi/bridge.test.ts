import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bridgeSource, type BridgeSettings } from "../../../../backends/pi/bridge.ts";

type Handler = (event: never, context: unknown) => unknown;

interface Tool {
  readonly name: string;
  execute(
    id: string,
    input: object,
    signal: undefined,
    onUpdate: undefined,
    context: unknown,
  ): Promise<unknown>;
}

let folder: string;
let count = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "playpen-bridge-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Loads the extension as Pi would, with what it registers at hand. */
async function load(settings: Partial<BridgeSettings> = {}) {
  const source = bridgeSource({ gate: "allow-all", trustsProject: true, asksHost: false, ...settings });
  const path = join(folder, `bridge-${String(++count)}.mjs`);
  writeFileSync(path, source);
  const { default: extension } = (await import(pathToFileURL(path).href)) as {
    default: (pi: unknown) => void;
  };
  const handlers = new Map<string, Handler>();
  const tools: Tool[] = [];
  extension({
    on: (event: string, handler: Handler) => handlers.set(event, handler),
    registerTool: (tool: Tool) => tools.push(tool),
    getActiveTools: () => ["read", ...tools.map(({ name }) => name)],
  });
  const call = (event: string, value: object, context: unknown): unknown =>
    handlers.get(event)?.(value as never, context);
  return { call, tools };
}

function contextOf(answer: (title: string, text: string) => unknown = () => undefined) {
  const told: string[] = [];
  const ui = {
    input: (title: string, text: string) => Promise.resolve(answer(title, text)),
    setStatus: (key: string, text: string) => told.push(`${key} ${text}`),
  };
  const sessionManager = { getSessionId: () => "abc" };
  return { told, context: { ui, hasUI: true, cwd: process.cwd(), signal: undefined, sessionManager } };
}

const bash = (command = "ls"): { toolCallId: string; toolName: string; input: Record<string, unknown> } => ({
  toolCallId: "call-1",
  toolName: "bash",
  input: { command },
});

describe("the gate", () => {
  it("tells that it is there", async () => {
    const { call } = await load({ gate: "ask" });
    const { told, context } = contextOf();
    call("session_start", {}, context);
    expect(told).toEqual(['playpen {"gate":"ask","tools":["read"]}']);
  });

  it("lets everything pass where all is allowed", async () => {
    const { call } = await load();
    expect(await call("tool_call", bash(), contextOf().context)).toBeUndefined();
  });

  it("lets nothing pass where all is denied, without asking", async () => {
    const { call } = await load({ gate: "deny-all" });
    const { context } = contextOf(() => {
      throw new Error("asked");
    });
    expect(await call("tool_call", bash(), context)).toMatchObject({ block: true });
  });

  it("asks about each call, and obeys", async () => {
    const { call } = await load({ gate: "ask" });
    const asked: unknown[] = [];
    const answers = ['{"allow":true}', '{"allow":false,"message":"Not today."}'];
    const { context } = contextOf((title, text) => {
      asked.push([title, JSON.parse(text)]);
      return answers.shift();
    });
    expect(await call("tool_call", bash(), context)).toBeUndefined();
    expect(await call("tool_call", bash("rm x"), context)).toEqual({ block: true, reason: "Not today." });
    expect(asked).toEqual([
      ["playpen.permission", bash()],
      ["playpen.permission", bash("rm x")],
    ]);
  });

  it("changes the input in place", async () => {
    const { call } = await load({ gate: "ask" });
    const event = { ...bash(), input: { command: "ls", timeout: 5 } };
    await call("tool_call", event, contextOf(() => '{"allow":true,"input":{"command":"pwd"}}').context);
    expect(event.input).toEqual({ command: "pwd" });
  });

  it.each([undefined, "", "{}", "null!", '{"allow":"true"}', '{"allow":1}', "[]", '"allow"'])(
    "takes %j for a no",
    async (answer) => {
      const { call } = await load({ gate: "ask" });
      const outcome = Promise.resolve()
        .then(() => call("tool_call", bash(), contextOf(() => answer).context))
        // Pi does not make a call whose handler throws.
        .catch(() => ({ block: true }));
      expect(await outcome).toMatchObject({ block: true });
    },
  );

  it("throws when nobody can be asked, so that Pi does not make the call", async () => {
    const { call } = await load({ gate: "ask" });
    const { context } = contextOf(() => {
      throw new Error("gone");
    });
    await expect(call("tool_call", bash(), context)).rejects.toThrow("gone");
  });
});

describe("the extension", () => {
  it("takes what is known out of an increment", async () => {
    const { call } = await load();
    const event = {
      message: { role: "assistant", content: ["so far"] },
      assistantMessageEvent: { type: "text_delta", delta: "a", partial: { content: ["so far"] } },
    };
    call("message_update", event, undefined);
    expect(event).toEqual({
      message: { role: "assistant", content: [] },
      assistantMessageEvent: { type: "text_delta", delta: "a" },
    });
  });

  it("tells a file that is new from one that is written anew", async () => {
    const { call } = await load();
    const { context } = contextOf();
    const write = async (path: string): Promise<unknown> => {
      await call("tool_call", { toolCallId: path, toolName: "write", input: { path } }, context);
      return call("tool_result", { toolCallId: path, details: { a: 1 } }, context);
    };
    expect(await write(join(folder, "new.txt"))).toEqual({ details: { a: 1, isNew: true } });
    writeFileSync(join(folder, "old.txt"), "x");
    expect(await write(join(folder, "old.txt"))).toBeUndefined();
  });

  it("offers a tool to ask the host with", async () => {
    const { call, tools } = await load({ asksHost: true, gate: "ask" });
    const { context } = contextOf((title, text) =>
      title === "playpen.question" && text.includes("Which?") ? '{"answers":{"a":"Blue"}}' : undefined,
    );
    call("session_start", {}, context);
    const [tool] = tools;
    const questions = [{ id: "a", question: "Which?", options: [] }];
    expect(await tool!.execute("call-1", { questions }, undefined, undefined, context)).toEqual({
      content: [{ type: "text", text: '{"a":"Blue"}' }],
      details: { answers: { a: "Blue" } },
    });
    await expect(
      tool!.execute("call-2", { questions }, undefined, undefined, contextOf().context),
    ).rejects.toThrow("declined");
    // It does nothing but ask, so that nobody has to be asked about it.
    expect(
      await call("tool_call", { toolCallId: "c", toolName: "request_user_input", input: {} }, context),
    ).toBeUndefined();
  });
});

describe("an interrupt", () => {
  // Pi does not listen for it, and would leave the commands that it runs behind.
  it("becomes the signal upon which Pi ends its commands", async () => {
    const source = bridgeSource({ gate: "allow-all", trustsProject: true, asksHost: false });
    writeFileSync(join(folder, "bridge.mjs"), source);
    const path = join(folder, "pi.mjs");
    writeFileSync(
      path,
      `import extension from "./bridge.mjs";
       const handlers = new Map();
       extension({ on: (event, handler) => handlers.set(event, handler) });
       process.on("SIGTERM", () => process.exit(143));
       handlers.get("session_start")({}, { cwd: process.cwd(), hasUI: false });
       setTimeout(() => process.exit(1), 20_000);
       process.stdout.write("ready");`,
    );
    const child = spawn(process.execPath, [path], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([143, null]);
  });
});
