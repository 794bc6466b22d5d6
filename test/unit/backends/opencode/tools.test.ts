import { describe, expect, it } from "vitest";
import type { AgentEventBody, AgentProtocol } from "../../../../src/kit.ts";
import { json, lines, nativeSessionId, promptTaken, readyProtocol } from "./lines.ts";

const pushAll = (protocol: AgentProtocol, ...pushed: readonly string[]): readonly AgentEventBody[] =>
  pushed.flatMap((line) => protocol.push(line).events ?? []);

describe("a tool call", () => {
  it("is told with its output and exit code", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const input = { command: "echo out; exit 3" };
    expect(
      pushAll(
        protocol,
        lines.tool("c1", "bash", { status: "running", input }),
        lines.tool("c1", "bash", { status: "running", added: "out\n" }),
        lines.tool("c1", "bash", { status: "completed", input, output: "out\n", metadata: { exit: 3 } }),
        lines.tool("c2", "nothing", { status: "error", input: {}, error: "No such tool." }),
      ),
    ).toEqual([
      {
        type: "tool.started",
        toolCallId: "c1",
        name: "bash",
        kind: "execute",
        title: "echo out; exit 3",
        input,
      },
      { type: "tool.delta", toolCallId: "c1", output: "out\n" },
      {
        type: "tool.completed",
        toolCallId: "c1",
        status: "error",
        output: "out\n",
        content: { exit: 3 },
        exitCode: 3,
      },
      { type: "tool.started", toolCallId: "c2", name: "nothing", kind: "other", title: "nothing", input: {} },
      { type: "tool.completed", toolCallId: "c2", status: "error", output: "No such tool." },
    ]);
  });

  it("of a sub-agent has the call that runs it", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const metadata = { sessionId: "ses_below" };
    const events = pushAll(
      protocol,
      lines.tool("c1", "task", { status: "running", input: { description: "Look" }, metadata }),
      lines.tool("c2", "bash", { status: "running", input: { command: "ls" } }, { sessionID: "ses_below" }),
      lines.text("t1", "Below.", { sessionID: "ses_below" }),
    );
    expect(events).toMatchObject([
      { type: "tool.started", toolCallId: "c1", kind: "agent", title: "Look" },
      { type: "tool.started", toolCallId: "c2", parentToolCallId: "c1" },
      { type: "message.completed", text: "Below.", parentToolCallId: "c1" },
    ]);
  });

  it("of an MCP server has the name that rules are written with", () => {
    const server = { type: "stdio", command: "x" } as const;
    const protocol = readyProtocol({ mcpServers: { my: server, "my files": server } });
    promptTaken(protocol);
    const names = ["my_look", "my_files_look", "mything"].map((tool, index) => {
      const [event] = pushAll(
        protocol,
        lines.tool(`c${String(index)}`, tool, { status: "running", input: {} }),
      );
      return event?.type === "tool.started" ? [event.name, event.kind] : [];
    });
    expect(names).toEqual([
      ["mcp__my__look", "mcp"],
      ["mcp__my files__look", "mcp"],
      ["mything", "other"],
    ]);
  });

  it.each([
    ["write", { filePath: "/a", content: "x\n" }, { exists: false }, "added", "@@ -0,0 +1,1 @@\n+x\n"],
    ["write", { filePath: "/a", content: "x" }, { exists: true }, "modified", undefined],
    ["edit", { filePath: "/a", oldString: "x" }, { diff: "D" }, "modified", "D"],
    ["edit", { filePath: "/a", oldString: "" }, { diff: "D" }, "added", "D"],
    ["apply_patch", {}, { files: [{ filePath: "/a", type: "delete" }] }, "deleted", undefined],
  ])("%s tells what becomes of the file", (tool, input, metadata, change, diff) => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const line = lines.tool("c1", tool, { status: "completed", input, output: "", metadata });
    const event = pushAll(protocol, line).find(({ type }) => type === "file.changed");
    expect(event).toMatchObject({ type: "file.changed", path: "/a", change, toolCallId: "c1" });
    if (diff === undefined) expect(event).not.toHaveProperty("diff");
    else expect(event).toMatchObject({ diff: expect.stringContaining(diff) as unknown });
  });

  it("that moves a file deletes one and adds one", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const files = [{ filePath: "/a", movePath: "/b", type: "move", patch: "D" }];
    const line = lines.tool("c1", "apply_patch", { status: "completed", input: {}, metadata: { files } });
    expect(pushAll(protocol, line)).toMatchObject([
      { type: "tool.started" },
      { type: "file.changed", path: "/a", change: "deleted" },
      { type: "file.changed", path: "/b", change: "added", diff: "D" },
      { type: "tool.completed", status: "ok" },
    ]);
  });
});

describe("what else the plugin tells", () => {
  it("is a plan, a compaction, servers that do not start", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const sessionID = nativeSessionId;
    const todos = [
      { content: "Look", status: "completed", priority: "high" },
      { content: "Lag", status: "cancelled" },
      { content: "Leap", status: "odd" },
    ];
    expect(
      pushAll(
        protocol,
        lines.event("todo.updated", { sessionID, todos }),
        lines.event("message.part.updated", { part: { type: "compaction", auto: true } }),
        lines.event("session.compacted", { sessionID }),
        lines.event("session.compacted", { sessionID }),
        lines.event("session.compacted", { sessionID: "ses_below" }),
        lines.prompted({ good: { status: "connected" }, bad: { status: "failed", error: "No." } }),
      ),
    ).toEqual([
      {
        type: "plan.updated",
        entries: [
          { content: "Look", status: "completed", priority: "high" },
          { content: "Leap", status: "pending" },
        ],
      },
      { type: "context.compacted", trigger: "auto" },
      { type: "context.compacted", trigger: "unknown" },
      {
        type: "session.updated",
        mcpServers: [
          { name: "good", status: "connected" },
          { name: "bad", status: "failed", message: "No." },
        ],
      },
      {
        type: "agent.notice",
        level: "warning",
        message: 'The MCP server "bad" could not be started: No.',
      },
    ]);
  });

  it("is unknown where its kind is", () => {
    const protocol = readyProtocol();
    for (const line of [
      lines.event("session.invented", {}),
      json({ jsonrpc: "2.0", method: "_playpen/invented", params: {} }),
      json({ jsonrpc: "2.0", method: "session/invented", params: {} }),
    ]) {
      expect(protocol.push(line)).toMatchObject({ events: [{ type: "agent.unknown" }], background: true });
    }
    expect(protocol.push("nothing").events).toMatchObject([{ type: "agent.unparsed", line: "nothing" }]);
  });
});
