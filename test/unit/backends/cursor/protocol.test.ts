import { describe, expect, it } from "vitest";
import { eventsOf, isTerminal, textOf } from "../replay.ts";
import { chatId, lines, opened, play, resuming, running } from "./lines.ts";

const shell = (command: string, result?: object): object => ({
  shellToolCall: { args: { command }, ...(result === undefined ? {} : { result }) },
});
const usage = { inputTokens: 15_391, outputTokens: 223, cacheReadTokens: 25_856, cacheWriteTokens: 0 };

describe("a turn", () => {
  it("writes the prompt and closes the input", () => {
    const content = [
      { type: "text", text: "Hello" },
      { type: "text", text: "World" },
    ] as const;
    expect(opened().prompt({ turnId: "turn-1", content })).toEqual({
      write: ["Hello\n\nWorld"],
      closeStdin: true,
    });
  });

  it("tells its session, its text in pieces, and what it used", () => {
    const protocol = running();
    expect(protocol.push(lines.init())).toMatchObject({
      nativeSessionId: chatId,
      events: [
        {
          type: "session.started",
          agent: "cursor",
          model: "Auto",
          nativeSessionId: chatId,
          cwd: "/workspace",
          resumed: false,
        },
      ],
    });
    const events = play(
      protocol,
      lines.echo(),
      lines.piece("Hello"),
      lines.piece(" there"),
      lines.whole("Hello there"),
      lines.success({ usage }),
    );
    expect(events).toEqual([
      { type: "message.delta", messageId: "message-1", text: "Hello" },
      { type: "message.delta", messageId: "message-1", text: " there" },
      { type: "message.completed", messageId: "message-1", text: "Hello there" },
      { type: "turn.completed", stopReason: "end_turn", usage },
    ]);
    expect(protocol.end({ code: 0, signal: null, stderr: "" })).toEqual({});
  });

  it("tells a text once, however often the CLI prints it", () => {
    const events = play(
      running(),
      lines.piece("I'll look."),
      lines.beforeTool("I'll look."),
      lines.started("c-1", shell("ls")),
      lines.completed("c-1", shell("ls", { success: { stdout: "a\n", exitCode: 0 } })),
      lines.piece("One file."),
      lines.whole("I'll look.One file."),
      lines.success(),
    );
    expect(textOf(events, "message.delta")).toBe("I'll look.One file.");
    expect(eventsOf(events, "message.completed").map(({ text }) => text)).toEqual([
      "I'll look.",
      "One file.",
    ]);
  });

  it("tells whole texts where the CLI prints no pieces", () => {
    const events = play(
      running(),
      lines.beforeTool("I'll look."),
      lines.started("c-1", shell("ls")),
      lines.whole("One file."),
      lines.success(),
    );
    expect(eventsOf(events, "message.completed")).toEqual([
      { type: "message.completed", messageId: "message-1", text: "I'll look." },
      { type: "message.completed", messageId: "message-2", text: "One file." },
    ]);
  });

  it("ends what is open before something else begins", () => {
    const events = play(
      running(),
      lines.thinking("H"),
      lines.thinking("m."),
      lines.thought(),
      lines.thinking("Again"),
      lines.piece("Text"),
      lines.thinking("More"),
      lines.started("c-1", shell("ls")),
      lines.piece("Last"),
      lines.success(),
    );
    expect(events.map((event) => [event.type, "text" in event ? event.text : undefined])).toEqual([
      ["reasoning.delta", "H"],
      ["reasoning.delta", "m."],
      ["reasoning.completed", "Hm."],
      ["reasoning.delta", "Again"],
      ["reasoning.completed", "Again"],
      ["message.delta", "Text"],
      ["message.completed", "Text"],
      ["reasoning.delta", "More"],
      ["reasoning.completed", "More"],
      ["tool.started", undefined],
      ["message.delta", "Last"],
      ["message.completed", "Last"],
      ["turn.completed", undefined],
    ]);
  });

  it("names the model that was asked for, and another when it is set", () => {
    const protocol = running({ model: "gpt-5.4" });
    expect(play(protocol, lines.init())).toMatchObject([{ type: "session.started", model: "gpt-5.4" }]);
    expect(protocol.request?.({ id: "r-1", type: "set_model", model: "auto" })).toEqual({
      responses: [{ id: "r-1" }],
    });
    expect(protocol.request?.({ id: "r-2", type: "list_models" })).toMatchObject({
      responses: [{ id: "r-2", error: "Cursor takes no message while a turn runs." }],
    });
  });

  it("begins the session once", () => {
    const protocol = running();
    play(protocol, lines.init(), lines.success());
    protocol.open({ resume: { nativeSessionId: chatId, fork: false } });
    protocol.prompt({ turnId: "turn-2", content: [{ type: "text", text: "Again" }] });
    expect(play(protocol, lines.init())).toEqual([]);
    expect(play(protocol, lines.piece("b"))).toMatchObject([{ messageId: "message-1" }]);
  });
});

