import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = new URL("../../../", import.meta.url).pathname;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "playpen-host-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What every program begins with: a box whose agent does as the prompt says. */
const preamble = `
import { SandboxAgent } from "${root}src/index.ts";
import { memorySandbox } from "${root}src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "${root}src/testing/scripted-backend.ts";

const tool = { name: "Bash", kind: "execute", title: "ls", input: { command: "ls" } };
const program = scriptedAgent(async (input, agent) => {
  if (input.type === "interrupt") await agent.say({ events: [{ type: "turn.interrupted", by: "host" }] });
  if (input.type !== "prompt") return undefined;
  await agent.say({ wakeAfterMs: 3_600_000, events: [{ type: "message.delta", messageId: "m", text: "x" }] });
  if (input.text === "die") return 139;
  if (input.text === "ask") {
    await agent.say({ events: [{ type: "permission.requested", requestId: "r", tool, canRemember: false }] });
  }
  if (input.text === "much") {
    for (let index = 0; index < 5000; index++) {
      await agent.say({ events: [{ type: "message.delta", messageId: "m", text: "x" }] });
    }
  }
  if (input.text === "end") await agent.say({ events: [{ type: "turn.completed", stopReason: "end_turn" }] });
  return undefined;
});
const provider = memorySandbox({ programs: { "scripted-agent": program } });
const start = (options) => SandboxAgent.start({ sandbox: provider, agent: scriptedBackend(), ...options });
const started = async (session, type = "message.delta") => {
  for await (const event of session.events({ from: 1 })) if (event.type === type) return;
};
`;

interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a host program as its users would: nothing handles rejections or exceptions, nothing calls process.exit. */
async function runHost(name: string, source: string): Promise<Outcome> {
  const input = join(folder, `${name}.ts`);
  const output = join(folder, `${name}.mjs`);
  await writeFile(input, `${preamble}${source}\nconsole.log("done");\n`);
  await build({
    entryPoints: [input],
    outfile: output,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "silent",
    nodePaths: [join(root, "node_modules")],
  });
  const child = spawn(process.execPath, [output], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] },
  });
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8");
    child[stream].on("data", (text: string) => (texts[stream] += text));
  }
  // Killed only when it would otherwise never end, which is what the test is about.
  const deadline = setTimeout(() => child.kill("SIGKILL"), 20_000);
  return new Promise((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(deadline);
      resolve({ code, signal, ...texts });
    });
  });
}

describe("a host program", () => {
  it.each<[string, string]>([
    [
      "awaits no turn that fails",
      `const box = await start();
       const session = await box.createSession();
       session.prompt("die");
       session.prompt("die");
       await started(session, "turn.failed");
       await box.destroy();`,
    ],
    [
      "loses its sandbox under running turns and commands",
      `const box = await start();
       const sessions = await Promise.all([box.createSession(), box.createSession()]);
       for (const session of sessions) session.prompt("hang");
       await Promise.all(sessions.map((session) => started(session)));
       provider.lose(box.sandbox.id);
       await Promise.all(sessions.map((session) => started(session, "turn.failed")));
       await box.destroy();`,
    ],
    [
      "has listeners that throw and reject, and a progress listener that does",
      `process.on("warning", () => undefined);
       const bad = () => { throw Object.create(null); };
       const box = await start({ onProgress: async () => bad() });
       const session = await box.createSession();
       session.onEvent(bad);
       session.onEvent(async () => bad());
       await session.prompt("end");
       await box.destroy();`,
    ],
    [
      "never answers a permission, with a long time to do so",
      `const box = await start({ permissions: () => new Promise(() => undefined) });
       const session = await box.createSession({ permissionTimeoutMs: 3_600_000 });
       session.prompt("ask", { timeoutMs: 3_600_000, idleTimeoutMs: 3_600_000 });
       await started(session, "permission.requested");
       await box.destroy();`,
    ],
    [
      "throws in a permission handler what cannot be shown",
      `const box = await start({ permissions: () => { throw Object.create(null); } });
       const session = await box.createSession();
       const turn = session.prompt("ask");
       await started(session, "permission.resolved");
       await turn.interrupt();
       await box.destroy();`,
    ],
    [
      "forgets an iterator that it never reads",
      `const box = await start();
       const session = await box.createSession();
       const iterator = session.prompt("much")[Symbol.asyncIterator]();
       await started(session);
       const events = session.events({ from: 1, backpressure: true });
       await box.destroy();
       globalThis.kept = [iterator, events];`,
    ],
    [
      "destroys its box while sessions are being created, and awaits none of them",
      `const box = await start();
       void box.createSession().catch(() => undefined);
       const session = box.createSession();
       session.catch(() => undefined);
       await box.destroy();
       void box.destroy();`,
    ],
    [
      "closes a session whose agent has died, and everything twice",
      `const box = await start();
       const session = await box.createSession();
       session.prompt("die");
       void session.close();
       void session.interrupt();
       await Promise.all([session.close(), box.destroy(), box.destroy()]);
       await box.destroy();`,
    ],
    [
      "aborts everything by one signal",
      `const controller = new AbortController();
       const box = await start({ signal: controller.signal });
       const session = await box.createSession({ signal: controller.signal });
       for (let index = 0; index < 20; index++) session.prompt("hang", { signal: controller.signal });
       const watching = session.events({ signal: controller.signal })[Symbol.asyncIterator]().next();
       void watching.catch(() => undefined);
       await started(session);
       controller.abort();
       await box.destroy();`,
    ],
  ])("survives when it %s, and ends by itself", async (name, source) => {
    const outcome = await runHost(name.replace(/\W+/g, "-").slice(0, 30), source);
    expect(outcome).toMatchObject({ code: 0, signal: null, stdout: "done\n" });
    expect(outcome.stderr).not.toMatch(/Unhandled|Uncaught|MaxListeners/);
  });

  it("is told by this very test when it does not survive", async () => {
    const rejected = await runHost("rejected", "void Promise.reject(new Error('seen'));");
    expect(rejected).toMatchObject({ code: 1 });
    expect(rejected.stderr).toContain("seen");
  });
});
