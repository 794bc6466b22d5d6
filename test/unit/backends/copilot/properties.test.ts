import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copilot } from "../../../../backends/copilot/index.ts";
import {
  isJsonObject,
  objectField,
  parseJson,
  type AgentEventBody,
  type AgentProtocol,
} from "../../../../src/kit.ts";
import { isTerminal, Recordings } from "../replay.ts";
import { asks, event, promptTaken, protocolInput, readyProtocol } from "./server.ts";

const recordings = new Recordings("copilot", copilot);
const recordedLines = recordings.names.flatMap((name) =>
  recordings.transcript(name).entries.flatMap(({ call }) => (call.call === "push" ? [call.line] : [])),
);
const eventTypes = [
  ...new Set(recordedLines.flatMap((line) => /"event":\{"type":"([^"]+)"/.exec(line)?.[1] ?? [])),
  "permission.requested",
  "session.mode_changed",
  "session.todos_changed",
  "session.invented",
];
const members = [
  ...[
    "messageId",
    "content",
    "deltaContent",
    "reasoningId",
    "toolCallId",
    "toolName",
    "arguments",
    "success",
  ],
  ...[
    "result",
    "error",
    "code",
    "message",
    "statusCode",
    "errorMessage",
    "shellExecution",
    "exitCode",
    "fileEdits",
  ],
  ...[
    "path",
    "kind",
    "detailedContent",
    "requestId",
    "permissionRequest",
    "resolvedByHook",
    "newModel",
    "title",
  ],
  ...[
    "serverName",
    "status",
    "inputTokens",
    "outputTokens",
    "finishReason",
    "aborted",
    "tokenLimit",
    "trigger",
  ],
  ...["compactionTokensUsed", "requestCount", "infoType", "text", "parentToolCallId", "sessionId", "rows"],
  ...[
    "question",
    "choices",
    "hookType",
    "input",
    "toolArgs",
    "modelMetrics",
    "usage",
    "requests",
    "exitCode",
    "type",
  ],
];
const { value } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  object: fc.dictionary(fc.constantFrom(...members), tie("value"), { maxKeys: 8 }),
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom("preToolUse", "bash", "call-1", "message-1", "create", "Hello", "__proto__", "toString"),
    fc.constantFrom(null, true, false, 0, -1, 1e300, ""),
    fc.string(),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
}));
const sessionId = fc.constantFrom(protocolInput.sessionId, "other");
const eventLine = fc
  .record({
    sessionId,
    event: fc.record(
      { type: fc.constantFrom(...eventTypes), data: value, agentId: fc.constantFrom("agent-1", 1) },
      { requiredKeys: ["type", "data"] },
    ),
  })
  .map((params) => JSON.stringify({ jsonrpc: "2.0", method: "session.event", params }));
const requestLine = fc
  .record({
    id: fc.nat(9),
    method: fc.constantFrom("hooks.invoke", "userInput.request", "session.event", "other"),
    params: value,
  })
  .map((message) => JSON.stringify({ jsonrpc: "2.0", ...message }));
const answerLine = fc
  .record({ id: fc.nat(12), result: value, error: fc.option(value, { nil: undefined }) })
  .map((message) => JSON.stringify({ jsonrpc: "2.0", ...message }));
const flatLine = fc
  .record({ type: fc.constantFrom(...eventTypes, "result"), data: value, sessionId: value, exitCode: value })
  .map((message) => JSON.stringify(message));
const report = value.map((metrics) => JSON.stringify({ modelMetrics: { "gpt-5.4": metrics } }));
const recorded = fc.constantFrom(...recordedLines);
const line = fc.oneof(
  eventLine,
  eventLine,
  requestLine,
  answerLine,
  flatLine,
  report,
  recorded,
  recorded.chain((text) => fc.nat(text.length).map((end) => text.slice(0, end) || "{")),
  fc.json(),
  fc.string({ minLength: 1 }),
);
const permissions = fc.constantFrom("allow-all", "deny-all", "ask" as const);
const killed = { code: null, signal: "SIGKILL", stderr: "" } as const;
const text = [{ type: "text", text: "Hello" }] as const;

