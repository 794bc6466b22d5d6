import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/spec/json.ts";
import { type ModelServer, startModelServer } from "../../../../src/testing/model-server/index.ts";
import { at, collect, post, readEvents, types } from "./client.ts";

const tools = [
  { name: "Bash", input_schema: { properties: { command: { type: "string" }, description: {} } } },
  { name: "Write", input_schema: { properties: { file_path: {}, content: {} } } },
  { name: "AskUserQuestion", input_schema: { properties: { questions: {} } } },
  { name: "mcp__notes__add-note", input_schema: { properties: { text: {} } } },
];
const environment = {
  type: "text",
  text: "<system-reminder>\nPrimary working directory: /workspace\n!text not typed\n</system-reminder>\n",
};

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

function user(text: string): JsonObject {
  return { role: "user", content: [environment, { type: "text", text }] };
}

function result(...ids: readonly string[]): JsonObject {
  return {
    role: "user",
    content: ids.map((id) => ({ type: "tool_result", tool_use_id: id, content: "done" })),
  };
}

async function ask(messages: readonly JsonObject[], more: JsonObject = {}): Promise<JsonObject[]> {
  const body = { model: "m", max_tokens: 9, stream: true, tools, messages, ...more };
  const response = await post(server, "/v1/messages?beta=true", body);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const { events, broken } = await readEvents(response);
  expect(broken).toBe(false);
  return events;
}

function text(events: readonly JsonObject[]): string {
  return collect(events, "content_block_delta", "delta", "text").join("");
}

/** Name and input of the tools that an answer calls. */
function calls(events: readonly JsonObject[]): { name: unknown; input: unknown }[] {
  return events
    .filter((event) => event["type"] === "content_block_start")
    .filter((event) => at(event, "content_block", "type") === "tool_use")
    .map((start) => {
      const deltas = events.filter(
        (event) => event["type"] === "content_block_delta" && event["index"] === start["index"],
      );
      const json = collect(deltas, "content_block_delta", "delta", "partial_json").join("");
      return { name: at(start, "content_block", "name"), input: JSON.parse(json) as unknown };
    });
}

