import { describe, expect, it } from "vitest";
import { eventsOf, selected, sent, usualOptions, working } from "./agent.ts";

const text = (said: string) => [{ type: "content", content: { type: "text", text: said } }];

describe("a tool call", () => {
  it("begins, streams what is added to its content, and ends", () => {
    const agent = working();
    const started = agent.tool("c", {
      kind: "execute",
      title: "ls",
      rawInput: { command: "ls" },
      status: "pending",
    });
    expect(started.events).toEqual([
      ...[{ type: "tool.started", toolCallId: "c", name: "execute", kind: "execute", title: "ls" }].map(
        (event) => ({
          ...event,
          input: { command: "ls" },
        }),
      ),
    ]);
    const first = agent.toolUpdate("c", { status: "in_progress", content: text("a\n") });
    const second = agent.toolUpdate("c", { content: text("a\nb\n") });
    expect([first, second].flatMap((step) => eventsOf(step, "tool.delta"))).toMatchObject([
      { output: "a\n" },
      { output: "b\n" },
    ]);
    // What was replaced cannot be taken back: the end tells all of it.
    expect(agent.toolUpdate("c", { content: text("other") }).events).toBeUndefined();
    const ended = agent.toolUpdate("c", { status: "completed", content: text("a\nb\nc\n") });
    expect(ended.events).toEqual([
      { type: "tool.completed", toolCallId: "c", status: "ok", output: "a\nb\nc\n" },
    ]);
    expect(agent.toolUpdate("c", { status: "completed" }).events).toBeUndefined();
  });

  it.each(["terminal_output", "terminal_output_delta"])(
    "gives what its terminal printed, which some agents tell in their metadata as %s",
    (name) => {
      const agent = working();
      agent.tool("c", { kind: "execute", status: "in_progress", rawInput: { command: "ls" } });
      const print = (data: string, more: object = {}) =>
        agent.toolUpdate("c", { ...more, _meta: { [name]: { data } } });
      expect(eventsOf(print("a\n"), "tool.delta")).toMatchObject([{ output: "a\n" }]);
      expect(print("b\n", { status: "failed" }).events).toMatchObject([
        { type: "tool.delta", output: "b\n" },
        { type: "tool.completed", output: "a\nb\n", status: "error" },
      ]);
    },
  );

  it("gives what the tool of an MCP server returned", () => {
    const agent = working();
    agent.tool("c", { kind: "other", status: "in_progress", rawInput: { text: "hi" } });
    const rawOutput = { result: { content: [{ type: "text", text: "echo: hi" }] }, error: null };
    const { events } = agent.toolUpdate("c", { status: "completed", rawOutput });
    expect(events).toMatchObject([{ output: "echo: hi" }]);
  });

  it("does not take what is said of it before it is made for its output", () => {
    const agent = working();
    agent.tool("c", { kind: "execute", status: "pending", rawInput: { command: "ls" } });
    expect(agent.toolUpdate("c", { content: text("Lists files") }).events).toBeUndefined();
    agent.ask({ toolCallId: "c" });
    agent.protocol.reply({ type: "permission", requestId: "1.1", outcome: "allow" });
    const made = agent.toolUpdate("c", { content: text("a.txt\n") });
    expect(eventsOf(made, "tool.delta")).toMatchObject([{ output: "a.txt\n" }]);
  });

  it("does not take what its announcement says for its output", () => {
    const agent = working();
    const step = agent.tool("c", { kind: "execute", status: "in_progress", content: text("Runs a command") });
    expect(eventsOf(step, "tool.delta")).toEqual([]);
    agent.toolUpdate("c", { status: "completed" });
    expect(agent.end().events).toHaveLength(1);
  });

  it("waits until more is known than its name", () => {
    const agent = working();
    expect(agent.tool("c", { title: "bash", status: "pending", rawInput: {} }).events).toBeUndefined();
    const known = agent.toolUpdate("c", {
      status: "in_progress",
      title: "List files",
      rawInput: { command: "ls" },
    });
    expect(eventsOf(known, "tool.started")[0]).toMatchObject({
      title: "List files",
      input: { command: "ls" },
    });
  });

  it("waits although its folder is told", () => {
    const agent = working();
    const held = agent.tool("c", { title: "bash", status: "pending", rawInput: { cwd: "/workspace" } });
    expect(held).toMatchObject({ wakeAfterMs: 250 });
    expect(held.events).toBeUndefined();
  });

  it("waits only for a moment", () => {
    const agent = working();
    agent.say("Well.");
    agent.tool("c", { title: "bash", status: "pending" });
    expect(agent.protocol.tick().events).toMatchObject([
      { type: "message.completed", text: "Well." },
      { type: "tool.started", toolCallId: "c" },
    ]);
    expect(agent.protocol.tick()).toEqual({});
  });

  it("waits no longer than to the next message, or the end of the turn", () => {
    const agent = working();
    agent.tool("c", { status: "pending" });
    expect((agent.say("x").events ?? []).map(({ type }) => type)).toEqual(["tool.started", "message.delta"]);
    agent.tool("d", { status: "pending" });
    expect((agent.end().events ?? []).map(({ type }) => type)).toEqual([
      ...["tool.completed", "tool.started", "tool.completed", "message.completed", "turn.completed"],
    ]);
  });

  it("is known from an update alone", () => {
    const step = working().toolUpdate("c", {
      status: "completed",
      kind: "fetch",
      rawOutput: { output: "page" },
    });
    expect(step.events).toMatchObject([
      { type: "tool.started", toolCallId: "c", kind: "fetch" },
      { type: "tool.completed", status: "ok", output: "page", content: { output: "page" } },
    ]);
  });

  it("that fails is an error", () => {
    const step = working().toolUpdate("c", { status: "failed", rawOutput: { error: "no such file" } });
    expect(eventsOf(step, "tool.completed")[0]).toMatchObject({ status: "error", output: "no such file" });
  });

  it.each([
    ["read", "read"],
    ["edit", "edit"],
    ["delete", "edit"],
    ["move", "edit"],
    ["search", "search"],
    ["execute", "execute"],
    ["fetch", "fetch"],
    ["think", "other"],
    ["switch_mode", "other"],
    ["other", "other"],
    ["toString", "other"],
    [undefined, "other"],
  ])("of the kind %s is told as %s", (kind, expected) => {
    const step = working().tool("c", { kind, status: "in_progress" });
    expect(eventsOf(step, "tool.started")[0]?.kind).toBe(expected);
  });

  it.each([
    [{ name: "Bash", kind: "execute" }, "Bash"],
    [{ _meta: { claudeCode: { toolName: "mcp__web__get" } }, kind: "other" }, "mcp__web__get"],
    [{ _meta: { toolName: "grep" } }, "grep"],
    [{ kind: "execute", title: "rm -rf /" }, "execute"],
    [{}, "other"],
  ])("%j is named %s, and never after its title", (members, name) => {
    const step = working().tool("c", { status: "in_progress", ...members });
    expect(eventsOf(step, "tool.started")[0]?.name).toBe(name);
  });

  it.each([
    [{ kind: "other", title: "echo_say" }, "mcp", "echo_say"],
    [{ title: "echo-say" }, "mcp", "echo-say"],
    [{ kind: "other", title: "echo_say it" }, "other", "other"],
    [{ kind: "other", title: "echoes" }, "other", "other"],
    [{ kind: "execute", title: "echo_say" }, "execute", "execute"],
    [{ kind: "other", title: "other_say" }, "other", "other"],
  ])("%j of a session with the server echo is of the kind %s, named %s", (members, kind, name) => {
    const mcpServers = { echo: { type: "stdio", command: "echo" } } as const;
    const step = working({ input: { mcpServers } }).tool("c", { status: "in_progress", ...members });
    expect(eventsOf(step, "tool.started")[0]).toMatchObject({ kind, name });
  });

  it("of an MCP server is known by its name", () => {
    const step = working().tool("c", { status: "in_progress", kind: "other", name: "mcp__web__get" });
    expect(eventsOf(step, "tool.started")[0]?.kind).toBe("mcp");
  });

  it.each([
    [{ rawInput: { a: 1 } }, { a: 1 }],
    [{ rawInput: "text" }, { input: "text" }],
    [{ rawInput: {}, locations: [{ path: "/a" }] }, { path: "/a" }],
    [{ content: [{ type: "diff", path: "/b", newText: "x" }] }, { path: "/b" }],
    [{ kind: "execute", title: "rm -rf /" }, {}],
  ])("%j has the input %j: nothing of it is guessed", (members, expected) => {
    const step = working().tool("c", { status: "in_progress", ...members });
    expect(eventsOf(step, "tool.started")[0]?.input).toEqual(expected);
  });

  it("is told as the profile describes it", () => {
    const agent = working({
      profile: {
        describeTool: ({ toolCallId, fields }) => ({
          name: toolCallId.split("__")[0] ?? "",
          kind: "host",
          input: { seen: fields["title"] },
          parentToolCallId: "p",
        }),
      },
    });
    expect(agent.tool("grep__1", { status: "in_progress", title: "x" }).events).toEqual([
      {
        type: "tool.started",
        toolCallId: "grep__1",
        name: "grep",
        kind: "host",
        title: "x",
        input: { seen: "x" },
        parentToolCallId: "p",
      },
    ]);
  });

  it.each([
    [{ content: text("a") }, "a"],
    [{ content: [...text("a"), ...text("b")], rawOutput: { output: "raw" } }, "a\nb"],
    [{ content: text("```\na\n```"), rawOutput: "a" }, "a"],
    [{ content: [{ type: "content", content: { type: "resource", resource: { text: "r" } } }] }, "r"],
    [{ content: [{ type: "content", content: { type: "resource_link", uri: "file:///a" } }] }, "file:///a"],
    [{ rawOutput: "raw" }, "raw"],
    [{ rawOutput: { stdout: "out" } }, "out"],
    [
      {
        rawOutput: {
          content: [
            { type: "text", text: "x" },
            { type: "text", text: "y" },
          ],
        },
      },
      "x\ny",
    ],
    [{ rawOutput: { output: "" } }, ""],
    [{ rawOutput: { some: 1 } }, '{"some":1}'],
    [{ rawOutput: [1] }, "[1]"],
    [{ rawOutput: null }, ""],
    [{}, ""],
  ])("%j has the output %s", (members, output) => {
    const step = working().toolUpdate("c", { status: "completed", ...members });
    expect(eventsOf(step, "tool.completed")[0]?.output).toBe(output);
  });

  it.each([
    [{ exitCode: 3 }],
    [{ exit_code: 3 }],
    [{ metadata: { exit: 3 } }],
    [{ contents: [{ type: "text" }, { type: "shell_exit", exitCode: 3 }] }],
  ])("has the exit code of %j, and so is an error, whatever the agent says", (rawOutput) => {
    const step = working().toolUpdate("c", { status: "completed", rawOutput });
    expect(eventsOf(step, "tool.completed")[0]).toMatchObject({ exitCode: 3, status: "error" });
  });

  it("with the exit code 0 is none", () => {
    const step = working().toolUpdate("c", { status: "completed", rawOutput: { exitCode: 0 } });
    expect(eventsOf(step, "tool.completed")[0]).toMatchObject({ exitCode: 0, status: "ok" });
  });

  it("without an id is nothing that could be told", () => {
    const step = working().update({ sessionUpdate: "tool_call", title: "x" });
    expect(step.events).toMatchObject([{ type: "agent.unknown" }]);
  });
});

