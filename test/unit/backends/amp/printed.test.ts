import { describe, expect, it } from "vitest";
import { amp } from "../../../../backends/amp/index.ts";
import { play, protocolInput, running, threadId } from "./lines.ts";

/** Lines that the CLI 0.0.1790142911-g7618fb has printed, before a stand-in for its vendor's service. */
const init = `{"type":"system","subtype":"init","cwd":"/workspace","session_id":"${threadId}","tools":["Bash","Read"],"mcp_servers":[{"name":"echo","status":"connected"},{"name":"gone","status":"reconnecting"}],"agent_mode":"high"}`;
const echo = `{"type":"user","message":{"role":"user","content":[{"type":"text","text":"hello\\nworld"}]},"parent_tool_use_id":null,"session_id":"${threadId}"}`;
const call = `{"type":"assistant","message":{"type":"message","role":"assistant","content":[{"type":"thinking","thinking":"Hm."},{"type":"text","text":"Let me look."},{"type":"tool_use","id":"TU-0000000000000000000001","name":"shell_command","input":{"command":"echo hi; echo err >&2; exit 3"}}],"stop_reason":"tool_use","usage":{"input_tokens":12,"cache_creation_input_tokens":3,"cache_read_input_tokens":7,"output_tokens":5,"service_tier":"standard"}},"parent_tool_use_id":null,"session_id":"${threadId}"}`;
const result = `{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"TU-0000000000000000000001","content":"{\\"output\\":\\"hi\\\\nerr\\\\n\\",\\"exitCode\\":3}","is_error":false}]},"parent_tool_use_id":null,"session_id":"${threadId}"}`;
const answer = `{"type":"assistant","message":{"type":"message","role":"assistant","content":[{"type":"text","text":"2 + 2 equals 4."}],"stop_reason":"end_turn","usage":{"input_tokens":12,"cache_creation_input_tokens":3,"cache_read_input_tokens":7,"output_tokens":5,"service_tier":"standard"}},"parent_tool_use_id":null,"session_id":"${threadId}"}`;
const success = `{"type":"result","subtype":"success","duration_ms":91,"is_error":false,"num_turns":2,"result":"2 + 2 equals 4.","session_id":"${threadId}"}`;
const cancelled = `{"type":"result","subtype":"error_during_execution","duration_ms":2405,"is_error":true,"num_turns":0,"error":"User cancelled (SIGINT/SIGTERM)","session_id":"${threadId}"}`;

describe("what the CLI has printed", () => {
  it("in a turn with a command, is told whole", () => {
    expect(play(running(), init, echo, call, result, answer, success)).toEqual([
      {
        type: "session.started",
        agent: "amp",
        nativeSessionId: threadId,
        cwd: "/workspace",
        tools: ["Bash", "Read"],
        mcpServers: [
          { name: "echo", status: "connected" },
          { name: "gone", status: "pending", message: "reconnecting" },
        ],
        resumed: false,
      },
      { type: "reasoning.completed", messageId: "message-1", text: "Hm." },
      { type: "message.completed", messageId: "message-2", text: "Let me look." },
      {
        type: "tool.started",
        toolCallId: "TU-0000000000000000000001",
        name: "shell_command",
        kind: "execute",
        title: "echo hi; echo err >&2; exit 3",
        input: { command: "echo hi; echo err >&2; exit 3" },
      },
      {
        type: "usage.updated",
        usage: { inputTokens: 12, outputTokens: 5, cacheReadTokens: 7, cacheWriteTokens: 3 },
      },
      {
        type: "tool.completed",
        toolCallId: "TU-0000000000000000000001",
        status: "error",
        output: "hi\nerr\n",
        content: { output: "hi\nerr\n", exitCode: 3 },
        exitCode: 3,
      },
      { type: "message.completed", messageId: "message-3", text: "2 + 2 equals 4." },
      {
        type: "usage.updated",
        usage: { inputTokens: 24, outputTokens: 10, cacheReadTokens: 14, cacheWriteTokens: 6 },
      },
      {
        type: "turn.completed",
        stopReason: "end_turn",
        usage: { inputTokens: 24, outputTokens: 10, cacheReadTokens: 14, cacheWriteTokens: 6 },
        numTurns: 2,
      },
    ]);
  });

  it("after a signal, is an interrupt only where the host asked for it", () => {
    const protocol = running();
    play(protocol, init, echo);
    protocol.interrupt();
    expect(play(protocol, cancelled)).toEqual([{ type: "turn.interrupted", by: "host" }]);
    expect(play(running(), init, echo, cancelled).at(-1)).toMatchObject({
      type: "turn.failed",
      error: { code: "agent_error", message: "User cancelled (SIGINT/SIGTERM)" },
    });
  });

  it("of a thread that is not there, has the session begin a fresh one", () => {
    const protocol = amp().protocol(protocolInput);
    protocol.open({ resume: { nativeSessionId: threadId, fork: false } });
    protocol.prompt({ turnId: "turn-1", content: [{ type: "text", text: "Hello" }] });
    const stderr = `Thread https://ampcode.example.com/threads/${threadId} does not exist.\n\n`;
    expect(protocol.end({ code: 1, signal: null, stderr })).toMatchObject({ resumeLost: true });
  });
});
