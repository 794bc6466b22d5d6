import { createConnection } from "node:net";
import { text as readText } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrayField, isJsonObject, parseJson, stringField } from "../../../../src/kit/json.ts";
import type { JsonObject } from "../../../../src/spec/json.ts";
import { type ModelServer, startModelServer } from "../../../../src/testing/model-server/index.ts";
import { at, post, readLines } from "./client.ts";

const declarations = [
  declaration("run_shell_command", { command: { type: "string" }, description: {} }),
  // The API's own form of a schema, beside the JSON schema of the others.
  { name: "write_file", parameters: { type: "OBJECT", properties: { file_path: {}, content: {} } } },
  declaration("ask_user", { questions: { items: { properties: { type: { type: "string" } } } } }),
];
const context = user(
  "<session_context>\nThis is the Gemini CLI.\n- **Workspace Directories:**\n  - /workspace\n!text no\n</session_context>",
);

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

function declaration(name: string, properties: JsonObject): JsonObject {
  return { name, parametersJsonSchema: { type: "object", properties } };
}

function user(text: string): JsonObject {
  return { role: "user", parts: [{ text }] };
}

function result(...ids: readonly (string | undefined)[]): JsonObject {
  const response = { output: "!text not typed" };
  return { role: "user", parts: ids.map((id) => ({ functionResponse: { id, name: "x", response } })) };
}

function send(method: string, contents: readonly JsonObject[], more: JsonObject = {}): Promise<Response> {
  const tools = [{ functionDeclarations: declarations }];
  return post(server, `/v1beta/models/gemini-x:${method}`, {
    contents: [context, ...contents],
    tools,
    ...more,
  });
}

