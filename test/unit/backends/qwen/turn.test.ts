import { describe, expect, it } from "vitest";
import { qwen } from "../../../../backends/qwen/index.ts";
import type { AgentEventBody, AgentExit, AgentProtocol, JsonObject } from "../../../../src/kit.ts";
import {
  json,
  nativeSessionId,
  own,
  prompt,
  protocolInput,
  runningProtocol,
  shellText,
  streamed,
} from "./lines.ts";

const exit = (more: Partial<AgentExit> = {}): AgentExit => ({ code: 0, signal: null, stderr: "", ...more });
const made = (): AgentProtocol => qwen({ ...own, mode: "turn" }).protocol(protocolInput);
const pushAll = (protocol: AgentProtocol, ...pushed: readonly string[]): readonly AgentEventBody[] =>
  pushed.flatMap((line) => protocol.push(line).events ?? []);

describe("a process for one turn", () => {
  it("is given the prompt on its input, which ends there", () => {
    const protocol = made();
    expect(protocol.open({})).toEqual({ ready: true });
    expect(prompt(protocol, "Look at @notes.txt")).toEqual({
      write: ["Look at @notes.txt"],
      closeStdin: true,
    });
  });

  it("reads no file that is named in the prompt where calls are not allowed", () => {
    const protocol = qwen({ mode: "turn" }).protocol({ ...protocolInput, permissions: "deny-all" });
    protocol.open({});
    expect(prompt(protocol, "Look at @notes.txt @ once").write).toEqual(["Look at @\u2060notes.txt @ once"]);
  });

  it("tells of the session, once, and of servers that did not start", () => {
    const protocol = made();
    protocol.open({});
    prompt(protocol);
    const mcp_servers = [
      { name: "good", status: "connected" },
      { name: "slow", status: "connecting" },
      { name: "bad", status: "disconnected" },
    ];
    expect(protocol.push(streamed.init({ mcp_servers }))).toMatchObject({
      nativeSessionId,
      events: [
        {
          ...{ type: "session.started", agent: "qwen", model: "m1", nativeSessionId, resumed: false },
          ...{ cwd: "/workspace", tools: ["read_file"] },
          mcpServers: [
            { name: "good", status: "connected" },
            { name: "slow", status: "pending" },
            { name: "bad", status: "failed" },
          ],
        },
        { type: "agent.notice", level: "warning", message: 'The MCP server "bad" could not be started.' },
      ],
    });
    protocol.push(streamed.result("Hi."));
    protocol.end(exit());
    protocol.open({ resume: { nativeSessionId, fork: false } });
    prompt(protocol);
    expect(protocol.push(streamed.init())).toEqual({ raw: expect.anything() as unknown, nativeSessionId });
  });

  it("streams thoughts and words, each by itself", () => {
    expect(
      pushAll(
        runningProtocol(),
        streamed.messageStart(),
        streamed.blockStart("thinking"),
        streamed.blockDelta({ type: "thinking_delta", thinking: "Hm." }),
        streamed.blockStop(),
        streamed.assistant([{ type: "thinking", thinking: "Hm." }]),
        // The same number again.
        streamed.blockStart("text"),
        streamed.blockDelta({ type: "text_delta", text: "Hello " }),
        streamed.blockDelta({ type: "text_delta", text: "there." }),
        streamed.blockStop(),
        streamed.assistant(
          [{ type: "text", text: "Hello there." }],
          {},
          { input_tokens: 10, output_tokens: 5 },
        ),
      ),
    ).toEqual([
      { type: "reasoning.delta", messageId: "msg-1#0", text: "Hm." },
      { type: "reasoning.completed", messageId: "msg-1#0", text: "Hm." },
      { type: "message.delta", messageId: "msg-1#1", text: "Hello " },
      { type: "message.delta", messageId: "msg-1#1", text: "there." },
      { type: "message.completed", messageId: "msg-1#1", text: "Hello there." },
      { type: "usage.updated", usage: { inputTokens: 10, outputTokens: 5, cacheReadTokens: 0 } },
    ]);
  });

  it("tells the words of a sub-agent whole, with the call that runs it", () => {
    const below = { parent_tool_use_id: "c1" };
    expect(
      pushAll(
        runningProtocol(),
        streamed.event({ type: "message_start", message: { id: "x" } }, below),
        streamed.assistant([{ type: "text", text: "Below." }], below),
        streamed.assistant(
          [{ type: "tool_use", id: "c2", name: "read_file", input: { file_path: "/a" } }],
          below,
        ),
      ),
    ).toMatchObject([
      { type: "message.completed", text: "Below.", parentToolCallId: "c1" },
      {
        type: "tool.started",
        toolCallId: "c2",
        name: "read_file",
        kind: "read",
        title: "/a",
        parentToolCallId: "c1",
      },
    ]);
  });

  it("adds up its requests, of which the cached tokens are a part of the input", () => {
    const protocol = runningProtocol();
    const usage = { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 4 };
    protocol.push(streamed.assistant([], {}, usage));
    protocol.push(streamed.assistant([], {}, usage));
    const { events } = protocol.push(streamed.result("Hi.", { usage: { input_tokens: 999 }, num_turns: 2 }));
    expect(events).toEqual([
      {
        ...{ type: "turn.completed", stopReason: "end_turn", text: "Hi.", numTurns: 2 },
        usage: { inputTokens: 12, outputTokens: 10, cacheReadTokens: 8 },
      },
    ]);
    expect(protocol.end(exit())).toEqual({});
  });
});

