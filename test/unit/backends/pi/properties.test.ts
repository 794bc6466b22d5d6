import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pi } from "../../../../backends/pi/index.ts";
import type { AgentEventBody, AgentProtocol } from "../../../../src/kit.ts";
import { isTerminal, performCall, Recordings } from "../replay.ts";
import { lines, prompt, protocolInput, readyProtocol } from "./lines.ts";

const recordings = new Recordings("pi", pi);

/** Objects that have the members the protocol looks at, with anything in them. */
const types = [
  "response",
  "extension_ui_request",
  "extension_error",
  "session",
  "agent_start",
  "agent_end",
  "message_start",
  "message_update",
  "message_end",
  "tool_execution_start",
  "tool_execution_update",
  "tool_execution_end",
  "auto_retry_start",
  "auto_retry_end",
  "compaction_start",
  "compaction_end",
  "queue_update",
  "thinking_level_changed",
];
const words = [
  ...types,
  ...Array.from({ length: 6 }, (_, index) => `playpen-${String(index + 1)}`),
  "assistant",
  "user",
  "text",
  "thinking",
  "text_delta",
  "thinking_delta",
  "error",
  "aborted",
  "stop",
  "input",
  "select",
  "confirm",
  "notify",
  "setStatus",
  "playpen",
  "playpen.permission",
  "playpen.question",
  '{"gate":"ask"}',
  '{"toolCallId":"call-1","toolName":"bash","input":{}}',
  "bash",
  "write",
  "edit",
  "call-1",
  "429 Slow down",
];
const members = [
  "id",
  "success",
  "error",
  "data",
  "message",
  "messages",
  "role",
  "content",
  "text",
  "thinking",
  "stopReason",
  "errorMessage",
  "usage",
  "cost",
  "total",
  "input",
  "assistantMessageEvent",
  "contentIndex",
  "delta",
  "toolCallId",
  "toolName",
  "args",
  "path",
  "result",
  "details",
  "diff",
  "partialResult",
  "isError",
  "attempt",
  "delayMs",
  "willRetry",
  "method",
  "title",
  "placeholder",
  "options",
  "statusKey",
  "statusText",
  "models",
  "model",
  "provider",
  "sessionId",
  "sessionFile",
  "isStreaming",
  "pendingMessageCount",
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
  .tuple(fc.constantFrom(...types), message)
  .map(([type, rest]) => JSON.stringify({ type, ...rest }));
const anyLine = fc.oneof(
  typed,
  typed,
  typed,
  message.map((value) => JSON.stringify(value)),
  fc.string(),
  fc.json(),
);
const permissions = fc.constantFrom("allow-all", "deny-all", "ask" as const);

function play(protocol: AgentProtocol, pushed: readonly string[]): readonly AgentEventBody[] {
  return pushed.flatMap((line) => protocol.push(line).events ?? []);
}

describe("any lines at all", () => {
  it("never throw, and end the turn once", () => {
    fc.assert(
      fc.property(
        fc.array(anyLine, { maxLength: 30 }),
        permissions,
        fc.boolean(),
        (pushed, mode, interrupts) => {
          const protocol = readyProtocol({ permissions: mode });
          prompt(protocol);
          if (interrupts) protocol.interrupt();
          const events = [
            ...play(protocol, [lines.agentStart(), ...pushed]),
            ...(protocol.tick().events ?? []),
            ...(protocol.end({ code: 0, signal: null, stderr: "" }).events ?? []),
          ];
          expect(events.filter(isTerminal)).toHaveLength(1);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("never throw in a process for one turn, and end it once", () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 30 }), fc.boolean(), (pushed, interrupts) => {
        const protocol = pi({ mode: "turn" }).protocol(protocolInput);
        protocol.open({});
        prompt(protocol);
        if (interrupts) protocol.interrupt();
        const events = [
          ...play(protocol, pushed),
          ...(protocol.end({ code: 0, signal: null, stderr: "" }).events ?? []),
        ];
        expect(events.filter(isTerminal)).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });

  it("never throw before the handshake either", () => {
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 10 }), fc.boolean(), (pushed, resumes) => {
        const protocol = pi().protocol(protocolInput);
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

  it("never let a call pass unless the host has said so", () => {
    const answers = fc.array(fc.constantFrom("deny", "none"), { maxLength: 10 });
    fc.assert(
      fc.property(fc.array(anyLine, { maxLength: 20 }), answers, (pushed, decisions) => {
        const protocol = readyProtocol({ permissions: "ask" });
        prompt(protocol);
        const written: string[] = [];
        for (const line of [lines.permission("p0"), ...pushed]) {
          const step = protocol.push(line);
          written.push(...(step.write ?? []));
          for (const event of step.events ?? []) {
            if (event.type !== "permission.requested" || decisions.pop() !== "deny") continue;
            const { requestId } = event;
            const reply = protocol.reply({ type: "permission", requestId, outcome: "deny", message: "No." });
            written.push(...(reply.write ?? []));
          }
        }
        expect(written.join("\n")).not.toContain('\\"allow\\":true');
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
