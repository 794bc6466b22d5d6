import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gateServer, mcpGate } from "../../../../backends/qwen/mcp-gate.ts";
import { objectField, type JsonObject, type McpServerSpec } from "../../../../src/kit.ts";
import { json } from "./lines.ts";

/** An MCP server that says what it was asked. */
const echo = `
import { createInterface } from "node:readline";
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  const tools = [{ name: "say", annotations: { readOnlyHint: true } }, { name: "shout" }];
  const asked = { method, params, gate: process.env.PLAYPEN_MCP_GATE ?? null, own: process.env.OWN ?? null };
  const result = method === "tools/list" ? { tools } : { asked };
  process.stdout.write("no message\\n" + JSON.stringify({ jsonrpc: "2.0", id, result }) + "\\n");
});
`;

interface Answer {
  readonly id?: number;
  readonly result?: JsonObject;
  readonly error?: JsonObject;
}

let folder = "";
let child: ChildProcessWithoutNullStreams | undefined;
let server: Server | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "playpen-qwen-"));
  await writeFile(join(folder, "gate.mjs"), mcpGate);
  await writeFile(join(folder, "echo.mjs"), echo);
});
afterEach(async () => {
  if (child?.exitCode === null) {
    child.kill("SIGKILL");
    await once(child, "close");
  }
  child = undefined;
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

function start(spec: McpServerSpec, place = 0, included?: readonly string[]): ChildProcessWithoutNullStreams {
  const { args, env } = gateServer(spec, place, included, join(folder, "gate.mjs"));
  child = spawn(process.execPath, args as string[], {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...(env as { [name: string]: string }) },
  });
  return child;
}

async function ask(message: JsonObject): Promise<Answer> {
  const running = child;
  if (running === undefined) throw new Error("The gate does not run.");
  const answers = createInterface({ input: running.stdout });
  const answered = once(answers, "line");
  running.stdin.write(`${json({ jsonrpc: "2.0", id: 1, ...message })}\n`);
  const [line] = (await answered) as [string];
  answers.close();
  return JSON.parse(line) as Answer;
}

const stdio = (): McpServerSpec => ({
  ...{ type: "stdio", command: process.execPath, args: [join(folder, "echo.mjs")] },
  env: { OWN: "1" },
});

describe("the gate before an MCP server", () => {
  it("marks the tools, and calls none of them read-only", async () => {
    start(stdio(), 2);
    expect(await ask({ method: "tools/list" })).toMatchObject({
      result: {
        tools: [
          { name: "say··", annotations: { readOnlyHint: false } },
          { name: "shout··", annotations: { readOnlyHint: false } },
        ],
      },
    });
  });

  it("passes calls on by the tools' own names, with the server's own environment", async () => {
    start(stdio(), 2);
    const params = { name: "say··", arguments: { text: "hi" } };
    expect(await ask({ method: "tools/call", params })).toEqual({
      jsonrpc: "2.0",
      id: 1,
      result: {
        asked: {
          method: "tools/call",
          params: { name: "say", arguments: { text: "hi" } },
          gate: null,
          own: "1",
        },
      },
    });
  });

  it("leaves the first server's names as they are, and shows only the tools that are listed", async () => {
    start(stdio(), 0, ["shout"]);
    expect(await ask({ method: "tools/list" })).toMatchObject({ result: { tools: [{ name: "shout" }] } });
  });

  it("ends with its server, and with its input", async () => {
    start({ type: "stdio", command: "/no/such/server" });
    expect(await once(child!, "close")).toEqual([1, null]);
    start(stdio());
    await ask({ method: "ping" });
    child?.stdin.end();
    expect((await once(child!, "close"))[0]).toBe(0);
  });

  it.each([["mcp__echo"], ["*"], ["mc*"]])("lets nothing pass where the project allows %s", async (rule) => {
    await mkdir(join(folder, ".qwen"));
    await writeFile(join(folder, ".qwen", "settings.json"), json({ permissions: { allow: [rule] } }));
    start(stdio());
    let said = "";
    child?.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child!, "close")).toEqual([1, null]);
    expect(said).toContain("rules about tools of MCP servers");
  });

  it("lets the project have other rules", async () => {
    await mkdir(join(folder, ".qwen"));
    await writeFile(join(folder, ".qwen", "settings.json"), json({ permissions: { allow: ["read_file"] } }));
    start(stdio());
    expect(await ask({ method: "ping" })).toHaveProperty("result");
  });
});

describe("the gate before a server of the web", () => {
  async function listen(
    answer: (body: string) => readonly [status: number, type: string, body: string],
  ): Promise<{
    readonly url: string;
    readonly headers: JsonObject[];
  }> {
    const headers: JsonObject[] = [];
    server = createServer((request, response) => {
      let body = "";
      headers.push(request.headers);
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        const [status, type, text] = answer(body);
        response.writeHead(status, { "content-type": type, "mcp-session-id": "s1" }).end(text);
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/mcp`, headers };
  }

  it("speaks in whole answers, keeps the session, and tells its headers in no argument", async () => {
    const { url, headers } = await listen((body) => {
      const { id } = JSON.parse(body) as { id: number };
      return [200, "application/json", json({ jsonrpc: "2.0", id, result: { tools: [{ name: "say" }] } })];
    });
    const { spawnargs } = start({ type: "http", url, headers: { authorization: "Bearer t" } }, 1);
    expect(await ask({ method: "tools/list" })).toMatchObject({ result: { tools: [{ name: "say·" }] } });
    await ask({ method: "ping" });
    expect(headers).toMatchObject([{ authorization: "Bearer t" }, { "mcp-session-id": "s1" }]);
    expect(spawnargs.join(" ")).not.toContain("Bearer");
  });

  it("reads events", async () => {
    const answer = json({ jsonrpc: "2.0", id: 1, result: { ok: true } });
    const { url } = await listen(() => [
      200,
      "text/event-stream",
      `event: message\r\ndata: ${answer}\r\n\r\n`,
    ]);
    start({ type: "http", url });
    expect(await ask({ method: "ping" })).toMatchObject({ result: { ok: true } });
  });

  it("answers where the server does not", async () => {
    const { url } = await listen(() => [500, "text/plain", "Oops"]);
    start({ type: "http", url });
    const { error } = await ask({ method: "ping" });
    expect(objectField({ error }, "error")["message"]).toBe("The MCP server answered with status 500.");
  });
});
