import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AgentEventBody, AgentProtocol } from "../../../../src/kit.ts";
import { isTerminal } from "../replay.ts";
import { chatId, exited, lines, opened } from "./lines.ts";

const shell = {
  shellToolCall: { args: { command: "ls" }, result: { success: { stdout: "a", exitCode: 0 } } },
};
const documented = [
  lines.init(),
  lines.echo(),
  lines.piece("a"),
  lines.beforeTool("a"),
  lines.whole("a"),
  lines.thinking("b"),
  lines.thought(),
  lines.started("c-1", shell),
  lines.completed("c-1", shell),
  lines.connection("reconnecting", 1),
  lines.retry(1),
  lines.success(),
  lines.success({ subtype: "error", is_error: true }),
];
const members = [
  ...[
    "subtype",
    "message",
    "content",
    "text",
    "call_id",
    "tool_call",
    "readToolCall",
    "mcpToolCall",
    "function",
  ],
  ...[
    "args",
    "result",
    "success",
    "failure",
    "rejected",
    "path",
    "diffString",
    "exitCode",
    "stdout",
    "stderr",
  ],
  ...["usage", "inputTokens", "session_id", "timestamp_ms", "model_call_id", "arguments", "name", "isError"],
];
const { value } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  object: fc.dictionary(fc.constantFrom(...members), tie("value"), { maxKeys: 8 }),
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom("init", "success", "text", "shell", "c-1", "__proto__", "toString"),
    fc.constantFrom(null, true, false, 0, -1, 1e300, ""),
    fc.string(),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
}));
const types = [
  "system",
  "assistant",
  "thinking",
  "tool_call",
  "connection",
  "retry",
  "result",
  "other",
  "__proto__",
];
const subtypes = ["init", "delta", "completed", "started", "success", "error"];
const shaped = fc
  .tuple(fc.constantFrom(...types), fc.constantFrom(...subtypes), value, value)
  .map(([type, subtype, message, call]) =>
    JSON.stringify({
      type,
      subtype,
      message,
      call_id: "c-1",
      tool_call: call,
      attempt: message,
      usage: call,
      session_id: chatId,
    }),
  );
const known = fc.constantFrom(...documented);
const line = fc.oneof(
  known,
  shaped,
  shaped,
  known.chain((whole) => fc.nat(whole.length).map((end) => whole.slice(0, end) || "{")),
  fc.json(),
  fc.string({ minLength: 1 }),
);
const inputs = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: line },
    { weight: 1, arbitrary: fc.constantFrom("prompt", "interrupt", "tick", "die") },
  ),
  { maxLength: 40 },
);

/** Plays lines, prompts, interrupts and deaths, and counts prompts and ends. */
function playAll(protocol: AgentProtocol, played: readonly string[]): { prompts: number; ends: number } {
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
    take(exited(protocol, "", null).events);
    protocol.open({ resume: { nativeSessionId: chatId, fork: false } });
  };
  for (const input of played) {
    if (input === "prompt") {
      if (isRunning) continue;
      isRunning = true;
      prompts += 1;
      protocol.prompt({ turnId: `turn-${String(prompts)}`, content: [{ type: "text", text: "Hello" }] });
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

describe("any lines at all", () => {
  it("never make it throw, and end each prompt once", () => {
    fc.assert(
      fc.property(inputs, (played) => {
        const { prompts, ends } = playAll(opened(), ["prompt", ...played]);
        expect(ends).toBe(prompts);
      }),
      { numRuns: 800 },
    );
  });
});