describe("tool calls", () => {
  it("tell what a command printed, and how it ended", () => {
    const events = play(
      running(),
      lines.started("c-1\nfc-1", shell("npm test\n--verbose")),
      lines.completed(
        "c-1\nfc-1",
        shell("npm test", { failure: { command: "npm test", exitCode: 2, stdout: "one", stderr: "two" } }),
      ),
    );
    expect(events).toMatchObject([
      { type: "tool.started", toolCallId: "c-1\nfc-1", name: "shell", kind: "execute", title: "npm test" },
      { type: "tool.completed", toolCallId: "c-1\nfc-1", status: "error", output: "one\ntwo", exitCode: 2 },
    ]);
  });

  it.each([
    [{ success: { content: "text", totalLines: 1 } }, "ok", "text"],
    [{ success: { stdout: "", stderr: "", exitCode: 1 } }, "error", ""],
    [{ error: { error: "No shell found" } }, "error", "No shell found"],
    [{ rejected: { reason: "User rejected" } }, "denied", "User rejected"],
    [{ writePermissionDenied: { error: "denied" } }, "denied", "denied"],
    [{ success: { content: [{ text: { text: "ok" } }], isError: true } }, "error", "ok"],
    [undefined, "ok", ""],
    ["not an object", "ok", ""],
  ])("that end with %j are told so", (result, status, output) => {
    const call = { readToolCall: { args: { path: "a" }, ...(result === undefined ? {} : { result }) } };
    const [, completed] = play(running(), lines.started("c-1", call), lines.completed("c-1", call));
    expect(completed).toMatchObject({ type: "tool.completed", status, output });
  });

  it("tell the files that were changed", () => {
    const edit = {
      editToolCall: {
        args: { path: "/workspace/a.txt", streamContent: "b" },
        result: {
          success: { path: "/workspace/a.txt", linesAdded: 1, diffString: "-a\n+b", message: "Wrote" },
        },
      },
    };
    const write = {
      writeToolCall: {
        args: { path: "new.txt", fileText: "x" },
        result: { success: { path: "/workspace/new.txt", linesCreated: 1 } },
      },
    };
    const removed = { deleteToolCall: { args: { path: "old.txt" }, result: { success: {} } } };
    const failed = {
      editToolCall: { args: { path: "c.txt" }, result: { error: { error: "no such file" } } },
    };
    const events = [edit, write, removed, failed].flatMap((call, index) => {
      const id = `c-${String(index)}`;
      return play(running(), lines.started(id, call), lines.completed(id, call));
    });
    expect(eventsOf(events, "file.changed")).toEqual([
      {
        type: "file.changed",
        path: "/workspace/a.txt",
        change: "modified",
        toolCallId: "c-0",
        diff: "-a\n+b",
      },
      { type: "file.changed", path: "/workspace/new.txt", change: "added", toolCallId: "c-1" },
      { type: "file.changed", path: "old.txt", change: "deleted", toolCallId: "c-2" },
    ]);
  });

  it("of MCP servers keep their name when the completion leaves it out", () => {
    const args = { name: "echo-shout", providerIdentifier: "echo", toolName: "shout", args: { text: "hi" } };
    const events = play(
      running(),
      lines.started("m-1", { toolCallId: "m-1", startedAtMs: "1", mcpToolCall: { args } }),
      lines.completed("m-1", { mcpToolCall: { result: { rejected: { reason: "User rejected MCP" } } } }),
    );
    expect(events).toMatchObject([
      { type: "tool.started", name: "echo-shout", kind: "mcp", title: "echo: shout", input: { text: "hi" } },
      { type: "tool.completed", status: "denied", output: "User rejected MCP" },
    ]);
  });

  it("of which only the end is printed are begun as well", () => {
    expect(
      play(running(), lines.completed("c-1", shell("ls", { success: { stdout: "a", exitCode: 0 } }))),
    ).toMatchObject([
      { type: "tool.started", toolCallId: "c-1", kind: "execute", title: "ls" },
      { type: "tool.completed", toolCallId: "c-1", status: "ok", output: "a" },
    ]);
  });

  it("of no form of their own have their arguments in a text", () => {
    const events = play(
      running(),
      lines.started("f-1", { function: { name: "lookup", arguments: '{"query":"x"}' } }),
      lines.started("f-2", { function: { arguments: "not JSON" } }),
    );
    expect(events).toMatchObject([
      { type: "tool.started", name: "lookup", title: "x", input: { query: "x" } },
      { type: "tool.started", name: "function", input: {} },
    ]);
  });
});