describe("a tool call", () => {
  const tool = (name: string, input: JsonObject): string =>
    streamed.assistant([{ type: "tool_use", id: "c1", name, input }]);
  const played = (name: string, input: JsonObject, ...rest: readonly string[]): readonly AgentEventBody[] =>
    pushAll(runningProtocol(), tool(name, input), tool(name, input), ...rest).slice(1);

  it.each([
    [0, "ok"],
    [3, "error"],
  ])("of a command that ends with %i is %s", (exitCode, status) => {
    const result = streamed.toolResult("c1", shellText("out", exitCode));
    expect(played("run_shell_command", { command: "x" }, result)).toEqual([
      { type: "tool.completed", toolCallId: "c1", status, output: "out", exitCode },
    ]);
  });

  it.each([
    ["write_file", "Successfully created and wrote to new file: /a", "added"],
    ["write_file", "Successfully overwrote file: /a", "modified"],
    ["edit", "Created new file: /a", "added"],
  ])("of %s that says %s has a file %s", (name, said, change) => {
    expect(played(name, { file_path: "/a" }, streamed.toolResult("c1", [{ text: said }]))).toMatchObject([
      { type: "tool.completed", status: "ok", output: said },
      { type: "file.changed", path: "/a", change, toolCallId: "c1" },
    ]);
  });

  it("makes a plan", () => {
    const todos = [{ content: "Look", status: "completed" }, { content: "Leap", status: "odd" }, {}];
    expect(played("todo_write", { todos }, streamed.toolResult("c1", "ok")).at(-1)).toEqual({
      type: "plan.updated",
      entries: [
        { content: "Look", status: "completed" },
        { content: "Leap", status: "pending" },
      ],
    });
  });

  it("that may not be made is denied", () => {
    const refusal = 'Tool "edit" is denied by the settings.';
    expect(played("edit", { file_path: "/a" }, streamed.toolResult("c1", refusal, true))).toMatchObject([
      { status: "denied", output: refusal },
    ]);
    const protocol = runningProtocol({ permissions: "deny-all" });
    pushAll(protocol, tool("edit", {}));
    expect(pushAll(protocol, streamed.toolResult("c1", "Not found.", true))).toMatchObject([
      { status: "denied" },
    ]);
  });

  it("that fails while the turn is stopped was stopped", () => {
    const protocol = runningProtocol();
    pushAll(protocol, tool("run_shell_command", { command: "sleep 9" }));
    protocol.interrupt();
    expect(pushAll(protocol, streamed.toolResult("c1", "Aborted.", true))).toMatchObject([
      { status: "interrupted" },
    ]);
  });
});

describe("an answer by a schema", () => {
  const answer = streamed.assistant([
    { type: "tool_use", id: "c1", name: "structured_output", input: { ok: true } },
  ]);

  it("is the output of the turn, and no tool call", () => {
    const protocol = runningProtocol();
    expect(pushAll(protocol, answer, streamed.toolResult("c1", "Accepted."))).toEqual([]);
    const { events } = protocol.push(streamed.result('{"ok":true}', { structured_result: { ok: true } }));
    expect(events).toMatchObject([{ type: "turn.completed", output: { ok: true } }]);
  });

  it("that does not follow it is told", () => {
    const protocol = runningProtocol();
    expect(pushAll(protocol, answer, streamed.toolResult("c1", "ok: must be a string", true))).toEqual([
      {
        type: "agent.notice",
        level: "warning",
        message: "The answer does not follow the schema: ok: must be a string",
      },
    ]);
  });

  it("that was not taken is what the library shall judge, where there is no other", () => {
    const said = (text: string): unknown => {
      const protocol = runningProtocol();
      pushAll(protocol, answer, streamed.toolResult("c1", "ok: must be a string", true));
      return protocol.push(streamed.result(text)).events?.[0];
    };
    expect(said("I cannot.")).toMatchObject({ output: { ok: true } });
    expect(said('{"ok":"yes"}')).not.toHaveProperty("output");
  });

  it("that came in words is left to the library", () => {
    const protocol = runningProtocol();
    pushAll(
      protocol,
      streamed.messageStart(),
      streamed.blockStart("text"),
      streamed.blockDelta({ text: "It is." }),
      streamed.blockStop(),
    );
    const message = "Model produced plain text instead of calling the structured_output tool.";
    const failed = { is_error: true, subtype: "error_during_execution", error: { message } };
    const { events } = protocol.push(streamed.result("", failed));
    expect(events).toMatchObject([{ type: "turn.completed", text: "It is." }]);
    expect(events?.[0]).not.toHaveProperty("output");
  });

  it("is asked for in words where Qwen Code does not take the schema", () => {
    const written = (outputSchema: JsonObject): string | undefined => {
      const protocol = made();
      protocol.open({});
      const content = [{ type: "text", text: "Is it so?" }] as const;
      return protocol.prompt({ turnId: "turn-1", content, outputSchema }).write?.[0];
    };
    expect(written({ type: "object" })).toBe("Is it so?");
    expect(written({ type: "array" })).toMatch(/^Is it so\?\n\n[\s\S]*"array"/);
  });
});

