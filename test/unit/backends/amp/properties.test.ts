import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AgentEventBody, AgentProtocol } from "../../../../src/kit.ts";
import { isTerminal } from "../replay.ts";
import { exited, lines, opened, text, threadId, toolUse, usage } from "./lines.ts";

const documented = [
  lines.init({ mcp_servers: [{ name: "echo", status: "failed" }] }),
  lines.echo("Hello"),
  lines.said([text("a"), toolUse("b-1", "Bash", { cmd: "ls" })], { usage: usage(1, 2) }),
  lines.toolResult("b-1", '{"output":"a","exitCode":0}'),
  lines.said([toolUse("b-1", "apply_patch", { patchText: "x" })]),
  lines.toolResult("b-1", '{"summary":"a","files":[{"uri":"file:///%","type":"move","diff":"--- a"}]}'),
  lines.success("done"),
  lines.failure("boom"),
];
const members = [
  ...["subtype", "message", "content", "text", "thinking", "id", "name", "input", "tool_use_id", "is_error"],
  ...["stop_reason", "usage", "input_tokens", "output_tokens", "error", "result", "session_id", "tools"],
  ...["mcp_servers", "status", "parent_tool_use_id", "cwd", "path", "exitCode", "output", "type"],
];
const { value } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  object: fc.dictionary(fc.constantFrom(...members), tie("value"), { maxKeys: 8 }),
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom(
      "init",
      "success",
      "text",
      "tool_use",
      "tool_result",
      "Bash",
      "b-1",
      "__proto__",
      "toString",
    ),
    fc.constantFrom(null, true, false, 0, -1, 1e300, ""),
    fc.string(),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
}));
const shaped = fc
  .tuple(fc.constantFrom("system", "user", "assistant", "result", "other", "__proto__"), value, value)
  .map(([type, message, subtype]) =>
    JSON.stringify({ type, subtype, message, result: message, error: subtype, session_id: threadId }),
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
    protocol.open({ resume: { nativeSessionId: threadId, fork: false } });
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