describe("a connection that is lost", () => {
  it("is told once for each attempt", () => {
    const events = play(
      running(),
      lines.connection("reconnecting", 1),
      lines.retry(1),
      lines.connection("reconnected"),
      lines.connection("reconnecting", 2),
      lines.retry(2),
      lines.connection("reconnected"),
      lines.retry(3),
    );
    expect(events).toEqual([
      { type: "agent.retrying", attempt: 1, reason: "network", message: "Connection lost." },
      { type: "agent.retrying", attempt: 2, reason: "network", message: "Connection lost." },
      { type: "agent.retrying", attempt: 3, reason: "other" },
    ]);
  });

  it("ends no turn", () => {
    const protocol = running();
    expect(play(protocol, lines.connection("reconnecting", 1)).filter(isTerminal)).toEqual([]);
    expect(play(protocol, lines.piece("a"), lines.success()).at(-1)).toMatchObject({
      type: "turn.completed",
    });
  });
});

describe("a chat to resume", () => {
  it("is told as resumed", () => {
    expect(play(resuming(), lines.init())).toMatchObject([{ type: "session.started", resumed: true }]);
  });

  it("is not given up for a line that names no chat", () => {
    const protocol = resuming("another");
    expect(protocol.push('{"type":"system","subtype":"init"}').resumeLost).toBeUndefined();
    expect(protocol.push('{"type":"system","subtype":"notice","session_id":"x"}').resumeLost).toBeUndefined();
  });

  it("is lost when the process speaks of another, of which nothing is told", () => {
    const protocol = resuming("another");
    expect(protocol.push(lines.init())).toMatchObject({ resumeLost: true });
    expect(play(protocol, lines.piece("Hello"), lines.success())).toEqual([]);
    expect(protocol.end({ code: 0, signal: null, stderr: "" }).events).toMatchObject([
      { type: "turn.failed" },
    ]);
  });
});

describe("lines that are none of the documentation's", () => {
  it("are passed on as they are", () => {
    const events = play(
      running(),
      "Warning: something",
      '{"type":"surprise","n":1}',
      '{"type":"thinking","subtype":"paused"}',
      lines.started("c-1", { hookAdditionalContexts: [] }),
      '{"type":"tool_call","subtype":"started","tool_call":{"readToolCall":{"args":{}}}}',
      '{"type":"interaction_query","subtype":"request"}',
      lines.connection("lost"),
    );
    expect(events.map(({ type }) => type)).toEqual([
      "agent.unparsed",
      "agent.unknown",
      "agent.unknown",
      "agent.unknown",
      "agent.unknown",
      "agent.unknown",
    ]);
    expect(events.filter(isTerminal)).toEqual([]);
  });

  it("belong to no turn when it has ended", () => {
    const protocol = running();
    play(protocol, lines.success());
    expect(protocol.push(lines.piece("late"))).toMatchObject({ background: true });
    expect(protocol.push(lines.success()).events).toBeUndefined();
  });
});
