import { describe, expect, it } from "vitest";
import type { AgentProtocol, HostAnswer } from "../../../../src/kit.ts";
import { lines, nativeSessionId, promptTaken, readyProtocol, runningProtocol, sent } from "./lines.ts";

const answer = (requestId: string, more: object): HostAnswer => ({
  type: "permission",
  requestId,
  outcome: "allow",
  ...more,
});

function asking(): AgentProtocol {
  const protocol = readyProtocol({ permissions: "ask" });
  promptTaken(protocol);
  return protocol;
}

describe("a permission", () => {
  it("is asked for with the call, which is told before OpenCode tells it", () => {
    const protocol = asking();
    const tool = { toolCallId: "c1", name: "bash", kind: "execute", title: "ls", input: { command: "ls" } };
    const step = protocol.push(lines.permission("playpen:1.1", "c1"));
    expect(step.events).toEqual([
      { type: "tool.started", ...tool },
      { type: "permission.requested", requestId: "request-1", tool, canRemember: true },
    ]);
    expect(step).not.toHaveProperty("write");
    const running = lines.tool("c1", "bash", { status: "running", input: { command: "ls" } });
    expect(protocol.push(running).events ?? []).toEqual([]);
  });

  it("is given, also for another input", () => {
    const protocol = asking();
    protocol.push(lines.permission("playpen:1.1", "c1"));
    expect(sent(protocol.reply(answer("request-1", {})))).toEqual([
      { jsonrpc: "2.0", id: "playpen:1.1", result: { outcome: "allow" } },
    ]);
    protocol.push(lines.permission("playpen:1.2", "c2"));
    const updatedInput = { command: "pwd" };
    expect(sent(protocol.reply(answer("request-2", { updatedInput })))).toMatchObject([
      { id: "playpen:1.2", result: { outcome: "allow", args: { command: "pwd" } } },
    ]);
  });

  it("that is not given is told as denied, whatever OpenCode makes of it", () => {
    const protocol = asking();
    protocol.push(lines.permission("playpen:1.1", "c1"));
    const denial = { outcome: "deny", message: "Not that one." };
    expect(sent(protocol.reply(answer("request-1", denial)))).toMatchObject([
      { id: "playpen:1.1", result: denial },
    ]);
    const failed = lines.tool("c1", "bash", { status: "error", error: "Not that one." });
    expect(protocol.push(failed).events).toMatchObject([{ type: "tool.completed", status: "denied" }]);
  });

  it("is remembered for the like of the call", () => {
    const protocol = asking();
    protocol.push(lines.permission("playpen:1.1", "c1"));
    protocol.reply(answer("request-1", { remember: true }));
    const again = protocol.push(lines.permission("playpen:1.2", "c2"));
    expect(sent(again)).toMatchObject([{ id: "playpen:1.2", result: { outcome: "allow" } }]);
    expect(again.events).toMatchObject([{ type: "tool.started", toolCallId: "c2" }]);
    const other = protocol.push(lines.permission("playpen:1.3", "c3", "bash", { command: "ls -l" }));
    expect(other.events?.at(-1)).toMatchObject({ type: "permission.requested", requestId: "request-2" });
  });

  it("names the files of a patch, which do not go back", () => {
    const protocol = asking();
    const patchText = "*** Begin Patch\n*** Update File: a.txt\n*** Move to: b.txt\n*** End Patch";
    const step = protocol.push(lines.permission("playpen:1.1", "c1", "apply_patch", { patchText }));
    const input = { patchText, changes: [{ path: "a.txt" }, { path: "b.txt" }] };
    expect(step.events?.at(-1)).toMatchObject({ tool: { title: "Edit a.txt, b.txt", input } });
    expect(sent(protocol.reply(answer("request-1", { updatedInput: input })))).toMatchObject([
      { result: { args: { patchText } } },
    ]);
    expect(JSON.stringify(sent(protocol.reply(answer("request-1", {}))))).not.toContain("changes");
  });

  it("is denied where no turn runs that it could be for", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    const step = protocol.push(lines.permission("playpen:1.1", "c1"));
    expect(sent(step)).toMatchObject([{ id: "playpen:1.1", result: { outcome: "deny" } }]);
    expect(step.events ?? []).toEqual([]);
  });

  it("that is open at the end of the turn is withdrawn", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    const id = promptTaken(protocol);
    protocol.push(lines.permission("playpen:1.1", "c1"));
    const step = protocol.push(lines.answer(id, { stopReason: "end_turn" }));
    expect(step.events).toMatchObject([
      { type: "permission.resolved", requestId: "request-1", outcome: "cancelled", by: "agent" },
      { type: "turn.completed" },
    ]);
    expect(sent(step)).toMatchObject([{ id: "playpen:1.1", result: { outcome: "deny" } }]);
  });

  it("does not outlive its process", () => {
    const protocol = asking();
    protocol.push(lines.permission("playpen:1.1", "c1"));
    protocol.end({ code: 1, signal: null, stderr: "" });
    protocol.open({ resume: { nativeSessionId, fork: false } });
    expect(protocol.reply(answer("request-1", {}))).toEqual({});
  });

  it("that OpenCode asks for by itself is the plugin's to answer", () => {
    const protocol = asking();
    const request = { jsonrpc: "2.0", id: 7, method: "session/request_permission", params: {} };
    const step = protocol.push(JSON.stringify(request));
    expect(step).not.toHaveProperty("events");
    expect(step).not.toHaveProperty("write");
  });

  it.each([
    ["The tool bash may not be used in this session."],
    ["No tool may be used in this session."],
    ["The user has specified a rule which prevents you from using this specific tool call. […]"],
  ])("that is refused beforehand is a denied call: %s", (error) => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    const [, completed] = protocol.push(lines.tool("c1", "bash", { status: "error", error })).events ?? [];
    expect(completed).toMatchObject({ type: "tool.completed", status: "denied" });
  });

  it("is never given where all is denied", () => {
    const protocol = readyProtocol({ permissions: "deny-all" });
    promptTaken(protocol);
    const [, completed] =
      protocol.push(lines.tool("c1", "bash", { status: "error", error: "Unavailable." })).events ?? [];
    expect(completed).toMatchObject({ status: "denied" });
  });
});

