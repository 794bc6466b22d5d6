import { once } from "node:events";
import { createConnection } from "node:net";
import { describe, expect, it } from "vitest";
import {
  demoScenario,
  type ModelServer,
  type ModelServerOptions,
  startModelServer,
} from "../../../../src/testing/model-server/index.ts";
import { collect, post, readEvents } from "./client.ts";

function send(
  server: ModelServer,
  prompt: string,
  more: object = {},
  signal?: AbortSignal,
): Promise<Response> {
  const body = { model: "m", stream: true, messages: [{ role: "user", content: prompt }], ...more };
  return post(server, "/v1/messages", body, signal === undefined ? {} : { signal });
}

async function say(server: ModelServer, prompt: string): Promise<string> {
  const { events } = await readEvents(await send(server, prompt));
  return collect(events, "content_block_delta", "delta", "text").join("");
}

describe("startModelServer", () => {
  it("fails as often as told, for each session of its own, and then answers", async () => {
    await using server = await startModelServer();
    const prompt = "!status 429 times 2 retry-after 1\n!text Hi";
    const statusOf = async (session: string): Promise<number> => {
      const body = { model: "m", messages: [{ role: "user", content: prompt }] };
      const response = await post(server, "/v1/messages", body, {
        headers: { "x-claude-code-session-id": session },
      });
      await response.text();
      return response.status;
    };
    expect([await statusOf("a"), await statusOf("a"), await statusOf("b")]).toEqual([429, 429, 429]);
    expect([await statusOf("a"), await statusOf("a"), await statusOf("b"), await statusOf("b")]).toEqual([
      200, 200, 429, 200,
    ]);
  });

  it("closes the socket in the middle of a stream, behind what it said", async () => {
    await using server = await startModelServer();
    const { events, broken } = await readEvents(
      await send(server, "!text one two\n!drop times 1\n!text three"),
    );
    expect(collect(events, "content_block_delta", "delta", "text").join("")).toBe("one two");
    expect(broken).toBe(true);
    expect(await say(server, "!text one two\n!drop times 1\n!text three")).toBe("one twothree");
  });

  it("closes the socket without an answer", async () => {
    await using server = await startModelServer();
    await expect(send(server, "!drop")).rejects.toThrow("fetch failed");
  });

  it("waits before each delta", async () => {
    await using server = await startModelServer();
    const start = performance.now();
    expect(await say(server, "!slow 20\n!text a b c d e\n!wait 30")).toBe("a b c d e");
    // Timers may fire up to a millisecond early.
    expect(performance.now() - start).toBeGreaterThan(5 * 19 + 29);
  });

  it("ends hanging and slow answers when it closes", async () => {
    const server = await startModelServer();
    const hanging = await send(server, "!text Hi\n!hang");
    const slow = await send(server, "!text Hi\n!slow 60000\n!text never");
    const silent = send(server, "!hang").then(
      () => "answered",
      () => "refused",
    );
    await server.close();
    await server.close();
    expect((await readEvents(hanging)).broken).toBe(true);
    expect((await readEvents(slow)).broken).toBe(true);
    expect(await silent).toBe("refused");
    await expect(fetch(server.url)).rejects.toThrow("fetch failed");
  });

  it("closes although a client has not finished its request", async () => {
    const server = await startModelServer();
    const socket = createConnection(server.port, "127.0.0.1");
    const gone = once(socket, "close");
    socket.on("error", () => {});
    socket.resume();
    // The interim answer tells that the server has begun to read the request.
    const begun = once(socket, "data");
    socket.write(
      "POST /v1/messages HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 99\r\n\r\n",
    );
    await begun;
    await server.close();
    await gone;
  });

  it("notices that the client left", async () => {
    const lines: string[] = [];
    let left: (line: string) => void;
    const logged = new Promise<string>((resolve) => {
      left = resolve;
    });
    await using server = await startModelServer({
      log: (line) => {
        lines.push(line);
        left(line);
      },
    });
    const abort = new AbortController();
    await send(server, "!text Hi\n!hang", {}, abort.signal);
    expect(lines).toEqual([]);
    abort.abort();
    expect(await logged).toBe("POST /v1/messages: cut short");
  });

  it("does not keep the process alive", async () => {
    const before = process.getActiveResourcesInfo().filter((resource) => resource === "TCPServerWrap").length;
    await using server = await startModelServer();
    expect(server.port).toBeGreaterThan(0);
    expect(process.getActiveResourcesInfo().filter((resource) => resource === "TCPServerWrap")).toHaveLength(
      before,
    );
  });

  it("lets in only the key it was given, in either API's header", async () => {
    await using server = await startModelServer({ apiKey: "right" });
    const status = async (path: string, headers: Record<string, string>): Promise<number> =>
      (await post(server, path, { input: "!text Hi", messages: [] }, { headers })).status;
    expect(await status("/v1/messages", {})).toBe(401);
    expect(await status("/v1/messages", { "x-api-key": "wrong" })).toBe(401);
    expect(await status("/v1/messages", { "x-api-key": "right" })).toBe(200);
    expect(await status("/v1/responses", { authorization: "Bearer wrong" })).toBe(401);
    expect(await status("/v1/responses", { authorization: "Bearer right" })).toBe(200);
  });

  it("keeps what came in, within a bound", async () => {
    await using server = await startModelServer();
    await say(server, "first");
    await say(server, "!text second");
    expect(server.requests).toMatchObject([
      {
        method: "POST",
        path: "/v1/messages",
        dialect: "anthropic-messages",
        prompt: "first",
        body: { model: "m" },
      },
      { prompt: "!text second" },
    ]);
    for (let count = 0; count < 500; count += 1) await (await fetch(`${server.url}/api/x`)).text();
    expect(server.requests).toHaveLength(500);
    expect(server.requests.every((request) => request.path === "/api/x")).toBe(true);
  });

  it("refuses bodies that are too large, not JSON, or packed", async () => {
    await using server = await startModelServer({ maxBodyBytes: 1000 });
    expect((await send(server, "a".repeat(5_000_000))).status).toBe(413);
    expect(await say(server, "!text still there")).toBe("still there");
    const url = `${server.url}/v1/messages`;
    expect((await fetch(url, { method: "POST", body: "{" })).status).toBe(400);
    expect(
      (await fetch(url, { method: "POST", body: "{}", headers: { "content-encoding": "zstd" } })).status,
    ).toBe(415);
  });

  it("survives a client that speaks no HTTP or leaves at once", async () => {
    await using server = await startModelServer();
    for (const bytes of [
      "\u0000\u0001garbage\r\n\r\n",
      "POST // HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{",
    ]) {
      await new Promise<void>((resolve) => {
        const socket = createConnection(server.port, "127.0.0.1");
        socket.on("error", () => {});
        socket.resume();
        socket.once("close", () => resolve());
        socket.end(bytes);
      });
    }
    expect(await say(server, "!text still there")).toBe("still there");
  });

  it("plays a scenario of one's own", async () => {
    await using server = await startModelServer({
      scenario: (request) => [{ type: "text", text: `${request.model}: ${request.prompt}` }],
    });
    expect(await say(server, "!text Hi")).toBe("m: !text Hi");
  });

  it("tells the client when a scenario throws", async () => {
    await using server = await startModelServer({
      scenario: () => {
        throw new Error("no such scene");
      },
      log: () => {
        throw new Error("no log either");
      },
    });
    const response = await send(server, "Hi");
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("no such scene");
  });

  it("answers a plain prompt plainly, and the demo writes and runs a program", async () => {
    await using plain = await startModelServer();
    expect(await say(plain, "Fix the test")).toContain("Fix the test");
    await using demo = await startModelServer({ scenario: demoScenario });
    const tools = ["Write", "Bash"].map((name) => ({ name, input_schema: { properties: {} } }));
    const { events } = await readEvents(await send(demo, "Fix the test", { tools }));
    const called = events.filter((event) => event["type"] === "content_block_start").at(-1);
    expect(called).toMatchObject({ content_block: { type: "tool_use", name: "Write" } });
    expect(await say(demo, "!text Hi")).toBe("Hi");
  });

  it("refuses options that are unknown or wrong", async () => {
    const wrong: ModelServerOptions = { port: 70_000 };
    await expect(startModelServer(wrong)).rejects.toThrow(/"port" must be a port from 0/);
    const misspelt = { prot: 1 } as ModelServerOptions;
    await expect(startModelServer(misspelt)).rejects.toThrow(/Did you mean "port"/);
    await using taken = await startModelServer();
    await expect(startModelServer({ port: taken.port })).rejects.toThrow("EADDRINUSE");
  });
});
