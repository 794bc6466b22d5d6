import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { droid } from "../../../../backends/droid/index.ts";
import type { AgentEventBody, AgentProtocol } from "../../../../src/kit.ts";
import { isTerminal, performCall, Recordings } from "../replay.ts";
import { lines, ownServer, prompt, protocolInput, readyProtocol } from "./lines.ts";

const recordings = new Recordings("droid", droid);

/** Objects that have the members the protocol looks at, with anything in them. */
const types = [
  "agent_turn_completed",
  "assistant_message_retracted",
  "assistant_text_delta",
  "create_message",
  "error",
  "hook_execution_completed",
  "llm_retry",
  "mcp_auth_required",
  "mcp_status_changed",
  "queued_messages_discarded",
  "session_compacted",
  "session_title_updated",
  "session_token_usage_changed",
  "settings_updated",
  "structured_output",
  "thinking_text_delta",
  "tool_call",
  "tool_progress_update",
  "tool_result",
];
const methods = ["droid.request_permission", "droid.ask_user", "droid.session_notification"];
const ids = Array.from({ length: 8 }, (_, index) => `playpen-${String(index + 1)}`);
const words = [
  ...types,
  ...methods,
  ...ids,
  "response",
  "request",
  "notification",
  "assistant",
  "user",
  "text",
  "thinking",
  "tool_use",
  "completed",
  "cancelled",
  "process_exit",
  "structured_output_schema_invalid",
  "model_rate_limited",
  "overloaded",
  "custom:m1",
  "Execute",
  "Create",
  "Edit",
  "TodoWrite",
  "ApplyPatch",
  "1. [completed] One",
  "call-1",
  "\n[Process exited with code 3]",
  '{"diffLines":[{"type":"added"}]}',
  "429 Slow down",
];
const members = [
  "id",
  "type",
  "method",
  "params",
  "notification",
  "result",
  "error",
  "code",
  "message",
  "messageId",
  "blockIndex",
  "textDelta",
  "role",
  "content",
  "text",
  "thinking",
  "requestId",
  "reason",
  "tokenUsage",
  "cumulativeTokenUsage",
  "inclusiveTokenUsage",
  "inputTokens",
  "outputTokens",
  "thinkingTokens",
  "toolUse",
  "toolUses",
  "toolUseId",
  "toolName",
  "toolCallId",
  "input",
  "name",
  "update",
  "fullOutput",
  "isError",
  "structuredOutput",
  "attempt",
  "maxAttempts",
  "delayMs",
  "settings",
  "modelId",
  "interactionMode",
  "availableModels",
  "models",
  "displayName",
  "tools",
  "serverName",
  "servers",
  "status",
  "sessionId",
  "newSessionId",
  "associatedSessionIds",
  "questions",
  "question",
  "options",
  "option",
  "index",
  "value",
  "title",
  "hookStatus",
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
const notified = fc.tuple(fc.constantFrom(...types), message).map(([type, rest]) => lines.told(type, rest));
const answered = fc
  .tuple(
    fc.constantFrom("response", "request"),
    fc.constantFrom(...ids),
    fc.constantFrom(...methods),
    message,
  )
  .map(([type, id, method, rest]) => JSON.stringify({ type, id, method, params: rest, ...rest }));
const anyLine = fc.oneof(
  notified,
  notified,
  notified,
  answered,
  answered,
  message.map((value) => JSON.stringify(value)),
  fc.string(),
  fc.json(),
);
const permissions = fc.constantFrom("allow-all", "deny-all" as const);
const mode = fc.constantFrom("session", "turn" as const);

function play(protocol: AgentProtocol, pushed: readonly string[]): readonly AgentEventBody[] {
  return pushed.flatMap((line) => protocol.push(line).events ?? []);
}

describe("any lines at all", () => {
  it("never throw, and end the turn once", () => {
    const steering = { id: "host-1", type: "steer", content: [{ type: "text", text: "And?" }] } as const;
    fc.assert(
      fc.property(
        fc.array(anyLine, { maxLength: 30 }),
        permissions,
        mode,
        fc.boolean(),
        fc.boolean(),
        (pushed, permission, processMode, interrupts, steers) => {
          const protocol = readyProtocol({ permissions: permission }, { ...ownServer, mode: processMode });
          prompt(protocol);
          if (steers) protocol.request?.(steering);
          if (interrupts) protocol.interrupt();
          const events = [
            ...play(protocol, pushed),
            ...(protocol.tick().events ?? []),
            ...(protocol.end({ code: 0, signal: null, stderr: "" }).events ?? []),
          ];
          expect(events.filter(isTerminal)).toHaveLength(1);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("never throw before the handshake is complete either, and end no turn", () => {
    fc.assert(
      fc.property(
        fc.array(anyLine, { maxLength: 20 }),
        fc.boolean(),
        mode,
        (pushed, resumes, processMode) => {
          const protocol = droid({ ...ownServer, mode: processMode }).protocol({
            ...protocolInput,
            allowedTools: ["Read"],
            mcpServers: { echo: { type: "stdio", command: "echo" } },
          });
          protocol.open(resumes ? { resume: { nativeSessionId: "x", fork: true } } : {});
          const events = [
            ...play(protocol, pushed),
            ...(protocol.end({ code: 1, signal: null, stderr: "" }).events ?? []),
          ];
          expect(events.filter(isTerminal)).toHaveLength(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("never have a call permitted where all are denied", () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 20 }), (pushed) => {
        const protocol = readyProtocol({ permissions: "deny-all" });
        prompt(protocol);
        const written = pushed.flatMap((line) => protocol.push(line).write ?? []);
        expect(written.join("\n")).not.toContain("proceed");
      }),
      { numRuns: 500 },
    );
  });

  it("among recorded ones never throw, and never end more turns than there are", () => {
    const names = fc.constantFrom(...recordings.names);
    const strays = fc.array(fc.tuple(fc.nat(200), anyLine), { maxLength: 5 });
    fc.assert(
      fc.property(names, strays, fc.nat(300), (name, inserted, cut) => {
        const transcript = recordings.transcript(name);
        const protocol = recordings.protocolOf(transcript);
        const calls = transcript.entries.map(({ call }) => call);
        for (const [place, line] of inserted) {
          calls.splice(Math.min(place + 1, calls.length), 0, { call: "push", line });
        }
        const kept = calls.slice(0, cut + 1);
        const events = [
          ...kept.flatMap((call) => performCall(protocol, call).events ?? []),
          ...(protocol.end({ code: null, signal: "SIGKILL", stderr: "" }).events ?? []),
        ];
        const prompts = kept.filter(({ call }) => call === "prompt").length;
        expect(events.filter(isTerminal).length).toBeLessThanOrEqual(prompts);
      }),
      { numRuns: 300 },
    );
  });
});
