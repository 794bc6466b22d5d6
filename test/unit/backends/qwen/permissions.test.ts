import { describe, expect, it } from "vitest";
import type { AgentProtocol, HostAnswer, JsonObject } from "../../../../src/kit.ts";
import { lines, prompt, readyProtocol, requestId, resumingProtocol, sent } from "./lines.ts";

const shell = (toolCallId: string, command = "ls"): JsonObject => ({
  ...{ toolCallId, kind: "execute", title: command, rawInput: { command } },
});

const allow = (requestId: string, more: object = {}): HostAnswer => ({
  type: "permission",
  requestId,
  outcome: "allow",
  ...more,
});

function asking(servers: readonly string[] = []): AgentProtocol {
  const server = { type: "stdio", command: "x" } as const;
  const mcpServers = Object.fromEntries(servers.map((name) => [name, server]));
  const protocol = readyProtocol({ permissions: "ask", mcpServers });
  prompt(protocol);
  return protocol;
}

function requested(protocol: AgentProtocol, line: string): { id: string; tool: object } {
  const event = protocol.push(line).events?.at(-1);
  if (event?.type !== "permission.requested") throw new Error(`Nothing was asked: ${JSON.stringify(event)}`);
  return { id: event.requestId, tool: event.tool };
}

describe("a permission", () => {
  it("is asked for with the tool that Qwen Code does not name", () => {
    const { tool } = requested(asking(), lines.permission(20, shell("c1")));
    expect(tool).toMatchObject({
      ...{ toolCallId: "c1", name: "run_shell_command", kind: "execute", title: "ls" },
      input: { command: "ls" },
    });
  });

  it.each([
    ["read", { file_path: "/a" }, "read_file"],
    ["read", { skill: "greet" }, "skill"],
    ["edit", { file_path: "/a", content: "x" }, "write_file"],
    ["edit", { file_path: "/a", old_string: "x" }, "edit"],
    ["search", { pattern: "x" }, "grep_search"],
    ["search", { path: "/a" }, "list_directory"],
    ["fetch", { url: "http://a" }, "web_fetch"],
    ["think", { todos: [] }, "todo_write"],
    ["switch_mode", { plan: "x" }, "exit_plan_mode"],
    ["other", { query: "x" }, "tool_search"],
    ["other", { task_id: "x" }, "task_stop"],
  ])("of the kind %s with %j is for %s", (kind, rawInput, name) => {
    const call = { toolCallId: "c1", kind, title: "Odd", rawInput };
    expect(requested(asking(), lines.permission(20, call)).tool).toMatchObject({ name });
  });

  it.each([
    ["say", "mcp__left__say"],
    ["say·", "mcp__right__say"],
    ["say··", "mcp__unknown__say"],
    [undefined, "mcp__left__it"],
  ])("for the tool %s of a server knows the server by the marks", (always, name) => {
    const call = { toolCallId: "c1", kind: "other", title: '{"text":"hi"}', rawInput: { text: "hi" } };
    const { tool } = requested(asking(["left", "right"]), lines.permission(20, call, always));
    expect(tool).toMatchObject({ name, kind: "mcp" });
  });

  it("is given once, never for good: that would be written into the project", () => {
    const protocol = asking();
    const { id } = requested(protocol, lines.permission(20, shell("c1")));
    expect(sent(protocol.reply(allow(id, { remember: true })))).toEqual([
      { jsonrpc: "2.0", id: 20, result: { outcome: { outcome: "selected", optionId: "proceed_once" } } },
    ]);
    // The library remembers it.
    const again = protocol.push(lines.permission(21, shell("c2")));
    expect(sent(again)).toMatchObject([{ id: 21, result: { outcome: { optionId: "proceed_once" } } }]);
    expect(again.events?.some(({ type }) => type === "permission.requested")).toBe(false);
    expect(requested(protocol, lines.permission(22, shell("c3", "ls -l"))).id).not.toBe(id);
  });

  it("that is not given is told as denied", () => {
    const protocol = asking();
    const { id } = requested(protocol, lines.permission(20, shell("c1")));
    const denial = { type: "permission", requestId: id, outcome: "deny", message: "No." } as const;
    const step = protocol.reply(denial);
    expect(sent(step)).toMatchObject([{ id: 20, result: { outcome: { optionId: "cancel" } } }]);
    const events = [...(step.events ?? []), ...(protocol.push(failed("c1")).events ?? [])];
    expect(events.filter(({ type }) => type === "tool.completed")).toMatchObject([{ status: "denied" }]);
  });

  it("is withdrawn by an interruption", () => {
    const protocol = asking();
    const { id } = requested(protocol, lines.permission(20, shell("c1")));
    const step = protocol.interrupt();
    expect(sent(step)).toMatchObject([
      { id: 20, result: { outcome: { outcome: "cancelled" } } },
      { method: "session/cancel" },
    ]);
    expect(step.events).toMatchObject([{ type: "permission.resolved", requestId: id, outcome: "cancelled" }]);
  });

  it("is needed: a call that nobody was asked about stops the turn", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    const id = requestId(prompt(protocol));
    const step = protocol.push(lines.call("c1", "glob", { pattern: "*" }));
    expect(sent(step)).toMatchObject([{ method: "session/cancel" }]);
    expect(protocol.push(lines.answer(id, { stopReason: "cancelled" })).events?.at(-1)).toMatchObject({
      type: "turn.failed",
      error: { code: "agent_error", message: expect.stringContaining("call of glob") as unknown },
    });
  });

  it("is not looked for in the history, which a waiting prompt has no part in", () => {
    const { protocol } = resumingProtocol({ permissions: "ask" });
    prompt(protocol);
    const step = protocol.push(lines.call("c1", "glob", { pattern: "*" }));
    expect(sent(step)).toEqual([]);
    expect(step.events ?? []).toEqual([]);
  });

  it("that was given lets the call begin", () => {
    const protocol = asking();
    const { id } = requested(protocol, lines.permission(20, shell("c1")));
    protocol.reply(allow(id));
    expect(protocol.push(lines.call("c1", "run_shell_command", { command: "ls" }))).not.toHaveProperty(
      "write",
    );
  });
});