describe("a failure", () => {
  const failedWith = (line: string): unknown => runningProtocol().push(line).events?.[0];

  it("looks like an answer", () => {
    expect(failedWith(streamed.result("[API Error: 429 Slow down]"))).toMatchObject({
      type: "turn.failed",
      error: { code: "rate_limited", status: 429, message: "Slow down" },
    });
  });

  it("is none of the agent's words", () => {
    const protocol = runningProtocol();
    const events = pushAll(
      protocol,
      streamed.messageStart(),
      streamed.blockStart("text"),
      streamed.blockDelta({ text: "Now it" }),
      streamed.blockDelta({ text: "[API Error: terminated]" }),
      streamed.blockStop(),
    );
    expect(events).toMatchObject([{ text: "Now it" }, { type: "message.completed", text: "Now it" }]);
    expect(protocol.push(streamed.result("Now it[API Error: terminated]")).events).toMatchObject([
      { type: "turn.failed", error: { code: "network_error" } },
    ]);
  });

  it("unless more words follow", () => {
    const texts = ["[API Error: 429 Slow down]", " is what it says."];
    const protocol = runningProtocol();
    const deltas = texts.map((text) => streamed.blockDelta({ text }));
    const events = pushAll(protocol, streamed.messageStart(), streamed.blockStart("text"), ...deltas);
    expect(events).toMatchObject([{ type: "message.delta", text: texts.join("") }]);
    protocol.push(streamed.blockStop());
    expect(protocol.push(streamed.result(texts.join(""))).events).toMatchObject([{ type: "turn.completed" }]);
  });

  it("of the turn has its reason", () => {
    const more = { is_error: true, subtype: "error_during_execution" };
    expect(failedWith(streamed.result("", { ...more, error: { message: "Odd." } }))).toMatchObject({
      error: { code: "agent_error", message: "Odd." },
    });
    expect(failedWith(streamed.result("", more))).toMatchObject({
      error: { message: "Qwen Code ended the turn without a reason." },
    });
  });

  it("of the process ends the turn, with what it said", () => {
    const protocol = runningProtocol();
    const stderr = "Debug mode enabled\nLogging to: /x\nOut of memory\n";
    expect(protocol.end(exit({ code: 1, stderr })).events).toMatchObject([
      { type: "turn.failed", error: { code: "agent_exited", exitCode: 1, stderr: "Out of memory\n" } },
    ]);
    expect(protocol.end(exit())).toEqual({});
  });

  it("is none where it is an interruption", () => {
    const protocol = runningProtocol();
    expect(protocol.interrupt()).toEqual({});
    expect(protocol.end(exit({ code: 130 })).events).toMatchObject([
      { type: "turn.interrupted", by: "host" },
    ]);
    const told = runningProtocol();
    told.interrupt();
    expect(told.push(streamed.result("", { is_error: true })).events).toMatchObject([
      { type: "turn.interrupted" },
    ]);
  });

  it("to take a session up is known", () => {
    const lost = (stderr: string, resumes = true): unknown => {
      const protocol = made();
      protocol.open(resumes ? { resume: { nativeSessionId: "x", fork: false } } : {});
      prompt(protocol);
      return protocol.end(exit({ code: 1, stderr })).resumeLost;
    };
    expect(lost("No saved session found with ID x.\n")).toBe(true);
    expect(lost("Out of memory\n")).toBeUndefined();
    expect(lost("No saved session found with ID x.\n", false)).toBeUndefined();
  });
});

describe("what else is said", () => {
  it("is unknown where its kind is", () => {
    const protocol = runningProtocol();
    expect(protocol.push(json({ type: "system", subtype: "task_started" }))).not.toHaveProperty("events");
    for (const line of [json({ type: "invented" }), json({ type: "system", subtype: "invented" })]) {
      expect(protocol.push(line).events).toMatchObject([{ type: "agent.unknown" }]);
    }
    expect(protocol.push("nothing").events).toMatchObject([{ type: "agent.unparsed", line: "nothing" }]);
    protocol.push(streamed.result("Hi."));
    expect(protocol.push("nothing")).toMatchObject({ background: true });
  });

  it("is nothing that the host could want, but another model", () => {
    const protocol = runningProtocol();
    const content = [{ type: "text", text: "Rather so." }] as const;
    expect(protocol.request!({ id: "h1", type: "steer", content }).responses?.[0]?.error).toContain(
      "no message",
    );
    expect(protocol.request!({ id: "h2", type: "set_model", model: "m2" })).toEqual({
      responses: [{ id: "h2" }],
    });
    expect(protocol.tick()).toEqual({});
    expect(protocol.reply({ type: "question", requestId: "x" })).toEqual({});
  });
});
