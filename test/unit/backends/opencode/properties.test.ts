import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { opencode } from "../../../../backends/opencode/index.ts";
import type { AgentEventBody, AgentProtocol } from "../../../../src/kit.ts";
import { isTerminal, Recordings } from "../replay.ts";
import { lines, nativeSessionId, own, promptTaken, protocolInput, readyProtocol, sent } from "./lines.ts";

const recordings = new Recordings("opencode", opencode);
const recordedLines = recordings.names.flatMap((name) =>
  recordings.transcript(name).entries.flatMap(({ call }) => (call.call === "push" ? [call.line] : [])),
);

const methods = [
  ...["hello", "event", "prompt", "permission", "question", "invented"].map((name) => `_playpen/${name}`),
  ...["session/update", "session/request_permission", "fs/write_text_file", "invented"],
];
const eventTypes = [
  ...["message.part.delta", "message.part.updated", "message.updated", "session.status", "session.error"],
  ...["session.compacted", "session.idle", "todo.updated", "session.invented"],
];
const words = [
  ...[
    nativeSessionId,
    "ses_below",
    "msg-1",
    "t1",
    "c1",
    "playpen:1.1",
    "playpen:effort",
    "text",
    "reasoning",
  ],
  ...["tool", "compaction", "bash", "write", "edit", "apply_patch", "task", "running", "completed", "error"],
  ...[
    "APIError",
    "MessageAbortedError",
    "end_turn",
    "cancelled",
    "allow",
    "__proto__",
    "toString",
    "429 Slow",
  ],
];
const members = [
  ...[
    "sessionID",
    "sessionId",
    "messageID",
    "partID",
    "id",
    "callID",
    "field",
    "delta",
    "part",
    "info",
    "type",
  ],
  ...[
    "text",
    "time",
    "start",
    "end",
    "tool",
    "state",
    "status",
    "input",
    "output",
    "error",
    "metadata",
    "added",
  ],
  ...[
    "exit",
    "files",
    "filePath",
    "diff",
    "summary",
    "finish",
    "tokens",
    "cache",
    "cost",
    "todos",
    "content",
  ],
  ...[
    "attempt",
    "message",
    "delayMs",
    "name",
    "data",
    "statusCode",
    "servers",
    "version",
    "args",
    "questions",
  ],
  ...[
    "options",
    "label",
    "update",
    "sessionUpdate",
    "availableCommands",
    "configOptions",
    "stopReason",
    "auto",
  ],
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
const id = fc.oneof(fc.nat(9), fc.constantFrom("playpen:1.1", "playpen:effort", "x"));
const messageLine = fc
  .record(
    { id, method: fc.constantFrom(...methods), params: value, result: object, error: object },
    { requiredKeys: [] },
  )
  .map((message) => JSON.stringify({ jsonrpc: "2.0", ...message }));
const eventLine = fc
  .tuple(fc.constantFrom(...eventTypes), object)
  .map(([type, properties]) => lines.event(type, { ...properties }));
const runLine = fc
  .tuple(fc.constantFrom("text", "error", "step_finish", "invented"), object)
  .map(([type, rest]) => JSON.stringify({ type, ...rest }));
const recorded = fc.constantFrom(...recordedLines);
const line = fc.oneof(
  messageLine,
  eventLine,
  eventLine,
  runLine,
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
        const protocol = opencode(own).protocol(protocolInput);
        protocol.open(resumes ? { resume: { nativeSessionId, fork: false } } : {});
        expect(play(protocol, pushed)).toEqual({ prompts: 0, ends: 0 });
      }),
      { numRuns: 500 },
    );
  });

  it("never make one shot throw, and end each prompt once", () => {
    fc.assert(
      fc.property(inputs, permissions, (played, mode) => {
        const protocol = opencode({ ...own, mode: "turn" }).protocol({ ...protocolInput, permissions: mode });
        protocol.open({});
        const { prompts, ends } = play(protocol, ["prompt", ...played]);
        expect(ends).toBe(prompts);
      }),
      { numRuns: 500 },
    );
  });

  it("never let a call pass that the host has not allowed", () => {
    const permission = lines.permission("playpen:1.1", "c1");
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 40 }),
        fc.constantFrom("ask", "deny-all" as const),
        (played, mode) => {
          const protocol = readyProtocol({ permissions: mode });
          promptTaken(protocol);
          for (const pushed of [permission, ...played, permission]) {
            const step = protocol.push(pushed);
            for (const { result } of sent(step)) expect(result?.["outcome"]).not.toBe("allow");
            for (const event of step.events ?? []) {
              if (event.type !== "permission.requested") continue;
              const { requestId } = event;
              const denial = protocol.reply({
                type: "permission",
                requestId,
                outcome: "deny",
                message: "No.",
              });
              for (const { result } of sent(denial)) expect(result?.["outcome"]).toBe("deny");
            }
          }
        },
      ),
      { numRuns: 700 },
    );
  });

  it("would show it if one did", () => {
    const protocol = readyProtocol({ permissions: "ask" });
    promptTaken(protocol);
    protocol.push(lines.permission("playpen:1.1", "c1"));
    const consent = protocol.reply({ type: "permission", requestId: "request-1", outcome: "allow" });
    expect(sent(consent)).toMatchObject([{ result: { outcome: "allow" } }]);
  });
});