describe("a question", () => {
  const questions = [
    {
      header: "Colour",
      question: "Which?",
      multiSelect: true,
      options: [{ label: "Red", description: "Like fire." }, { label: "Blue" }],
    },
  ];
  const call = { toolCallId: "c1", kind: "think", title: "Ask", rawInput: { questions } };

  it("is put to the host, and answered by its place", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    expect(protocol.push(lines.permission(20, call)).events).toEqual([
      {
        type: "question.requested",
        requestId: "question-1",
        questions: [
          {
            id: "0",
            header: "Colour",
            question: "Which?",
            options: [{ label: "Red", description: "Like fire." }, { label: "Blue" }],
            multiSelect: true,
          },
        ],
      },
    ]);
    const answers = { "0": ["Red", "Blue"] };
    expect(sent(protocol.reply({ type: "question", requestId: "question-1", answers }))).toEqual([
      {
        jsonrpc: "2.0",
        id: 20,
        result: {
          outcome: { outcome: "selected", optionId: "proceed_once" },
          answers: { "0": "Red, Blue" },
        },
      },
    ]);
    expect(protocol.reply({ type: "question", requestId: "question-1", answers })).toEqual({});
  });

  it("may be declined", () => {
    const protocol = readyProtocol();
    prompt(protocol);
    protocol.push(lines.permission(20, call));
    const step = protocol.reply({ type: "question", requestId: "question-1" });
    expect(sent(step)).toMatchObject([{ id: 20, result: { outcome: { outcome: "cancelled" } } }]);
  });

  it("is declined where nobody answers, and by an interruption", () => {
    const silent = readyProtocol({ answersQuestions: false });
    prompt(silent);
    const step = silent.push(lines.permission(20, call));
    expect(sent(step)).toMatchObject([{ id: 20, result: { outcome: { outcome: "cancelled" } } }]);
    expect(step.events ?? []).toEqual([]);
    const protocol = readyProtocol();
    prompt(protocol);
    protocol.push(lines.permission(20, call));
    const stopped = protocol.interrupt();
    expect(sent(stopped)).toMatchObject([{ method: "session/cancel" }, { id: 20 }]);
    expect(stopped.events).toMatchObject([{ type: "permission.resolved", requestId: "question-1" }]);
  });
});

function failed(toolCallId: string): string {
  return lines.result(toolCallId, "The call was rejected.", { status: "failed" });
}
