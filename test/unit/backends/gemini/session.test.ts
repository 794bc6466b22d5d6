import { describe, expect, it } from "vitest";
import { gemini } from "../../../../backends/gemini/index.ts";
import type { AgentEventBody, AgentProtocol, JsonObject, ProtocolInput, Step } from "../../../../src/kit.ts";
import { protocolInput } from "./lines.ts";

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: JsonObject;
}

function requests({ write = [] }: Step): readonly Request[] {
  return write.map((line) => JSON.parse(line) as Request);
}

/** `gemini --acp` in the middle of a turn. */
class Cli {
  readonly protocol: AgentProtocol;
  readonly opened: Request | undefined;
  readonly #prompt: number;

  constructor(more: Partial<ProtocolInput> = {}) {
    this.protocol = gemini().protocol({ ...protocolInput, ...more });
    const [initialize] = requests(this.protocol.open({}));
    const [opened] = requests(this.line({ id: initialize?.id, result: { protocolVersion: 1 } }));
    this.opened = opened;
    this.line({ id: opened?.id, result: { sessionId: "native" } });
    const step = this.protocol.prompt({ turnId: "t", content: [{ type: "text", text: "Hello." }] });
    this.#prompt = requests(step)[0]?.id ?? 0;
  }

  line(message: object): Step {
    return this.protocol.push(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  update(sessionUpdate: string, update: object): readonly AgentEventBody[] {
    return (
      this.line({ method: "session/update", params: { update: { sessionUpdate, ...update } } }).events ?? []
    );
  }

  say(sessionUpdate: string, text: string): readonly AgentEventBody[] {
    return this.update(sessionUpdate, { content: { type: "text", text } });
  }

  end(result: object = {}): readonly AgentEventBody[] {
    return this.line({ id: this.#prompt, result: { stopReason: "end_turn", ...result } }).events ?? [];
  }

  fail(error: object): readonly AgentEventBody[] {
    return this.line({ id: this.#prompt, error }).events ?? [];
  }
}

const shown = (text: string): object => ({ content: [{ type: "content", content: { type: "text", text } }] });

describe("gemini --acp", () => {
  it("opens its session with the MCP servers, and sets no model: that comes by argument", () => {
    const { opened } = new Cli({ mcpServers: { echo: { type: "stdio", command: "node", args: ["x"] } } });
    expect(opened).toMatchObject({
      method: "session/new",
      params: { cwd: "/workspace", mcpServers: [{ name: "echo", command: "node", args: ["x"], env: [] }] },
    });
  });

  it("has whole thoughts, with a heading that may be empty", () => {
    const cli = new Cli();
    expect(cli.say("agent_thought_chunk", "****\nFirst this.")).toMatchObject([
      { type: "reasoning.delta", text: "First this." },
      { type: "reasoning.completed", text: "First this." },
    ]);
    expect(cli.say("agent_thought_chunk", "**Plan**\nThen that.")).toMatchObject([
      { text: "**Plan**\nThen that." },
      { type: "reasoning.completed" },
    ]);
  });

  it("tells a change of its mode as text", () => {
    const cli = new Cli();
    expect(cli.say("agent_message_chunk", "[MODE_UPDATE] plan")).toEqual([
      { type: "session.updated", mode: "plan" },
    ]);
    expect(cli.say("agent_message_chunk", "[MODE_UPDATE] of mine")).toMatchObject([
      { type: "message.delta" },
    ]);
  });

  it("counts a turn by the metadata of its answer", () => {
    const quota = { token_count: { input_tokens: 100, output_tokens: 10 } };
    expect(new Cli().end({ _meta: { quota } })).toMatchObject([
      { type: "turn.completed", usage: { inputTokens: 100, outputTokens: 10 } },
    ]);
    expect(new Cli().end()[0]).not.toHaveProperty("usage");
  });

  it.each([
    [
      "run_shell_command__1",
      { kind: "execute", title: "ls -l" },
      { name: "run_shell_command", kind: "execute", input: { command: "ls -l" } },
    ],
    [
      "mcp_echo_echo__1",
      { kind: "other", title: "echo", ...shown('{"text":"hi"}') },
      { name: "mcp_echo_echo", kind: "mcp", input: { text: "hi" } },
    ],
    ["write_todos__1", { kind: "think", title: "Todos" }, { name: "write_todos", kind: "plan" }],
    ["invoke_agent__1", { kind: "think", title: "Investigate" }, { name: "invoke_agent", kind: "agent" }],
    ["discovered__tool__1", { kind: "other", title: "x" }, { name: "discovered__tool", kind: "other" }],
    ["1", { kind: "read", title: "notes.txt" }, { name: "read", kind: "read" }],
  ])("names the tool of %s before the call's id", (toolCallId, call, facts) => {
    expect(new Cli().update("tool_call", { toolCallId, status: "in_progress", ...call })).toMatchObject([
      { type: "tool.started", toolCallId, ...facts },
    ]);
  });

  it.each([
    ["out", { status: "ok", output: "out" }],
    ["Command exited with code: 3", { status: "error", exitCode: 3 }],
    ["Command failed: ENOENT", { status: "error" }],
    ["Blocked: command substitution is not allowed", { status: "error" }],
  ])("tells a command that failed like one that did not: %s", (text, completed) => {
    const cli = new Cli();
    const call = { toolCallId: "run_shell_command__1", kind: "execute", title: "x" };
    cli.update("tool_call", { ...call, status: "in_progress" });
    expect(cli.update("tool_call_update", { ...call, status: "completed", ...shown(text) })).toMatchObject([
      { type: "tool.completed", ...completed },
    ]);
  });

  it.each([
    [
      { code: 429, message: "Slow down" },
      { code: "rate_limited", status: 429 },
    ],
    [
      { code: 500, message: '{"error":{"message":"It broke"}}' },
      { code: "model_error", status: 500, message: "It broke" },
    ],
    [
      { code: 400, message: '{"error":{"message":"API key not valid."}}' },
      { code: "authentication_failed", status: 400, message: "API key not valid." },
    ],
    [{ code: 404, message: "models/x is not found" }, { code: "model_not_found" }],
  ])("puts the status of the API's error where the code of the request's belongs: %j", (error, told) => {
    expect(new Cli().fail(error)).toMatchObject([{ type: "turn.failed", error: told }]);
  });

  it("puts a call to the host, and tells no more of it after a denial", () => {
    const cli = new Cli({ permissions: "ask" });
    const toolCall = {
      toolCallId: "run_shell_command__1",
      kind: "execute",
      title: "rm x",
      status: "pending",
    };
    const options = [
      { optionId: "proceed_always", kind: "allow_always" },
      { optionId: "proceed_once", kind: "allow_once" },
      { optionId: "cancel", kind: "reject_once" },
    ];
    const asked = cli.line({ id: 7, method: "session/request_permission", params: { toolCall, options } });
    expect(asked.events).toMatchObject([
      { type: "tool.started", name: "run_shell_command" },
      { type: "permission.requested", requestId: "1.1", tool: { title: "rm x", input: { command: "rm x" } } },
    ]);
    const denied = cli.protocol.reply({
      type: "permission",
      requestId: "1.1",
      outcome: "deny",
      message: "No.",
    });
    expect(denied.events).toMatchObject([{ type: "tool.completed", status: "denied", output: "No." }]);
    expect(requests(denied)).toMatchObject([{ id: 7, result: { outcome: { optionId: "cancel" } } }]);
    expect(cli.end()).toMatchObject([{ type: "turn.completed" }]);
  });
});