describe("a call that is first named by the request for a permission", () => {
  it("begins there, whatever its status is said to be", () => {
    const agent = working();
    agent.say("Let me see.");
    const step = agent.ask({ toolCallId: "c", kind: "execute", title: "ls", status: "pending" });
    expect((step.events ?? []).map(({ type }) => type)).toEqual([
      ...["message.completed", "tool.started", "permission.requested"],
    ]);
    expect(eventsOf(step, "permission.requested")[0]).toMatchObject({
      tool: { toolCallId: "c", name: "execute", kind: "execute", title: "ls", input: {} },
      canRemember: true,
    });
  });

  it("begins only once, with what was known of it before", () => {
    const agent = working();
    agent.tool("c", { kind: "execute", status: "pending", rawInput: { command: "ls" } });
    const step = agent.ask({ toolCallId: "c", title: "Run ls" });
    expect(eventsOf(step, "tool.started")).toEqual([]);
    expect(eventsOf(step, "permission.requested")[0]?.tool).toMatchObject({
      ...{ title: "Run ls", input: { command: "ls" } },
    });
  });

  it("has the members of its input as the call and as the request name them", () => {
    const agent = working();
    agent.tool("c", { kind: "edit", status: "in_progress", rawInput: { filePath: "/a", content: "x" } });
    const step = agent.ask({ toolCallId: "c", rawInput: { filepath: "/a", diff: "…" } });
    expect(eventsOf(step, "permission.requested")[0]?.tool.input).toEqual({
      ...{ filePath: "/a", content: "x", filepath: "/a", diff: "…" },
    });
  });

  it("goes on after it was allowed", () => {
    const agent = working();
    agent.ask({ toolCallId: "c", kind: "execute" });
    const allowed = agent.protocol.reply({ type: "permission", requestId: "1.1", outcome: "allow" });
    expect(allowed.events).toBeUndefined();
    const ended = agent.toolUpdate("c", { status: "completed", content: text("out") });
    expect(ended.events).toEqual([{ type: "tool.completed", toolCallId: "c", status: "ok", output: "out" }]);
  });

  it("is closed when it was denied, since many agents say no more about it", () => {
    const agent = working();
    agent.ask({ toolCallId: "c", kind: "execute" });
    const denied = agent.protocol.reply({
      type: "permission",
      requestId: "1.1",
      outcome: "deny",
      message: "No.",
    });
    expect(selected(denied)).toEqual({ outcome: { outcome: "selected", optionId: "7" } });
    expect(denied.events).toEqual([
      { type: "tool.completed", toolCallId: "c", status: "denied", output: "No." },
    ]);
    expect(agent.toolUpdate("c", { status: "failed", content: text("rejected") }).events).toBeUndefined();
  });

  it("needs no id to be asked for", () => {
    const agent = working();
    const step = agent.ask({ title: "Something" }, usualOptions, "a");
    expect(eventsOf(step, "permission.requested")).toHaveLength(1);
    expect(sent(step)).toEqual([]);
  });
});

describe("a tool of an MCP server", () => {
  it("is known by the title that the call had at first, too", () => {
    const agent = working({ input: { mcpServers: { echo: { type: "stdio", command: "echo" } } } });
    agent.tool("c", { title: "echo-echo", kind: "other", status: "pending", rawInput: { text: "hi" } });
    const step = agent.ask({ toolCallId: "c", title: "echo", kind: "other" });
    expect(eventsOf(step, "permission.requested")).toMatchObject([
      { tool: { kind: "mcp", name: "echo-echo" } },
    ]);
  });
});
