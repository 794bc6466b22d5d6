import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lines, prompt, protocolInput, readyProtocol } from "./lines.ts";
import { claude } from "../../../../backends/claude/index.ts";
import { isTerminal, makeCall, protocolOf, transcript, transcriptNames } from "./replay.ts";
import type { AgentEventBody, AgentProtocol } from "../../../../src/kit.ts";

/** Objects that have the members the protocol looks at, with anything in them. */
const words = [
  "stream_event",
  "assistant",
  "user",
  "system",
  "result",
  "control_request",
  "control_response",
  "control_cancel_request",
  "rate_limit_event",
  "init",
  "status",
  "task_notification",
  "permission_denied",
  "compact_boundary",
  "api_retry",
  "can_use_tool",
  "hook_callback",
  "permission",
  "initialize",
  "success",
  "error_during_execution",
  "message_start",
  "message_delta",
  "content_block_start",
  "content_block_delta",
  "text_delta",
  "thinking_delta",
  "text",
  "thinking",
  "tool_use",
  "tool_result",
  "Bash",
  "Edit",
  "TaskUpdate",
  "TodoWrite",
  "AskUserQuestion",
  "call-1",
  "m1",
  "<synthetic>",
  "StructuredOutput",
  "error_max_structured_output_retries",
  "request-1",
  "pending",
  "failed",
  "allowed_warning",
];
const members = [
  "type",
  "subtype",
  "event",
  "message",
  "content",
  "id",
  "name",
  "input",
  "delta",
  "text",
  "thinking",
  "index",
  "content_block",
  "usage",
  "modelUsage",
  "parent_tool_use_id",
  "tool_use_id",
  "tool_use_result",
  "structured_output",
  "mcp_servers",
  "mcpServers",
  "models",
  "value",
  "tools",
  "skills",
  "isReplay",
  "is_error",
  "error",
  "result",
  "response",
  "request",
  "request_id",
  "callback_id",
  "tool_name",
  "session_id",
  "model",
  "mcp_servers",
  "tools",
  "errors",
  "structuredPatch",
  "questions",
  "todos",
  "rate_limit_info",
  "resetsAt",
  "compact_metadata",
  "total_cost_usd",
  "stop_reason",
  "terminal_reason",
  "api_error_status",
  "summary",
  "status",
];
const { message } = fc.letrec<{ value: unknown; message: object }>((tie) => ({
  message: fc.dictionary(fc.constantFrom(...members), tie("value"), { maxKeys: 8 }),
  value: fc.oneof(
    { maxDepth: 5, depthSize: "small" },
    fc.constantFrom(...words),
    fc.constantFrom(null, true, false, 0, -1, 1e300, ""),
    fc.string(),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("message"),
  ),
}));
const typed = fc
  .tuple(fc.constantFrom(...words.slice(0, 9)), fc.constantFrom(...words), message)
  .map(([type, subtype, rest]) => JSON.stringify({ ...rest, type, subtype }));
const anyLine = fc.oneof(
  typed,
  typed,
  message.map((value) => JSON.stringify(value)),
  fc.string(),
  fc.json(),
);

function play(protocol: AgentProtocol, pushed: readonly string[]): readonly AgentEventBody[] {
  return pushed.flatMap((line) => protocol.push(line).events ?? []);
}

describe("any lines at all", () => {
  it("never throw, and end the turn once", () => {
    const permissions = fc.constantFrom("allow-all", "deny-all", "ask" as const);
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 30 }), permissions, (pushed, mode) => {
        const protocol = readyProtocol({ permissions: mode });
        prompt(protocol);
        const events = [
          ...play(protocol, [lines.init(), ...pushed]),
          ...(protocol.end({ code: 0, signal: null, stderr: "" }).events ?? []),
        ];
        expect(events.filter(isTerminal)).toHaveLength(1);
      }),
      { numRuns: 1000 },
    );
  });

  it("never throw before the handshake either", () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 10 }), fc.boolean(), (pushed, resumes) => {
        const protocol = claude().protocol(protocolInput);
        protocol.open(resumes ? { resume: { nativeSessionId: "x", fork: false } } : {});
        const events = [
          ...play(protocol, pushed),
          ...(protocol.end({ code: 1, signal: null, stderr: "" }).events ?? []),
        ];
        expect(events.filter(isTerminal)).toHaveLength(0);
      }),
      { numRuns: 500 },
    );
  });

  it("among recorded ones never throw, and never end more turns than there are", () => {
    const names = fc.constantFrom(...transcriptNames);
    fc.assert(
      fc.property(
        names,
        fc.array(fc.tuple(fc.nat(200), anyLine), { maxLength: 5 }),
        fc.nat(300),
        (name, strays, cut) => {
          const of = transcript(name);
          const protocol = protocolOf(of);
          const calls = of.entries.map(({ call }) => call);
          for (const [place, line] of strays)
            calls.splice(Math.min(place + 1, calls.length), 0, { call: "push", line });
          const kept = calls.slice(0, cut + 1);
          const events = [
            ...kept.flatMap((call) => makeCall(protocol, call).events ?? []),
            ...(protocol.end({ code: null, signal: "SIGKILL", stderr: "" }).events ?? []),
          ];
          const prompts = kept.filter(({ call }) => call === "prompt").length;
          expect(events.filter(isTerminal).length).toBeLessThanOrEqual(prompts);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("the protocol", () => {
  it("gives the same steps for the same calls", () => {
    for (const name of transcriptNames) {
      const of = transcript(name);
      const [one, two] = [protocolOf(of), protocolOf(of)];
      for (const { call } of of.entries) expect(makeCall(one, call)).toEqual(makeCall(two, call));
    }
  });

  it("hands out each event object once, since the core keeps them", () => {
    for (const name of transcriptNames) {
      const of = transcript(name);
      const protocol = protocolOf(of);
      const seen = new Set<object>();
      for (const { call } of of.entries) {
        for (const event of makeCall(protocol, call).events ?? []) {
          expect(seen.has(event)).toBe(false);
          seen.add(event);
        }
      }
    }
  });
});