/** The bytes of an answer, with the framing of its chunks. */
async function rawPost(path: string, body: string): Promise<string> {
  const socket = createConnection(server.port, "127.0.0.1");
  const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}`;
  socket.write(`${head}\r\n\r\n${body}`);
  return await readText(socket);
}

/** The chunks of an answer, all of them of one answer, of which the last has the reason and the usage. */
async function ask(contents: readonly JsonObject[], more: JsonObject = {}): Promise<JsonObject[]> {
  const response = await send("streamGenerateContent?alt=sse", contents, more);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const { lines, broken } = await readLines(response);
  expect(broken).toBe(false);
  const chunks = lines.map(chunkOf);
  expect(new Set(chunks.map((chunk) => chunk["responseId"])).size).toBe(1);
  expect(chunks.map((chunk) => at(chunk, "candidates", 0, "finishReason") !== undefined)).toEqual(
    chunks.map((_, index) => index === chunks.length - 1),
  );
  return chunks;
}

function chunkOf(line: string): JsonObject {
  const data = parseJson(line.replace(/^data: /, ""));
  if (!isJsonObject(data)) throw new Error(`no chunk: ${line}`);
  return data;
}

function parts(chunks: readonly JsonObject[]): unknown[] {
  return chunks.flatMap((chunk) => arrayField(at(chunk, "candidates", 0, "content"), "parts"));
}

function text(chunks: readonly JsonObject[]): string {
  return parts(chunks)
    .filter((part) => at(part, "thought") !== true)
    .map((part) => stringField(part, "text") ?? "")
    .join("");
}

function calls(chunks: readonly JsonObject[]): unknown[] {
  return parts(chunks)
    .map((part) => at(part, "functionCall"))
    .filter(isJsonObject)
    .map(({ name, args }) => ({ name, args }));
}

describe("Gemini's API", () => {
  it("streams thoughts whole and text word by word", async () => {
    const chunks = await ask([
      user(
        "!think Let me see\n!text Hello there\n!usage input=7 output=5 cacheRead=2 cacheWrite=1 reasoning=3",
      ),
    ]);
    expect(parts(chunks)).toEqual([
      { text: "Let me see", thought: true },
      { text: "Hello" },
      { text: " there" },
      { text: "" },
    ]);
    expect(chunks.at(-1)).toMatchObject({
      modelVersion: "gemini-x",
      candidates: [{ content: { role: "model" }, finishReason: "STOP", index: 0 }],
      usageMetadata: {
        promptTokenCount: 10,
        cachedContentTokenCount: 2,
        candidatesTokenCount: 2,
        thoughtsTokenCount: 3,
        totalTokenCount: 15,
      },
    });
  });

  it("calls tools one after the other and together, as the results come in", async () => {
    const contents = [user("!text First\n!shell ls\n!write a.txt hi\n!also shell pwd\n!text Bye")];
    const first = await ask(contents);
    expect(text(first)).toBe("First");
    const shell = { name: "run_shell_command", args: { command: "ls", description: "Run a command" } };
    expect(calls(first)).toEqual([shell]);
    expect(at(first.at(-1), "candidates", 0, "finishReason")).toBe("STOP");
    contents.push({ role: "model", parts: parts(first).filter(isJsonObject) }, result("a"));
    expect(calls(await ask(contents))).toEqual([
      { name: "write_file", args: { file_path: "/workspace/a.txt", content: "hi" } },
      { ...shell, args: { ...shell.args, command: "pwd" } },
    ]);
    // Ids are optional in this API.
    contents.push(result(undefined, undefined));
    const last = await ask(contents);
    expect(calls(last)).toEqual([]);
    expect(text(last)).toBe("Bye");
  });

  it("gives each call an id and a signature of its thoughts", async () => {
    const called = parts(await ask([user("!shell ls\n!also shell pwd")])).slice(0, 2);
    const ids = called.map((part) => at(part, "functionCall", "id"));
    expect(new Set(ids).size).toBe(2);
    expect(called).toEqual(
      called.map(
        () => expect.objectContaining({ thoughtSignature: expect.any(String) as string }) as unknown,
      ),
    );
  });

  it("starts anew with the next prompt, and recalls the earlier ones", async () => {
    const contents = [user("I am Ada\n!shell ls"), result("a"), user("!recall\n!shell pwd")];
    const chunks = await ask(contents);
    expect(text(chunks)).toBe("1. I am Ada\n!shell ls");
    expect(calls(chunks)).toHaveLength(1);
    const nudge = user("[System: You previously returned an empty response with no text or thoughts.]");
    expect(text(await ask([user("!text typed"), nudge]))).toBe("typed");
  });

  it("answers whole, counts tokens and lists models", async () => {
    const response = await send("generateContent", [
      user("!think Hm\n!repeat 2 Hi\n!stop MAX_TOKENS\n!shell ls"),
    ]);
    expect(await response.json()).toMatchObject({
      candidates: [
        {
          content: {
            parts: [
              { text: "Hm", thought: true },
              { text: "HiHi" },
              { functionCall: { name: "run_shell_command" } },
            ],
          },
          finishReason: "MAX_TOKENS",
        },
      ],
      usageMetadata: { totalTokenCount: expect.any(Number) as number },
    });
    const counted: unknown = await (await send("countTokens", [user("Hello")])).json();
    expect(counted).toEqual({ totalTokens: expect.any(Number) as number });
    expect(await (await fetch(`${server.url}/v1beta/models`)).json()).toEqual({ models: [] });
  });

  it("asks the user in the form that the tool wants", async () => {
    expect(calls(await ask([user("!ask Which? | Red | Blue")]))).toMatchObject([
      {
        name: "ask_user",
        args: {
          questions: [{ type: "choice", question: "Which?", options: [{ label: "Red" }, { label: "Blue" }] }],
        },
      },
    ]);
  });

  it("gives structured answers, scripted or as plain as the schema allows", async () => {
    for (const generationConfig of [
      { responseJsonSchema: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] } },
      { responseSchema: { type: "OBJECT", properties: { ok: { type: "BOOLEAN" } } } },
    ]) {
      const more = { generationConfig, tools: [] };
      expect(text(await ask([user('!json {"ok":true}')], more))).toBe('{"ok":true}');
      expect(text(await ask([user("Is it?")], more))).toBe('{"ok":false}');
    }
  });

  it("answers what the CLI asks for itself without playing the script", async () => {
    const side = async (prompt: string, instructions = "", schema: JsonObject = {}): Promise<unknown> => {
      const response = await send("generateContent", [user("!status 500"), user(prompt)], {
        tools: [],
        systemInstruction: { parts: [{ text: instructions }] },
        generationConfig: { responseJsonSchema: schema },
      });
      return at(await response.json(), "candidates", 0, "content", "parts", 0, "text");
    };
    const check = "Analyze *only* the content and structure of your immediately preceding response.\n!hang";
    const speakers = { reasoning: { type: "string" }, next_speaker: { enum: ["user", "model"] } };
    expect(await side(check, "", { type: "object", properties: speakers })).toBe(
      '{"reasoning":"None","next_speaker":"user"}',
    );
    const router = "You are a specialized Task Routing AI. Your sole function is to classify.";
    const models = { model_choice: { type: "string", enum: ["flash", "pro"] } };
    expect(await side("!hang", router, { type: "object", properties: models })).toBe(
      '{"model_choice":"flash"}',
    );
    expect(await side("Now generate the updated <state_snapshot>.")).toContain("> !status 500");
    const summary =
      "Summarize the user's primary intent or goal in this conversation in ONE sentence.\n!hang";
    expect(await side(summary)).toBe("A session with a stand-in model");
    expect(server.requests.slice(-4).map((request) => request.side)).toEqual([
      "decision",
      "decision",
      "compaction",
      "summary",
    ]);
  });

  it("fails with the errors of the real API, which say there too when to try again", async () => {
    for (const [code, status] of [
      [400, "INVALID_ARGUMENT"],
      [401, "UNAUTHENTICATED"],
      [404, "NOT_FOUND"],
      [429, "RESOURCE_EXHAUSTED"],
      [500, "INTERNAL"],
      [503, "UNAVAILABLE"],
    ] as const) {
      const response = await send("streamGenerateContent?alt=sse", [
        user(`!status ${code} times 1 Sorry\n!text Hi`),
      ]);
      expect(response.status).toBe(code);
      expect(await response.json()).toEqual({ error: { code, message: "Sorry", status } });
      expect(text(await ask([user(`!status ${code} times 1 Sorry\n!text Hi`)]))).toBe("Hi");
    }
    const limited = await send("generateContent", [user("!status 429 retry-after 1.5")]);
    expect(limited.headers.get("retry-after")).toBe("1.5");
    expect(await limited.json()).toMatchObject({
      error: { details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.5s" }] },
    });
  });

  it("breaks off a stream by an error that is no event", async () => {
    const response = await send("streamGenerateContent?alt=sse", [user("!text Hi\n!status 503 Too much")]);
    const { lines, broken } = await readLines(response);
    expect(broken).toBe(false);
    expect(text(lines.slice(0, -1).map(chunkOf))).toBe("Hi");
    expect(lines.at(-1)).toBe('{"error":{"code":503,"message":"Too much","status":"UNAVAILABLE"}}');
  });

  it("sends such an error apart from what it said before, as a client must read it alone", async () => {
    const start = performance.now();
    const body = JSON.stringify({ contents: [user("!text Hi\n!status 503")] });
    const answer = await rawPost("/v1beta/models/m:streamGenerateContent?alt=sse", body);
    // A chunk of the transfer encoding of its own: its length, then the error.
    expect(answer).toMatch(/\r\n[0-9a-f]+\r\n\{"error":/);
    expect(performance.now() - start).toBeGreaterThan(99);
  });

  it("closes the socket behind what it said", async () => {
    const dropped = await readLines(
      await send("streamGenerateContent?alt=sse", [user("!text Hi you\n!drop")]),
    );
    expect(dropped.broken).toBe(true);
    expect(text(dropped.lines.map(chunkOf))).toBe("Hi you");
  });

  it("takes the key from its own header", async () => {
    await using guarded = await startModelServer({ apiKey: "right" });
    const status = async (key: string): Promise<number> => {
      const body = { contents: [user("!text Hi")] };
      const init = { headers: { "x-goog-api-key": key } };
      const response = await post(guarded, "/v1beta/models/m:generateContent", body, init);
      if (response.status === 401)
        expect(at(await response.json(), "error", "status")).toBe("UNAUTHENTICATED");
      return response.status;
    };
    expect([await status("wrong"), await status("right")]).toEqual([401, 200]);
  });
});
