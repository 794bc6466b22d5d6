import { describe, expect, it } from "vitest";
import type { AgentProtocol } from "../../../../src/kit.ts";
import { lines, prompt, readyProtocol, sent } from "./lines.ts";

function promptTaken(protocol: AgentProtocol): string {
  const [request] = sent(prompt(protocol));
  protocol.push(lines.answer(request!.id));
  protocol.push(lines.takenUp(request!.id));
  return request!.id;
}

describe("a tool call", () => {
  function run(...told: readonly string[]): readonly unknown[] {
    const protocol = readyProtocol();
    promptTaken(protocol);
    return told.flatMap((line) => protocol.push(line).events ?? []);
  }

  it("begins when its input is whole, streams what is new, and ends once", () => {
    const call = lines.call("c-1");
    const events = run(
      lines.told("tool_call", { toolUse: { ...call, input: {} } }),
      lines.told("tool_call", { toolUse: call }),
      lines.answerWritten([call]),
      lines.progress("c-1", "one\n"),
      lines.progress("c-1", "one\ntwo\n"),
      lines.result("c-1", "one\ntwo\n\n\n[Process exited with code 0]"),
      lines.result("c-1", "one\ntwo\n\n\n[Process exited with code 0]"),
    );
    expect(events).toEqual([
      {
        type: "tool.started",
        toolCallId: "c-1",
        name: "Execute",
        kind: "execute",
        title: "ls",
        input: { command: "ls" },
      },
      { type: "tool.delta", toolCallId: "c-1", output: "one\n" },
      { type: "tool.delta", toolCallId: "c-1", output: "two\n" },
      { type: "tool.completed", toolCallId: "c-1", status: "ok", output: "one\ntwo\n", exitCode: 0 },
    ]);
  });

  it.each([
    ["Command completed successfully\n\n\n[Process exited with code 0]", false, "", 0, "ok"],
    ["Error: Command failed (exit code: 3)\nout\n\n[Process exited with code 3]", true, "out", 3, "error"],
    ["Error: Command failed (exit code: 3)\n\n[Process exited with code 3]", true, "", 3, "error"],
    ["Error: No such tool", true, "Error: No such tool", undefined, "error"],
  ])("has the output of the command alone: %j", (text, isError, output, exitCode, status) => {
    const events = run(lines.answerWritten([lines.call("c-1")]), lines.result("c-1", text, isError));
    expect(events.at(-1)).toEqual({
      type: "tool.completed",
      toolCallId: "c-1",
      status,
      output,
      ...(exitCode === undefined ? {} : { exitCode }),
    });
  });

  it("that ends without having begun begins then", () => {
    const events = run(
      lines.told("tool_result", { toolUseId: "c-9", toolName: "Read", content: "x", isError: false }),
    );
    expect(events).toMatchObject([
      { type: "tool.started", name: "Read", kind: "read" },
      { type: "tool.completed", status: "ok" },
    ]);
  });

  it.each([
    ["echo___echo", {}, "mcp", "echo___echo"],
    ["Grep", { pattern: "x" }, "search", "x"],
    ["Glob", { patterns: ["*.ts"] }, "search", "*.ts"],
    ["FetchUrl", { url: "https://example.com" }, "fetch", "https://example.com"],
    ["Task", { description: "Look" }, "agent", "Look"],
    ["constructor", {}, "other", "constructor"],
  ])("of %s is of its kind", (name, input, kind, title) => {
    expect(run(lines.answerWritten([lines.call("c-1", name, input)]))).toMatchObject([{ name, kind, title }]);
  });

  it("of the plan updates the plan", () => {
    const todos = "1. [completed] One\n2. [in_progress] Two\n- [strange] Three\nno entry";
    const events = run(
      lines.answerWritten([lines.call("c-1", "TodoWrite", { todos })]),
      lines.result("c-1", "TODO List Updated"),
    );
    expect(events).toContainEqual({
      type: "plan.updated",
      entries: [
        { content: "One", status: "completed" },
        { content: "Two", status: "in_progress" },
        { content: "Three", status: "pending" },
      ],
    });
  });
});

describe("changes of files", () => {
  function changes(...calls: readonly (readonly [string, object, unknown])[]): readonly unknown[] {
    const protocol = readyProtocol();
    promptTaken(protocol);
    return calls.flatMap(([name, input, result], index) => {
      const id = `c-${String(index)}`;
      protocol.push(lines.answerWritten([lines.call(id, name, input)], `m-${String(index)}`));
      const { events = [] } = protocol.push(lines.result(id, JSON.stringify(result)));
      return events.filter(({ type }) => type === "file.changed");
    });
  }

  it("tell what is new from what was there", () => {
    const path = "/workspace/a.txt";
    expect(
      changes(
        ["Create", { file_path: "a.txt" }, { success: true }],
        ["Create", { file_path: path }, { success: true }],
        ["Read", { file_path: "b.txt" }, {}],
        ["Create", { file_path: "./b.txt" }, { success: true }],
      ),
    ).toMatchObject([
      { path, change: "added" },
      { path, change: "modified" },
      { path: "/workspace/b.txt", change: "modified" },
    ]);
  });

  it("have a diff where Droid tells the lines", () => {
    const diffLines = [
      { type: "unchanged", content: "one", lineNumber: { old: 1, new: 1 } },
      { type: "removed", content: "two", lineNumber: { old: 2 } },
      { type: "added", content: "2", lineNumber: { new: 2 } },
      { type: "unchanged", content: "nine", lineNumber: { old: 9, new: 9 } },
      { type: "added", content: "ten", lineNumber: { new: 10 } },
    ];
    const [change] = changes(["Edit", { file_path: "/a.txt" }, { diffLines }]);
    expect(change).toMatchObject({
      change: "modified",
      diff: "--- /a.txt\n+++ /a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n@@ -9,1 +9,2 @@\n nine\n+ten\n",
    });
  });

  it("are read off a patch", () => {
    const input =
      "*** Begin Patch\n*** Add File: a\n+x\n*** Update File: /b\n*** Delete File: c\n*** End Patch";
    expect(changes(["ApplyPatch", { input }, {}])).toMatchObject([
      { path: "/workspace/a", change: "added" },
      { path: "/b", change: "modified" },
      { path: "/workspace/c", change: "deleted" },
    ]);
  });
});
