import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/spec/json.ts";
import { type ModelServer, startModelServer } from "../../../../src/testing/model-server/index.ts";
import { at, collect, post, readEvents, types } from "./client.ts";

const execCommand = {
  type: "function",
  name: "exec_command",
  parameters: { properties: { cmd: { type: "string" } } },
};
const tools: readonly JsonObject[] = [
  execCommand,
  { type: "namespace", name: "mcp__notes", tools: [{ type: "function", name: "add_note", parameters: {} }] },
];
const composer = {
  type: "additional_tools",
  role: "developer",
  tools: [{ type: "namespace", name: "functions", tools: [{ type: "custom", name: "exec" }] }],
};

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

function message(role: string, text: string): JsonObject {
  return { type: "message", role, content: [{ type: "input_text", text }] };
}

/** A conversation the way Codex begins it. */
function conversation(prompt: string): JsonObject[] {
  return [
    message("developer", "You are an agent.\n!text not typed"),
    message("user", "<environment_context>\n<cwd>/workspace</cwd>\n!text not typed\n</environment_context>"),
    message("user", prompt),
  ];
}

async function ask(input: readonly JsonObject[], more: JsonObject = {}): Promise<JsonObject[]> {
  const response = await post(server, "/v1/responses", { model: "m", stream: true, tools, input, ...more });
  expect(response.status).toBe(200);
  const { events, broken } = await readEvents(response);
  expect(broken).toBe(false);
  expect(events.map((event) => event["sequence_number"])).toEqual(events.map((_, index) => index));
  return events;
}

function text(events: readonly JsonObject[]): string {
  return collect(events, "response.output_text.delta", "delta").join("");
}

function items(events: readonly JsonObject[]): unknown[] {
  return collect(events, "response.output_item.done", "item");
}