describe("a question", () => {
  const questions = [
    {
      header: "Colour",
      question: "Which?",
      multiple: true,
      options: [{ label: "Red", description: "Like fire." }, { label: "Blue" }],
    },
    { question: "Sure?", options: [] },
  ];

  it("is put to the host, and its answers go back in their order", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    expect(protocol.push(lines.question("playpen:1.1", questions)).events).toEqual([
      {
        type: "question.requested",
        requestId: "request-1",
        questions: [
          {
            id: "0",
            header: "Colour",
            question: "Which?",
            options: [{ label: "Red", description: "Like fire." }, { label: "Blue" }],
            multiSelect: true,
          },
          { id: "1", question: "Sure?", options: [], multiSelect: false },
        ],
      },
    ]);
    const answers = { "1": "Yes", "0": ["Red", "Blue"] };
    const step = protocol.reply({ type: "question", requestId: "request-1", answers });
    expect(sent(step)).toMatchObject([
      { id: "playpen:1.1", result: { answers: [["Red", "Blue"], ["Yes"]] } },
    ]);
  });

  it("may be declined", () => {
    const protocol = readyProtocol();
    promptTaken(protocol);
    protocol.push(lines.question("playpen:1.1", questions));
    expect(sent(protocol.reply({ type: "question", requestId: "request-1" }))).toEqual([
      { jsonrpc: "2.0", id: "playpen:1.1", result: {} },
    ]);
  });

  it.each([
    ["a session without a host that answers", readyProtocol({ answersQuestions: false })],
    ["a process for the turn", runningProtocol({ answersQuestions: false })],
  ])("is declined in %s", (_, protocol) => {
    promptTakenIfReady(protocol);
    const step = protocol.push(lines.question("playpen:1.1", questions));
    expect(sent(step)).toEqual([{ jsonrpc: "2.0", id: "playpen:1.1", result: {} }]);
    expect(step.events).toMatchObject([{ type: "agent.notice" }]);
  });
});

/** A process for the turn is prompted already. */
function promptTakenIfReady(protocol: AgentProtocol): void {
  protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text: "Hello." }] });
}