/** Plays lines, prompts, interrupts and deaths, and counts prompts and ends. */
function play(protocol: AgentProtocol, inputs: readonly string[]): { prompts: number; ends: number } {
  let isRunning = false;
  let prompts = 0;
  let ends = 0;
  const take = (events: readonly AgentEventBody[] = [], isBackground = false): void => {
    const terminals = events.filter(isTerminal).length;
    expect(isBackground ? terminals : 0).toBe(0);
    if (terminals > 0) isRunning = false;
    ends += terminals;
  };
  const die = (): void => {
    take(protocol.end(killed).events);
    protocol.open({ resume: { nativeSessionId: protocolInput.sessionId, fork: false } });
  };
  for (const input of inputs) {
    if (input === "prompt") {
      if (isRunning) continue;
      isRunning = true;
      prompts += 1;
      protocol.prompt({ turnId: `turn-${String(prompts)}`, content: text });
    } else if (input === "interrupt") take(protocol.interrupt().events);
    else if (input === "tick") take(protocol.tick().events);
    else if (input === "die") die();
    else {
      const { events, background } = protocol.push(input);
      take(events, background);
    }
  }
  die();
  return { prompts, ends };
}

const inputs = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: line },
    { weight: 1, arbitrary: fc.constantFrom("prompt", "interrupt", "tick", "die") },
  ),
  { maxLength: 60 },
);

describe("a consent", () => {
  it("is recognized as such", () => {
    const asked = event("permission.requested", { requestId: "p", permissionRequest: { kind: "shell" } });
    const hooked = asks(1, "hooks.invoke", { hookType: "preToolUse", input: { toolName: "bash" } });
    for (const pushed of [asked, hooked]) {
      const [written = ""] = readyProtocol().push(pushed).write ?? [];
      expect(isConsent(written, pushed)).toBe(true);
    }
  });
});

describe("any lines at all", () => {
  it("never make the conversation with the server throw, and end each prompt once", () => {
    fc.assert(
      fc.property(inputs, permissions, fc.boolean(), (played, mode, isReady) => {
        const protocol = isReady
          ? readyProtocol({ permissions: mode })
          : copilot().protocol({ ...protocolInput, permissions: mode });
        if (!isReady) protocol.open({});
        const { prompts, ends } = play(protocol, ["prompt", ...played]);
        expect(ends).toBe(prompts);
      }),
      { numRuns: 700 },
    );
  });

  it("never make one shot throw, and end each prompt once", () => {
    fc.assert(
      fc.property(inputs, permissions, (played, mode) => {
        const protocol = copilot({ mode: "turn" }).protocol({ ...protocolInput, permissions: mode });
        protocol.open({});
        const { prompts, ends } = play(protocol, ["prompt", ...played]);
        expect(ends).toBe(prompts);
      }),
      { numRuns: 500 },
    );
  });

  it("never let a tool call pass that the host has not allowed", () => {
    const asked = fc.constantFrom("ask", "deny-all" as const);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), asked, (played, mode) => {
        const protocol = readyProtocol({ permissions: mode });
        promptTaken(protocol);
        for (const pushed of played) {
          for (const written of protocol.push(pushed).write ?? [])
            expect(isConsent(written, pushed)).toBe(false);
        }
        for (const written of protocol.interrupt().write ?? []) expect(isConsent(written, "")).toBe(false);
      }),
      { numRuns: 700 },
    );
  });
});

/** The tool that asks the user is allowed: what it asks is put to the host. */
function isConsent(written: string, pushed: string): boolean {
  const message = parseJson(written);
  const output = objectField(objectField(message, "result"), "output");
  const decision = objectField(objectField(message, "params"), "result");
  const isAsking = pushed.includes("ask_user");
  return (
    isJsonObject(message) &&
    ((output["permissionDecision"] === "allow" && !isAsking) || decision["kind"] === "approve-once")
  );
}
