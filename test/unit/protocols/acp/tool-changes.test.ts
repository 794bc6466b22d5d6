import { describe, expect, it, vi } from "vitest";
import { eventsOf, working } from "./agent.ts";

const text = (said: string) => [{ type: "content", content: { type: "text", text: said } }];

describe("the changes of files", () => {
  const diff = (members: object) => ({ type: "diff", path: "/a", ...members });
  const changes = (kind: string, content: readonly object[], locations: readonly object[] = []) =>
    eventsOf(
      working().toolUpdate("c", { status: "completed", kind, content, locations }),
      "file.changed",
    ).map(({ path, change }) => ({ path, change }));

  it.each([
    ["edit", diff({ oldText: "a\n", newText: "b\n" }), "modified"],
    ["edit", diff({ oldText: null, newText: "b\n" }), "added"],
    ["edit", diff({ newText: "b\n" }), "added"],
    ["edit", diff({ oldText: "", newText: "b\n" }), "added"],
    ["edit", diff({ oldText: "", newText: "b\n", _meta: { kind: "modify" } }), "modified"],
    ["edit", diff({ oldText: "", newText: "b\n", _meta: { kind: "add" } }), "added"],
    ["edit", diff({ oldText: "a", newText: "", _meta: { kind: "delete" } }), "deleted"],
    ["edit", diff({ oldText: "a", newText: "" }), "modified"],
    ["delete", diff({ oldText: "a", newText: "" }), "deleted"],
  ])("%s with %j is told as %s", (kind, content, change) => {
    expect(changes(kind, [content])).toEqual([{ path: "/a", change }]);
  });

  it("come with a unified diff", () => {
    const step = working().toolUpdate("c", {
      status: "completed",
      content: [diff({ oldText: "1\n2\n", newText: "1\n3\n" })],
    });
    expect(step.events?.at(-1)).toEqual({
      type: "file.changed",
      path: "/a",
      change: "modified",
      diff: "--- /a\n+++ /a\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n",
      toolCallId: "c",
    });
  });

  it("are those that were shown last, though the end shows another content", () => {
    const agent = working();
    agent.ask({ toolCallId: "c", kind: "edit", content: [diff({ newText: "x" })] });
    agent.protocol.reply({ type: "permission", requestId: "1.1", outcome: "allow" });
    const step = agent.toolUpdate("c", { status: "completed", content: text("Wrote the file.") });
    expect(eventsOf(step, "tool.completed")[0]?.output).toBe("Wrote the file.");
    expect(eventsOf(step, "file.changed")).toMatchObject([{ path: "/a", change: "added" }]);
  });

  it("of a deletion without a diff are its locations", () => {
    expect(changes("delete", [], [{ path: "/a" }, { path: "/b" }])).toEqual([
      { path: "/a", change: "deleted" },
      { path: "/b", change: "deleted" },
    ]);
  });

  it("are told of calls that succeed, and of no others", () => {
    const agent = working();
    const content = [diff({ newText: "x" })];
    expect(eventsOf(agent.tool("c", { status: "in_progress", content }), "file.changed")).toEqual([]);
    expect(eventsOf(agent.toolUpdate("c", { status: "failed" }), "file.changed")).toEqual([]);
    agent.ask({ toolCallId: "d", content });
    agent.protocol.reply({ type: "permission", requestId: "1.1", outcome: "deny", message: "No" });
    expect(agent.toolUpdate("d", { status: "completed", content }).events).toBeUndefined();
  });
});

describe("what a call has changed", () => {
  const edit = { kind: "edit", rawInput: { file_path: "/workspace/src/notes.txt" } };
  const diff = [{ type: "diff", path: "notes.txt", oldText: "a\n", newText: "b\n" }];

  it("has the whole path that its input tells, where the diff tells the last part", () => {
    const agent = working();
    agent.tool("c", { ...edit, status: "in_progress" });
    const ended = agent.toolUpdate("c", { status: "completed", content: diff });
    expect(eventsOf(ended, "file.changed")).toMatchObject([{ path: "/workspace/src/notes.txt" }]);
    agent.tool("d", { kind: "edit", status: "in_progress", rawInput: { file_path: "/workspace/other" } });
    const other = agent.toolUpdate("d", { status: "completed", content: diff });
    expect(eventsOf(other, "file.changed")).toMatchObject([{ path: "notes.txt" }]);
  });

  it("is asked of the profile where it shows no diff, and ended well", () => {
    const fileChanges = vi.fn(() => [{ path: "/a", change: "added" } as const]);
    const agent = working({ profile: { fileChanges } });
    agent.tool("c", { title: "write", status: "in_progress", kind: "edit", rawInput: { x: 1 } });
    const ended = agent.toolUpdate("c", { title: "a", status: "completed" });
    expect(eventsOf(ended, "file.changed")).toEqual([
      { type: "file.changed", path: "/a", change: "added", toolCallId: "c" },
    ]);
    expect(fileChanges).toHaveBeenCalledWith(
      expect.objectContaining({ toolCallId: "c", kind: "edit", title: "a", firstTitle: "write" }),
    );
    expect(eventsOf(agent.tool("d", { status: "failed" }), "file.changed")).toEqual([]);
    const shown = agent.tool("e", { status: "completed", content: [{ ...diff[0], path: "/b" }] });
    expect(eventsOf(shown, "file.changed")).toMatchObject([{ path: "/b" }]);
  });
});

describe("the output of a call", () => {
  it("is none of what was shown while it was asked for", () => {
    const agent = working();
    agent.ask({ toolCallId: "c", kind: "execute", content: text("Runs ls in /workspace") });
    agent.protocol.interrupt();
    expect(eventsOf(agent.end({ stopReason: "cancelled" }), "tool.completed")).toMatchObject([
      { status: "interrupted", output: "" },
    ]);
    agent.prompt();
    agent.ask({ toolCallId: "d", kind: "execute", content: text("Runs ls in /workspace") });
    agent.protocol.reply({ type: "permission", requestId: "1.2", outcome: "allow" });
    const ended = agent.toolUpdate("d", { status: "completed", content: text("out") });
    expect(eventsOf(ended, "tool.completed")).toMatchObject([{ status: "ok", output: "out" }]);
  });
});