describe("the Responses API", () => {
  it("streams reasoning and text in the order of the real API", async () => {
    const events = await ask(
      conversation("!think Let me\n!text Hello there\n!usage input=7 output=5 cacheRead=2 reasoning=3"),
    );
    expect(types(events)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.reasoning_summary_part.added",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.done",
      "response.reasoning_summary_part.done",
      "response.output_item.done",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(collect(events, "response.reasoning_summary_text.delta", "delta").join("")).toBe("Let me");
    expect(text(events)).toBe("Hello there");
    expect(items(events)).toMatchObject([
      { type: "reasoning", summary: [{ type: "summary_text", text: "Let me" }] },
      { type: "message", status: "completed", content: [{ type: "output_text", text: "Hello there" }] },
    ]);
    const added = collect(events, "response.output_item.added", "item");
    expect(items(events).map((item) => at(item, "id"))).toEqual(added.map((item) => at(item, "id")));
    expect(events.at(-1)).toMatchObject({
      response: {
        id: at(events[0], "response", "id"),
        status: "completed",
        output: items(events),
        usage: {
          input_tokens: 9,
          input_tokens_details: { cached_tokens: 2 },
          output_tokens: 5,
          output_tokens_details: { reasoning_tokens: 3 },
          total_tokens: 14,
        },
      },
    });
  });

  it("calls tools one after the other and together, as the results come in", async () => {
    const input = conversation(
      '!shell ls\n!write a.txt "hi\\nyou"\n!also tool mcp__notes__add-note {"text":"x"}\n!text Bye',
    );
    const first = await ask(input);
    expect(items(first)).toMatchObject([
      {
        type: "function_call",
        name: "exec_command",
        arguments: '{"cmd":"ls"}',
        call_id: expect.any(String) as string,
      },
    ]);
    expect(collect(first, "response.function_call_arguments.delta", "delta").join("")).toBe('{"cmd":"ls"}');
    input.push({ type: "function_call_output", call_id: "a", output: "x" });
    const [write, note] = items(await ask(input));
    const patch = "*** Begin Patch\n*** Add File: a.txt\n+hi\n+you\n*** End Patch";
    expect(JSON.parse(String(at(write, "arguments")))).toEqual({
      cmd: `apply_patch <<'END_OF_PATCH'\n${patch}\nEND_OF_PATCH`,
    });
    expect(note).toMatchObject({ name: "add_note", namespace: "mcp__notes", arguments: '{"text":"x"}' });
    input.push(
      { type: "function_call_output", call_id: "b", output: "x" },
      { type: "function_call_output", call_id: "c", output: "x" },
    );
    expect(text(await ask(input))).toBe("Bye");
  });

  it("hands a patch to the free-form tool where there is one", async () => {
    const patcher = { type: "custom", name: "apply_patch" };
    const events = await ask(conversation("!write a.txt hi"), { tools: [execCommand, patcher] });
    const patch = "*** Begin Patch\n*** Add File: a.txt\n+hi\n*** End Patch";
    expect(items(events)).toMatchObject([{ type: "custom_tool_call", name: "apply_patch", input: patch }]);
    expect(collect(events, "response.custom_tool_call_input.delta", "delta").join("")).toBe(patch);
  });

  it("calls every tool through the one that runs programs, where only that is on offer", async () => {
    const input = [
      composer,
      ...conversation('!shell ls\n!tool mcp__notes__add-note {"a":1}\n!write a b\n!text Bye'),
    ];
    const programs: unknown[] = [];
    for (const callId of ["a", "b", "c"]) {
      const [call] = items(await ask(input, { tools: [] }));
      expect(call).toMatchObject({ type: "custom_tool_call", name: "exec", namespace: "functions" });
      programs.push(at(call, "input"));
      // A program may report several times; all reports belong to the one call.
      input.push({ type: "custom_tool_call_output", call_id: callId, output: "x" });
      input.push({ type: "custom_tool_call_output", call_id: callId, output: "y" });
    }
    expect(programs).toEqual([
      'text(await tools.exec_command({"cmd":"ls"}));',
      'text(await tools.mcp__notes__add_note({"a":1}));',
      'text(await tools.apply_patch("*** Begin Patch\\n*** Add File: a\\n+b\\n*** End Patch"));',
    ]);
    expect(text(await ask(input, { tools: [] }))).toBe("Bye");
  });

  it("starts anew with the next prompt, and recalls the earlier ones", async () => {
    const input = [
      ...conversation("I am Ada\n!text Hi"),
      message("assistant", "Hi"),
      message("user", "!recall"),
    ];
    expect(text(await ask(input))).toBe("1. I am Ada\n!text Hi");
  });

  it("answers a request for a summary without playing the script", async () => {
    const input = [
      ...conversation("I am Ada\n!hang"),
      message("user", "You are performing a CONTEXT CHECKPOINT COMPACTION."),
    ];
    expect(text(await ask(input))).toContain("> I am Ada\n> !hang");
  });

  it("gives a structured answer as text", async () => {
    expect(text(await ask(conversation('!json {"ok":true}')))).toBe('{"ok":true}');
  });

  it("ends an answer early for a reason", async () => {
    const events = await ask(conversation("!text Hi\n!stop max_output_tokens"));
    expect(events.at(-1)).toMatchObject({
      type: "response.incomplete",
      response: { incomplete_details: { reason: "max_output_tokens" } },
    });
  });

  it("answers whole when no stream is asked for", async () => {
    const response = await post(server, "/v1/responses", { model: "m", input: "!text Hi you" });
    expect(await response.json()).toMatchObject({
      object: "response",
      status: "completed",
      output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "Hi you" }] }],
    });
  });

  it("fails by status, and in the middle of a stream by an event", async () => {
    const refused = await post(server, "/v1/responses", {
      stream: true,
      input: "!status 429 retry-after 3 Slow",
    });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("3");
    expect(await refused.json()).toMatchObject({ error: { message: "Slow", code: "rate_limit_exceeded" } });
    const events = await ask(conversation("!text Hi\n!status 500 Broken"));
    expect(events.at(-1)).toMatchObject({
      type: "response.failed",
      response: { status: "failed", error: { message: "Broken", code: "server_error" } },
    });
  });

  it("says which tools were on offer when none does what the script wants", async () => {
    const response = await post(server, "/v1/responses", { stream: true, tools, input: "!ask Which?" });
    expect(response.status).toBe(400);
    expect(at(await response.json(), "error", "message")).toMatch(/ask the user.*exec_command, add_note/);
  });

  it("lists models", async () => {
    expect(await (await fetch(`${server.url}/v1/models`)).json()).toMatchObject({ object: "list", data: [] });
  });
});
