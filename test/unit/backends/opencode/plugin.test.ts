import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bridgePlugin, type BridgeSettings } from "../../../../backends/opencode/bridge/plugin.ts";
import { json, type Sent } from "./lines.ts";

/**
 * Stands in for OpenCode: calls the plugin's hooks as it is told on its input, among lines that are for somebody else.
 * What comes of a hook, and what the plugin asks of OpenCode, it writes as lines of its own.
 */
const host = `
import { createInterface } from "node:readline";
import { Playpen } from "./bridge.js";

const say = (told) => process.stdout.write(JSON.stringify(told) + "\\n");
const client = {
  _client: { post: async ({ url, body }) => say({ posted: url, body }) },
  mcp: { status: async () => ({ data: { echo: { status: "connected" } } }) },
  session: {
    get: async ({ path }) => {
      if (path.id !== "ses_1") throw new Error("There is no such session.");
      return { data: { directory: process.cwd() } };
    },
  },
};
const hooks = await Playpen({ client });
createInterface({ input: process.stdin }).on("line", async (line) => {
  const { hook, input, output = {} } = JSON.parse(line);
  if (hook === undefined) return;
  try {
    await hooks[hook](input, output);
    say({ done: hook, output });
  } catch ({ message }) {
    say({ done: hook, failed: message });
  }
});
`;

type Told = Sent & {
  readonly done?: string;
  readonly failed?: string;
  readonly output?: unknown;
  readonly posted?: string;
  readonly body?: unknown;
};

