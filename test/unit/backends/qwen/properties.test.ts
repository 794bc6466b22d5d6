import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { qwen } from "../../../../backends/qwen/index.ts";
import type { AgentEventBody, AgentProtocol } from "../../../../src/kit.ts";
import { isTerminal, Recordings } from "../replay.ts";
import { lines, nativeSessionId, own, prompt, protocolInput, readyProtocol, sent } from "./lines.ts";

const recordings = new Recordings("qwen", qwen);
const recordedLines = recordings.names.flatMap((name) =>
  recordings.transcript(name).entries.flatMap(({ call }) => (call.call === "push" ? [call.line] : [])),
);

const updates = [
  ...["agent_message_chunk", "agent_thought_chunk", "user_message_chunk", "tool_call", "tool_call_update"],
  ...["plan", "available_commands_update", "current_mode_update", "invented"],
];
const types = ["system", "stream_event", "assistant", "user", "result", "invented"];
const words = [
  ...[
    nativeSessionId,
    "c1",
    "agent",
    "run_shell_command",
    "structured_output",
    "text",
    "thinking",
    "tool_use",
  ],
  ...["tool_result", "in_progress", "completed", "failed", "diff", "init", "success", "message_start"],
  ...["content_block_start", "content_block_delta", "content_block_stop", "end_turn", "cancelled", "execute"],
  ...["[API Error: 429 Slow down]", "Context compressed (9 -> 1).", "__proto__", "toString", "allow_once"],
];
const members = [
  ...["sessionUpdate", "toolCallId", "status", "title", "kind", "content", "rawInput", "rawOutput", "_meta"],
  ...[
    "toolName",
    "parentToolCallId",
    "usage",
    "inputTokens",
    "outputTokens",
    "type",
    "text",
    "thinking",
    "path",
  ],
  ...["oldText", "newText", "fileDiff", "update", "options", "optionId", "toolCall", "questions", "label"],
  ...[
    "event",
    "delta",
    "content_block",
    "message",
    "id",
    "name",
    "input",
    "tool_use_id",
    "is_error",
    "result",
  ],
  ...[
    "subtype",
    "session_id",
    "mcp_servers",
    "tools",
    "error",
    "parent_tool_use_id",
    "structured_result",
    "uuid",
  ],
  ...["input_tokens", "output_tokens", "num_turns", "todos", "stopReason", "models", "entries", "command"],
];
const { value, object } = fc.letrec<{ value: unknown; object: object }>((tie) => ({
  object: fc.dictionary(fc.constantFrom(...members), tie("value"), { maxKeys: 8 }),
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom(...words),
    fc.constantFrom(null, true, false, 0, -1, 1e300, ""),
    fc.string(),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
}));
const updateLine = fc
  .tuple(fc.constantFrom(...updates), object)
  .map(([sessionUpdate, rest]) => lines.update({ ...rest, sessionUpdate }));
const messageLine = fc
  .record(
    {
      id: fc.oneof(fc.nat(9), fc.constant("x")),
      method: fc.constantFrom(
        "session/request_permission",
        "session/update",
        "fs/read_text_file",
        "invented",
      ),
      params: value,
      result: object,
      error: object,
    },
    { requiredKeys: [] },
  )
  .map((message) => JSON.stringify({ jsonrpc: "2.0", ...message }));
const streamLine = fc
  .tuple(fc.constantFrom(...types), object)
  .map(([type, rest]) => JSON.stringify({ ...rest, type }));
const recorded = fc.constantFrom(...recordedLines);
const line = fc.oneof(
  updateLine,
  updateLine,
  messageLine,
  streamLine,
  streamLine,
  recorded,
  recorded.chain((text) => fc.nat(text.length).map((end) => text.slice(0, end) || "{")),
  fc.json(),
  fc.string({ minLength: 1 }),
);
const inputs = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: line },
    { weight: 1, arbitrary: fc.constantFrom("prompt", "interrupt", "tick", "die") },
  ),
  { maxLength: 60 },
);
const permissions = fc.constantFrom("allow-all", "deny-all", "ask" as const);
const killed = { code: null, signal: "SIGKILL", stderr: "" } as const;

/** Plays lines, prompts, interrupts and deaths, and counts prompts and ends. */
function play(protocol: AgentProtocol, played: readonly string[]): { prompts: number; ends: number } {
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
    protocol.open({ resume: { nativeSessionId, fork: false } });
  };
  for (const input of played) {
    if (input === "prompt") {
      if (isRunning) continue;
      isRunning = true;
      prompts += 1;
      const content = [{ type: "text", text: "Hello." }] as const;
      take(protocol.prompt({ turnId: `turn-${String(prompts)}`, content }).events);
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

/** What is written in answer to a permission, where it is none of refusals. */
function consents(written: ReturnType<typeof sent>): readonly unknown[] {
  return written.flatMap(({ result }) => {
    const outcome = result?.["outcome"];
    return JSON.stringify(outcome ?? null).includes('"selected"') ? [outcome] : [];
  });
}

describe("any lines at all", () => {
  it("never make the conversation throw, and end each prompt once", () => {
    fc.assert(
      fc.property(inputs, permissions, (played, mode) => {
        const { prompts, ends } = play(readyProtocol({ permissions: mode }), ["prompt", ...played]);
        expect(ends).toBe(prompts);
      }),
      { numRuns: 700 },
    );
  });

  it("never throw before the handshake either, and end nothing", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), fc.boolean(), (pushed, resumes) => {
        const protocol = qwen(own).protocol(protocolInput);
        protocol.open(resumes ? { resume: { nativeSessionId, fork: false } } : {});
        expect(play(protocol, pushed)).toEqual({ prompts: 0, ends: 0 });
      }),
      { numRuns: 500 },
    );
  });

  it("never make one shot throw, and end each prompt once", () => {
    fc.assert(
      fc.property(inputs, permissions, (played, mode) => {
        const protocol = qwen({ ...own, mode: "turn" }).protocol({ ...protocolInput, permissions: mode });
        protocol.open({});
        const { prompts, ends } = play(protocol, ["prompt", ...played]);
        expect(ends).toBe(prompts);
      }),
      { numRuns: 700 },
    );
  });

  it("never have a call allowed by the library itself", () => {
    const call = { toolCallId: "c1", kind: "execute", rawInput: { command: "ls" } };
    const asked = lines.permission(20, call);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (played) => {
        const protocol = readyProtocol({ permissions: "ask" });
        prompt(protocol);
        for (const pushed of [asked, ...played, asked]) {
          expect(consents(sent(protocol.push(pushed)))).toEqual([]);
        }
        expect(consents(sent(protocol.interrupt()))).toEqual([]);
      }),
      { numRuns: 700 },
    );
    // It would show if one were.
    const protocol = readyProtocol({ permissions: "ask" });
    prompt(protocol);
    const event = protocol.push(asked).events?.at(-1);
    if (event?.type !== "permission.requested") throw new Error("Nothing was asked.");
    const { requestId } = event;
    expect(consents(sent(protocol.reply({ type: "permission", requestId, outcome: "allow" })))).toHaveLength(
      1,
    );
  });
});
