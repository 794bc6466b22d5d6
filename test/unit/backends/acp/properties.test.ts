import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { acp, type AcpPresetName } from "../../../../backends/acp/index.ts";
import type { AgentProtocol, Step } from "../../../../src/kit.ts";
import { isTerminal } from "../replay.ts";
import { freeMode, input } from "./agent.ts";

const presets: readonly AcpPresetName[] = [
  "claude",
  "codex",
  "copilot",
  "droid",
  "gemini",
  "opencode",
  "qwen",
];

const value = fc.oneof(
  { maxDepth: 3 },
  fc.jsonValue(),
  fc.constantFrom(
    "c",
    "completed",
    "failed",
    "pending",
    "execute",
    "other",
    "run_shell_command",
    "__proto__",
  ),
);
const text = fc.oneof(
  fc.constantFrom(
    ...["Info: x Retrying...", "Info: /a", "Warning: 1 tool call(s) had no recorded result", "Error: 500 x"],
    ...[
      "[API Error: 401 x]",
      "\nExit Code: 3\nSignal: 0",
      "<shellId: 0 completed with exit code 3>",
      "****\nHm.",
    ],
  ),
  fc.string(),
);
const block = fc.record({ type: fc.constant("text"), text });
const update = fc.record(
  {
    sessionUpdate: fc.constantFrom(
      ...[
        "agent_message_chunk",
        "agent_thought_chunk",
        "user_message_chunk",
        "tool_call",
        "tool_call_update",
      ],
      ...["plan", "usage_update", "current_mode_update", "config_option_update", "notice", "invented"],
    ),
    content: fc.oneof(
      block,
      fc.array(fc.record({ type: value, content: block, path: value, newText: value })),
      value,
    ),
    toolCallId: fc.oneof(fc.constantFrom("c", "d", "mcp_echo_echo__1", "__"), value),
    ...{ status: value, kind: value, title: value },
    rawInput: fc.oneof(fc.record({ command: value, file_path: value }), value),
    rawOutput: fc.oneof(
      fc.record({
        metadata: fc.record({ filepath: value, filediff: value, files: fc.array(value), exit: value }),
      }),
      fc.record({ fileDiff: value }),
      value,
    ),
    _meta: fc.oneof(fc.record({ toolName: value, usage: value }), value),
  },
  { requiredKeys: ["sessionUpdate"] },
);
const result = fc.oneof(
  fc.record({ stopReason: fc.constantFrom("end_turn", "cancelled", "x"), usage: value, _meta: value }),
  fc.record({ sessionId: fc.constant("native"), modes: value, models: value, configOptions: value }),
  fc.record({ protocolVersion: fc.constant(1), agentCapabilities: value, authMethods: value }),
  value,
);
const line = fc
  .oneof(
    {
      weight: 6,
      arbitrary: fc.record({ method: fc.constant("session/update"), params: fc.record({ update }) }),
    },
    { weight: 2, arbitrary: fc.record({ id: fc.nat(6), result }) },
    {
      weight: 1,
      arbitrary: fc.record({ id: fc.nat(6), error: fc.record({ code: value, message: value, data: value }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        id: fc.nat(6),
        method: fc.constantFrom(
          "session/request_permission",
          "fs/write_text_file",
          "_auth/status_update",
          "x",
        ),
        params: fc.record({ toolCall: update, options: value }),
      }),
    },
  )
  .map((message) => JSON.stringify({ jsonrpc: "2.0", ...message }));

/** Comes to a session that can be prompted, so that what follows is of a turn. */
function opened(preset: AcpPresetName, protocol: AgentProtocol, take: (step: Step) => void): void {
  take(protocol.open({}));
  take(protocol.push('{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1}}'));
  const result = { sessionId: "native", ...freeMode(preset) };
  take(protocol.push(JSON.stringify({ jsonrpc: "2.0", id: 2, result })));
}

describe.each(presets)("%s", (preset) => {
  it("throws on no line, and ends each turn exactly once", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("allow-all", "deny-all", "ask" as const),
        fc.array(
          fc.oneof({ weight: 9, arbitrary: line }, { weight: 1, arbitrary: fc.constant("interrupt") }),
        ),
        (permissions, lines) => {
          const protocol = acp(preset, { asksForEveryCall: true }).protocol({ ...input, permissions });
          let ends = 0;
          const take = ({ events = [] }: Step): void => {
            ends += events.filter(isTerminal).length;
          };
          opened(preset, protocol, take);
          take(protocol.prompt({ turnId: "turn", content: [{ type: "text", text: "hi" }] }));
          for (const next of lines) {
            take(next === "interrupt" ? protocol.interrupt() : protocol.push(next));
            expect(ends).toBeLessThanOrEqual(1);
          }
          take(protocol.end({ code: null, signal: "SIGKILL", stderr: "" }));
          expect(ends).toBe(1);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("tells updates of no known kind, and drops none", () => {
    const protocol = acp(preset).protocol(input);
    opened(preset, protocol, () => undefined);
    const params = { update: { sessionUpdate: "invented", content: "x" } };
    const told = protocol.push(JSON.stringify({ jsonrpc: "2.0", method: "session/update", params })).events;
    expect(told).toMatchObject([{ type: "agent.unknown", raw: { params } }]);
    expect(protocol.push("Warning: not JSON").events).toMatchObject([{ type: "agent.unparsed" }]);
  });
});