let folder = "";
let child: ChildProcessWithoutNullStreams | undefined;
let told: Told[] = [];
let wake: (() => void) | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "playpen-opencode-"));
  told = [];
});
afterEach(async () => {
  const closed = child && new Promise((resolve) => child?.once("close", resolve));
  child?.kill("SIGKILL");
  await closed;
  child = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function load(settings: Partial<BridgeSettings> = {}): Promise<void> {
  const readyFile = join(folder, "ready");
  const plugin = bridgePlugin({ readyFile, permissions: "ask", shellVariables: {}, ...settings });
  await writeFile(join(folder, "package.json"), json({ type: "module" }));
  await writeFile(join(folder, "bridge.js"), plugin);
  await writeFile(join(folder, "host.js"), host);
  child = spawn(process.execPath, [join(folder, "host.js")], { stdio: "pipe" });
  createInterface({ input: child.stdout }).on("line", (line) => {
    told.push(JSON.parse(line) as Told);
    wake?.();
  });
  await next(({ method }) => method === "_playpen/hello");
}

function call(hook: string, input: object, output: object = {}): void {
  child?.stdin.write(`${json({ hook, input, output })}\n`);
}

function write(line: object): void {
  child?.stdin.write(`${json(line)}\n`);
}

/** Takes the next line that fits, and all before it, off what was told. */
async function next(fits: (line: Told) => boolean): Promise<Told> {
  for (;;) {
    const place = told.findIndex(fits);
    const found = told[place];
    if (found !== undefined) {
      told = told.slice(place + 1);
      return found;
    }
    await new Promise<void>((resolve) => (wake = resolve));
  }
}

const isDone = ({ done }: Told): boolean => done !== undefined;
const asks = ({ id, method }: Told): boolean => id !== undefined && method !== undefined;
const bash = { tool: "bash", sessionID: "ses_1", callID: "c1" };
const event = (type: string, properties: object): object => ({ event: { type, properties } });

describe("the plugin", () => {
  it("tells that it runs", async () => {
    await load();
    expect(existsSync(join(folder, "ready"))).toBe(true);
  });

  it("holds a call back until the host has allowed it, also with another input", async () => {
    await load();
    call("tool.execute.before", bash, { args: { command: "ls", timeout: 5 } });
    const request = await next(asks);
    expect(request).toMatchObject({
      method: "_playpen/permission",
      params: { ...bash, args: { command: "ls", timeout: 5 } },
    });
    // An answer to somebody else, and one to nobody.
    write({ jsonrpc: "2.0", id: 1, result: { outcome: "allow" } });
    write({ jsonrpc: "2.0", id: "playpen:0.0", result: { outcome: "allow" } });
    call("shell.env", {}, { env: {} });
    expect(await next(isDone)).toMatchObject({ done: "shell.env" });
    write({ jsonrpc: "2.0", id: request.id, result: { outcome: "allow", args: { command: "pwd" } } });
    expect(await next(isDone)).toEqual({ done: "tool.execute.before", output: { args: { command: "pwd" } } });
  });

  it.each([
    ["is denied", { outcome: "deny", message: "Not that one." }, "Not that one."],
    ["gets no outcome", {}, "The call was denied."],
    ["gets another outcome", { outcome: "perhaps" }, "The call was denied."],
  ])("lets no call pass that %s", async (_, result, message) => {
    await load();
    call("tool.execute.before", bash, { args: { command: "ls" } });
    const { id } = await next(asks);
    write({ jsonrpc: "2.0", id, result });
    expect(await next(isDone)).toEqual({ done: "tool.execute.before", failed: message });
  });

  it("asks about calls side by side", async () => {
    await load();
    call("tool.execute.before", bash, { args: {} });
    call("tool.execute.before", { ...bash, callID: "c2" }, { args: {} });
    const [first, second] = [await next(asks), await next(asks)];
    expect(first.id).not.toBe(second.id);
    write({ jsonrpc: "2.0", id: second.id, result: { outcome: "deny" } });
    expect(await next(isDone)).toMatchObject({ failed: "The call was denied." });
    write({ jsonrpc: "2.0", id: first.id, result: { outcome: "allow" } });
    expect(await next(isDone)).not.toHaveProperty("failed");
  });

  it("decides by itself where nobody is asked", async () => {
    await load({ permissions: "deny" });
    call("tool.execute.before", bash, { args: {} });
    expect(await next(isDone)).toMatchObject({ failed: "No tool may be used in this session." });
  });

  it("lets every call pass where all are allowed, but for tools that are not listed", async () => {
    await load({ permissions: "allow", allowedTools: ["read"] });
    call("tool.execute.before", { ...bash, tool: "read" }, { args: {} });
    expect(await next(isDone)).not.toHaveProperty("failed");
    call("tool.execute.before", bash, { args: {} });
    expect(await next(isDone)).toMatchObject({ failed: "The tool bash may not be used in this session." });
  });

  it("answers what OpenCode asks beside, by what the host has said of the call", async () => {
    await load();
    const asked = event("permission.asked", { id: "per_1", tool: { callID: "c1" } });
    call("event", asked);
    expect(await next(({ posted }) => posted !== undefined)).toMatchObject({
      posted: "/permission/per_1/reply",
      body: { reply: "reject" },
    });
    call("tool.execute.before", bash, { args: {} });
    const { id } = await next(asks);
    write({ jsonrpc: "2.0", id, result: { outcome: "allow" } });
    await next(({ done }) => done === "tool.execute.before");
    call("event", asked);
    expect(await next(({ posted }) => posted !== undefined)).toMatchObject({ body: { reply: "once" } });
    const state = { status: "completed" };
    const part = { type: "tool", messageID: "m", callID: "c1", tool: "bash", state };
    call("event", event("message.part.updated", { part }));
    call("event", asked);
    expect(await next(({ posted }) => posted !== undefined)).toMatchObject({ body: { reply: "reject" } });
  });

  it("puts questions to the host", async () => {
    await load();
    const question = { id: "que_1", sessionID: "ses_1", questions: [{ question: "Which?" }] };
    call("event", event("question.asked", question));
    const request = await next(asks);
    expect(request).toMatchObject({
      method: "_playpen/question",
      params: { sessionID: "ses_1", questions: [{ question: "Which?" }] },
    });
    write({ jsonrpc: "2.0", id: request.id, result: { answers: [["Red"]] } });
    expect(await next(({ posted }) => posted !== undefined)).toMatchObject({
      posted: "/question/que_1/reply",
      body: { answers: [["Red"]] },
    });
    call("event", event("question.asked", question));
    const again = await next(asks);
    write({ jsonrpc: "2.0", id: again.id, result: {} });
    expect(await next(({ posted }) => posted !== undefined)).toMatchObject({
      posted: "/question/que_1/reject",
    });
  });

  it("keeps the library's variables from commands", async () => {
    await load({ shellVariables: { XDG_DATA_HOME: "/mine", OPENAI_API_KEY: null } });
    call("shell.env", {}, { env: { PATH: "/bin", OPENAI_API_KEY: "k" } });
    expect(await next(isDone)).toMatchObject({ output: { env: { PATH: "/bin", XDG_DATA_HOME: "/mine" } } });
  });

  it("tells of the agent's messages, not of the user's, and of a command's output what is new", async () => {
    await load();
    const isEvent = ({ method }: Told): boolean => method === "_playpen/event";
    const state = (output: string): object => ({ status: "running", input: {}, metadata: { output } });
    const part = (more: object): object => ({ id: "p", messageID: "m", type: "tool", callID: "c1", ...more });
    call("event", event("message.updated", { info: { id: "u", role: "user" } }));
    call("event", event("message.part.updated", { part: { id: "p", messageID: "u", type: "text" } }));
    call("event", event("message.updated", { info: { id: "m", role: "assistant", error: { name: "E" } } }));
    expect(await next(isEvent)).toMatchObject({
      params: { type: "message.updated", properties: { info: { id: "m", error: { name: "E" } } } },
    });
    for (const output of ["", "one\n", "one\n", "one\ntwo\n"]) {
      call("event", event("message.part.updated", { part: part({ state: state(output) }) }));
    }
    call("event", event("session.idle", { sessionID: "ses_1" }));
    await next(({ params }) => params?.["type"] === "message.part.updated");
    const added = [await next(isEvent), await next(isEvent)].map(({ params }) => json(params ?? {}));
    expect(added[0]).toContain('"added":"one\\n"');
    expect(added[1]).toContain('"added":"two\\n"');
    expect(await next(isEvent)).toMatchObject({ params: { type: "session.idle" } });
  });

  it("lets no session be prompted that works in another folder than the host wants", async () => {
    await load({ takenUp: { sessionId: "ses_1", cwd: folder } });
    const elsewhere = process.cwd();
    call("chat.message", { sessionID: "ses_1" });
    expect(await next(({ method }) => method === "_playpen/prompt")).toMatchObject({ params: { elsewhere } });
    expect(await next(isDone)).toMatchObject({
      done: "chat.message",
      failed: `The session belongs to the folder ${elsewhere}.`,
    });
  });

  it.each([
    ["is of the same folder by another name", "ses_1"],
    ["OpenCode knows nothing of", "ses_2"],
  ])("lets a session be prompted that %s", async (_, sessionId) => {
    const cwd = join(folder, "link");
    await symlink(process.cwd(), cwd);
    await load({ takenUp: { sessionId, cwd } });
    call("chat.message", { sessionID: "ses_1" });
    expect(await next(isDone)).toEqual({ done: "chat.message", output: {} });
  });

  it("tells of MCP servers when something has changed", async () => {
    await load();
    const prompted = ({ method }: Told): boolean => method === "_playpen/prompt";
    call("chat.message", { sessionID: "ses_1" });
    expect((await next(prompted)).params).toEqual({
      sessionID: "ses_1",
      servers: { echo: { status: "connected" } },
    });
    call("chat.message", { sessionID: "ses_1" });
    expect((await next(prompted)).params).toEqual({ sessionID: "ses_1" });
  });
});