describe("the Messages API", () => {
  it("streams thinking and text in the order of the real API", async () => {
    const events = await ask([
      user("!think Let me see\n!text Hello there\n!usage input=7 output=5 cacheRead=2"),
    ]);
    expect(types(events)).toEqual([
      "message_start",
      "ping",
      "content_block_start",
      "content_block_delta",
      "content_block_delta",
      "content_block_delta",
      "content_block_delta",
      "content_block_stop",
      "content_block_start",
      "content_block_delta",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(events[0]).toMatchObject({
      message: { role: "assistant", model: "m", usage: { input_tokens: 7, cache_read_input_tokens: 2 } },
    });
    expect(events[2]).toMatchObject({ index: 0, content_block: { type: "thinking", thinking: "" } });
    expect(collect(events.slice(3, 6), "content_block_delta", "delta", "thinking").join("")).toBe(
      "Let me see",
    );
    expect(events[6]).toMatchObject({
      delta: { type: "signature_delta", signature: expect.any(String) as string },
    });
    expect(events[8]).toMatchObject({ index: 1, content_block: { type: "text", text: "" } });
    expect(text(events)).toBe("Hello there");
    expect(events[12]).toMatchObject({ delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } });
  });

  it("calls tools one after the other and together, as the results come in", async () => {
    const prompt =
      '!text First\n!shell ls\n!write a.txt hi\n!also tool mcp__notes__add-note {"text":"x"}\n!text Bye';
    const messages = [user(prompt)];
    const first = await ask(messages);
    expect(text(first)).toBe("First");
    expect(calls(first)).toEqual([{ name: "Bash", input: { command: "ls", description: "Run a command" } }]);
    expect(collect(first, "message_delta", "delta", "stop_reason")).toEqual(["tool_use"]);
    messages.push(result("a"));
    expect(calls(await ask(messages))).toEqual([
      { name: "Write", input: { file_path: "/workspace/a.txt", content: "hi" } },
      { name: "mcp__notes__add-note", input: { text: "x" } },
    ]);
    messages.push(result("b", "c"));
    const last = await ask(messages);
    expect(calls(last)).toEqual([]);
    expect(text(last)).toBe("Bye");
  });

  it("says that it is done when a script ends with a call, and keeps saying so", async () => {
    expect(text(await ask([user("!shell ls"), result("a")]))).toBe("Done.");
    expect(text(await ask([user("!shell ls"), result("a"), result("b")]))).toBe("Done.");
  });

  it("starts anew with the next prompt, and recalls the earlier ones", async () => {
    const messages = [user("I am Ada\n!shell ls"), result("a"), user("!recall\n!shell pwd")];
    const events = await ask(messages);
    expect(text(events)).toBe("1. I am Ada\n!shell ls");
    expect(calls(events)).toHaveLength(1);
    expect(text(await ask([user("!recall")]))).toBe("There were no earlier prompts.");
  });

  it("asks the user and gives structured answers by the tools on offer", async () => {
    const [question] = calls(await ask([user("!ask Which? | Red | Blue")]));
    expect(question).toMatchObject({
      name: "AskUserQuestion",
      input: {
        questions: [
          { question: "Which?", multiSelect: false, options: [{ label: "Red" }, { label: "Blue" }] },
        ],
      },
    });
    const structured = [{ name: "StructuredOutput", input_schema: {} }];
    expect(calls(await ask([user('!json {"ok":true}')], { tools: structured }))).toEqual([
      { name: "StructuredOutput", input: { ok: true } },
    ]);
    expect(text(await ask([user('!json {"ok":true}')]))).toBe('{"ok":true}');
  });

  it("passes over an interrupted prompt that shares its message with the next", async () => {
    const content = ["!hang", "[Request interrupted by user]\n", "!text next"].map((one) => ({
      type: "text",
      text: one,
    }));
    expect(text(await ask([{ role: "user", content }]))).toBe("next");
  });

  it("follows a message that came while a tool ran, in each of the forms it is handed over", async () => {
    const steering =
      "The user sent a new message while you were working:\n!text steered\n\nIMPORTANT: address it.";
    const start = user("!shell sleep 3\n!text original");
    expect(text(await ask([start, result("a"), { role: "system", content: steering }]))).toBe("steered");
    const inResult = {
      type: "tool_result",
      tool_use_id: "a",
      content: `ok\n<system-reminder>\n${steering}\n</system-reminder>`,
    };
    expect(text(await ask([start, { role: "user", content: [inResult] }]))).toBe("steered");
    expect(text(await ask([start, result("a"), { role: "system", content: "!text no" }]))).toBe("original");
  });

  it("sends many deltas of one text", async () => {
    const events = await ask([user("!repeat 3000 la")]);
    expect(collect(events, "content_block_delta", "delta", "text")).toEqual(Array<string>(3000).fill("la"));
  });

  it("answers whole when no stream is asked for", async () => {
    const body = { model: "m", tools, messages: [user("!think Hm\n!text Hi you\n!shell ls")] };
    const response = await post(server, "/v1/messages", body);
    expect(await response.json()).toMatchObject({
      type: "message",
      content: [
        { type: "thinking", thinking: "Hm" },
        { type: "text", text: "Hi you" },
        { type: "tool_use", name: "Bash", input: { command: "ls" } },
      ],
      stop_reason: "tool_use",
    });
  });

  it("answers what a CLI asks for itself without playing the script", async () => {
    const title = { system: `Write a short title. Return JSON with a single "title" field.`, tools: [] };
    expect(text(await ask([user("!status 500")], title))).toMatch(/^\{"title":/);
    expect(text(await ask([user("!status 500")], { max_tokens: 1 }))).toBe("OK");
    const compaction = "Your task is to create a detailed summary of the conversation so far.";
    const summary = text(await ask([user("I am Ada\n!hang"), user(compaction)]));
    expect(summary).toContain("> I am Ada\n> !hang");
    expect(server.requests.slice(-3).map((request) => request.side)).toEqual([
      "title",
      "probe",
      "compaction",
    ]);
  });

  it("counts tokens and answers start-up questions", async () => {
    const counted: unknown = await (await post(server, "/v1/messages/count_tokens", { messages: [] })).json();
    expect(counted).toEqual({ input_tokens: expect.any(Number) as number });
    expect((await fetch(server.url, { method: "HEAD" })).status).toBe(200);
    expect(await (await fetch(`${server.url}/api/hello`)).json()).toEqual({});
    expect((await fetch(`${server.url}/nowhere`)).status).toBe(404);
  });

  it("fails with the error types of the real API", async () => {
    const send = (prompt: string) => post(server, "/v1/messages", { model: "m", messages: [user(prompt)] });
    for (const [status, type] of [
      [400, "invalid_request_error"],
      [401, "authentication_error"],
      [429, "rate_limit_error"],
      [500, "api_error"],
      [529, "overloaded_error"],
    ] as const) {
      const response = await send(`!status ${status} Sorry`);
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ type: "error", error: { type, message: "Sorry" } });
    }
    const unreadable = await send("!wobble");
    expect(unreadable.status).toBe(400);
    expect(at(await unreadable.json(), "error", "message")).toContain('"!wobble"');
  });

  it("fails in the middle of a stream by an error event", async () => {
    const events = await ask([user("!text Hi\n!status 529 Too much")]);
    expect(text(events)).toBe("Hi");
    expect(events.at(-1)).toEqual({
      type: "error",
      error: { type: "overloaded_error", message: "Too much" },
    });
  });
});
