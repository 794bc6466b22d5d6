import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrayField, isJsonObject, objectField, parseJson, stringField } from "../../../../src/kit/json.ts";
import type { JsonObject } from "../../../../src/spec/json.ts";
import { type ModelServer, startModelServer } from "../../../../src/testing/model-server/index.ts";
import { readChatRequest } from "../../../../src/testing/model-server/dialects/chat-request.ts";
import { at, post, readLines } from "./client.ts";

const path = "/v1/chat/completions";
const tools = [
  functionTool("bash", { command: {}, description: {} }),
  functionTool("write", { path: {}, content: {} }),
  functionTool("mcp__notes__add-note", { text: {} }),
];
const system = {
  role: "system",
  content: "You are an agent.\nCurrent working directory: /workspace\n!text no",
};

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

function functionTool(name: string, properties: JsonObject): JsonObject {
  return { type: "function", function: { name, parameters: { type: "object", properties } } };
}

function user(text: string): JsonObject {
  return { role: "user", content: text };
}

function result(id: string): JsonObject {
  return { role: "tool", tool_call_id: id, content: "!text not typed" };
}

/** The chunks of an answer, all of them of one completion, and properly ended. */
async function ask(messages: readonly JsonObject[], more: JsonObject = {}): Promise<JsonObject[]> {
  const body = { model: "m", stream: true, tools, messages: [system, ...messages], ...more };
  const response = await post(server, path, body);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const { lines, broken } = await readLines(response);
  expect(broken).toBe(false);
  expect(lines.pop()).toBe("data: [DONE]");
  const chunks = lines.map(chunkOf);
  expect(new Set(chunks.map((chunk) => chunk["id"])).size).toBe(1);
  return chunks;
}

function chunkOf(line: string): JsonObject {
  const data = parseJson(line.replace(/^data: /, ""));
  if (!isJsonObject(data)) throw new Error(`no chunk: ${line}`);
  return data;
}

function deltas(chunks: readonly JsonObject[]): JsonObject[] {
  return chunks
    .flatMap((chunk) => arrayField(chunk, "choices"))
    .map((choice) => objectField(choice, "delta"));
}

function text(chunks: readonly JsonObject[], member = "content"): string {
  return deltas(chunks)
    .map((delta) => stringField(delta, member) ?? "")
    .join("");
}

/** Name and input of the tools that an answer calls, put together from the pieces by their index. */
function calls(chunks: readonly JsonObject[]): { name: unknown; input: unknown }[] {
  const found: { id: unknown; name: unknown; json: string }[] = [];
  for (const piece of deltas(chunks).flatMap((delta) => arrayField(delta, "tool_calls"))) {
    const index = Number(at(piece, "index"));
    const id: unknown = at(piece, "id");
    if (id !== undefined) found[index] = { id, name: at(piece, "function", "name"), json: "" };
    found[index]!.json += String(at(piece, "function", "arguments"));
  }
  expect(new Set(found.map((call) => call.id)).size).toBe(found.length);
  return found.map(({ name, json }) => ({ name, input: JSON.parse(json) as unknown }));
}

function finish(chunks: readonly JsonObject[]): unknown {
  const reasons = chunks
    .flatMap((chunk) => arrayField(chunk, "choices"))
    .map((one) => at(one, "finish_reason"));
  expect(reasons.slice(0, -1).every((reason) => reason === null)).toBe(true);
  return reasons.at(-1);
}

describe("chat completions", () => {
  it("streams thinking and text word by word", async () => {
    const chunks = await ask([user("!think Let me see\n!text Hello there")]);
    expect(deltas(chunks)).toEqual([
      { role: "assistant", content: "" },
      { reasoning_content: "Let" },
      { reasoning_content: " me" },
      { reasoning_content: " see" },
      { content: "Hello" },
      { content: " there" },
      {},
    ]);
    expect(chunks[0]).toMatchObject({ object: "chat.completion.chunk", model: "m" });
    expect(finish(chunks)).toBe("stop");
    expect(chunks.every((chunk) => !("usage" in chunk))).toBe(true);
  });

  it("reports usage in a chunk of its own when it is asked for", async () => {
    const chunks = await ask(
      [user("!text Hi\n!usage input=7 output=5 cacheRead=2 cacheWrite=1 reasoning=3")],
      { stream_options: { include_usage: true } },
    );
    const last = chunks.pop();
    expect(last).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        prompt_tokens_details: { cached_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 3 },
      },
    });
    expect(chunks.map((chunk) => chunk["usage"])).toEqual(chunks.map(() => null));
  });

  it("calls tools one after the other and together, as the results come in", async () => {
    const messages = [
      user(
        '!text First\n!shell ls\n!write a.txt hi\n!also tool mcp__notes__add-note {"text":"x"}\n!text Bye',
      ),
    ];
    const first = await ask(messages);
    expect(text(first)).toBe("First");
    expect(calls(first)).toEqual([{ name: "bash", input: { command: "ls", description: "Run a command" } }]);
    expect(finish(first)).toBe("tool_calls");
    messages.push(result("a"));
    expect(calls(await ask(messages))).toEqual([
      { name: "write", input: { path: "/workspace/a.txt", content: "hi" } },
      { name: "mcp__notes__add-note", input: { text: "x" } },
    ]);
    messages.push(result("b"));
    expect(calls(await ask(messages))).toHaveLength(2);
    messages.push(result("c"));
    const last = await ask(messages);
    expect(calls(last)).toEqual([]);
    expect(text(last)).toBe("Bye");
    expect(finish(last)).toBe("stop");
  });

  it("starts anew with the next prompt, recalls the earlier ones, and passes over what a CLI says", async () => {
    const messages = [
      user("<system-reminder>\n!text not typed\n</system-reminder>"),
      user("This is the Qwen Code. We are setting up the context for our chat.\n!text not typed"),
      user("I am Ada\n!shell ls"),
      result("a"),
      { role: "assistant", content: "!text not typed" },
      user("<current_datetime>now</current_datetime>\n\n!recall\n!shell pwd"),
    ];
    const chunks = await ask(messages);
    expect(text(chunks)).toBe("1. I am Ada\n!shell ls");
    expect(calls(chunks)).toHaveLength(1);
  });

  it("takes prompts in parts", async () => {
    const content = [
      { type: "image_url", image_url: { url: "data:," } },
      { type: "text", text: "!text seen" },
    ];
    expect(text(await ask([{ role: "user", content }]))).toBe("seen");
  });

  it("answers whole when no stream is asked for", async () => {
    const messages = [user("!think Hm\n!repeat 2 Hi\n!shell ls\n!usage input=1 output=2")];
    const answered = (more: JsonObject) => post(server, path, { model: "m", tools, messages, ...more });
    expect(await (await answered({})).json()).toMatchObject({
      object: "chat.completion",
      choices: [
        {
          message: {
            role: "assistant",
            content: "HiHi",
            reasoning_content: "Hm",
            tool_calls: [{ type: "function", function: { name: "bash" } }],
          },
          finish_reason: "tool_calls",
        },
      ],
    });
    const silent: unknown = await (await answered({ messages: [user("!shell ls")], stream: false })).json();
    expect(at(silent, "choices", 0, "message", "content")).toBeNull();
    expect(at(silent, "choices", 0, "message")).not.toHaveProperty("reasoning_content");
    expect(
      JSON.parse(String(at(silent, "choices", 0, "message", "tool_calls", 0, "function", "arguments"))),
    ).toEqual({
      command: "ls",
      description: "Run a command",
    });
  });

  it("knows the tools that an agent only names until they are looked up", () => {
    const reminder = "<system-reminder>\nDeferred tools:\nmcp_echo_echo\nother-tool\n\nLook them up.";
    const request = readChatRequest({ model: "m", tools, messages: [user(reminder), user("Hi")] }, {});
    expect(request.tools.map(({ name }) => name).slice(-2)).toEqual(["mcp_echo_echo", "other-tool"]);
  });

  it("takes and calls free-form tools", async () => {
    const custom = [{ type: "custom", custom: { name: "apply_patch" } }];
    const chunks = await ask([user('!tool apply_patch "*** Begin"')], { tools: custom });
    const pieces = deltas(chunks).flatMap((delta) => arrayField(delta, "tool_calls"));
    expect(pieces[0]).toMatchObject({ index: 0, type: "custom", custom: { name: "apply_patch", input: "" } });
    expect(pieces.slice(1).map((piece) => at(piece, "custom", "input"))).toEqual(["*** Begin"]);
  });

  it("gives structured answers, scripted or as plain as the schema allows", async () => {
    const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
    const response_format = { type: "json_schema", json_schema: { name: "answer", schema } };
    expect(text(await ask([user('!json {"ok":true}')], { response_format }))).toBe('{"ok":true}');
    expect(text(await ask([user("Is it?")], { response_format }))).toBe('{"ok":false}');
    expect(text(await ask([user("Is it?")]))).toContain("Is it?");
  });

  it("ends for the reason it is told", async () => {
    expect(finish(await ask([user("!text Hi\n!stop length")]))).toBe("length");
  });

  it("answers what a CLI asks for itself without playing the script", async () => {
    const side = async (instructions: string, prompt: string, more: JsonObject = { tools: [] }) =>
      text(
        await ask([user("!status 500"), { role: "system", content: instructions }, user(prompt)], {
          ...more,
        }),
      );
    expect(await side("You are a title generator.", "!status 500")).toBe("A session with a stand-in model");
    expect(await side("", "Generate a session title for this message:\n<user_message>\n!hang")).toMatch(
      /^A session/,
    );
    expect(
      await side("You are a context summarization assistant.", "<conversation>\n!hang\n</conversation>"),
    ).toMatch(/^<summary>[\s\S]*^> !status 500\n>\n> !hang$/m);
    const memory = "You are now acting as the managed memory extraction subagent of Qwen.";
    expect(await side(memory, "!hang", { tools })).toBe("There is nothing to keep.");
    expect(server.requests.slice(-4).map((request) => request.side)).toEqual([
      "title",
      "title",
      "compaction",
      "memory",
    ]);
  });

  it("recalls what was before a compaction, wherever the CLI keeps the summary", async () => {
    const instruction = user("First, reason in your scratchpad. Then, generate the <state_snapshot>.");
    const summary = text(await ask([user("I am Ada\n!hang"), instruction], { tools: [] }));
    expect(server.requests.at(-1)?.side).toBe("compaction");
    const kept = [user("What did we do so far?"), { role: "assistant", content: summary }];
    expect(text(await ask([...kept, user("!recall")]))).toContain("> I am Ada\n> !hang");
  });

  it("decides by the tool that a CLI offers for nothing else", async () => {
    const choice = {
      next_speaker: { type: "string", enum: ["user", "model"] },
      reasoning: { type: "string" },
    };
    const chunks = await ask([user("!hang")], { tools: [functionTool("respond_in_schema", choice)] });
    expect(calls(chunks)).toEqual([
      { name: "respond_in_schema", input: { next_speaker: "user", reasoning: "None" } },
    ]);
    expect(server.requests.at(-1)?.side).toBe("decision");
  });

  it("answers at any path that ends as the API's does, and lists models", async () => {
    for (const place of ["/chat/completions", "/api/v3/chat/completions"]) {
      const response = await post(server, place, { messages: [user("!text Hi")] });
      expect(at(await response.json(), "choices", 0, "message", "content")).toBe("Hi");
    }
    for (const place of ["/models", "/v1/models"]) {
      expect(await (await fetch(server.url + place)).json()).toMatchObject({ object: "list", data: [] });
    }
  });

  it("fails as often as told, with the errors of the real API", async () => {
    const send = (prompt: string) => post(server, path, { model: "m", messages: [user(prompt)] });
    for (const [status, type, code] of [
      [400, "invalid_request_error", "invalid_request"],
      [401, "invalid_request_error", "invalid_api_key"],
      [429, "invalid_request_error", "rate_limit_exceeded"],
      [500, "server_error", "server_error"],
    ] as const) {
      const response = await send(`!status ${status} times 1 retry-after 2 Sorry\n!text Hi`);
      expect(response.status).toBe(status);
      expect(response.headers.get("retry-after")).toBe("2");
      expect(await response.json()).toEqual({ error: { message: "Sorry", type, code, param: null } });
      expect((await send(`!status ${status} times 1 retry-after 2 Sorry\n!text Hi`)).status).toBe(200);
    }
    const unreadable = await send("!wobble");
    expect(unreadable.status).toBe(400);
    expect(at(await unreadable.json(), "error", "message")).toContain('"!wobble"');
  });

  it("breaks off a stream by an error, or by nothing at all", async () => {
    const send = (prompt: string) => post(server, path, { stream: true, messages: [user(prompt)] });
    const failed = await readLines(await send("!text Hi\n!status 503 Too much"));
    expect(failed.broken).toBe(false);
    expect(chunkOf(failed.lines.at(-1)!)).toEqual({
      error: expect.objectContaining({ message: "Too much", code: "server_is_overloaded" }) as unknown,
    });
    const dropped = await readLines(await send("!text Hi you\n!drop"));
    expect(dropped.broken).toBe(true);
    expect(text(dropped.lines.map(chunkOf))).toBe("Hi you");
  });
});
