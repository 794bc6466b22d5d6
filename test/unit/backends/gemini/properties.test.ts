import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gemini } from "../../../../backends/gemini/index.ts";
import type { AgentProtocol, Step } from "../../../../src/kit.ts";
import { isTerminal } from "../replay.ts";
import { json, lines, protocolInput } from "./lines.ts";

const value = fc.oneof(
  { maxDepth: 3 },
  fc.jsonValue(),
  fc.constantFrom("c", "success", "error", "assistant", "run_shell_command", "write_todos", "__proto__"),
);
const streamed = fc
  .record(
    {
      type: fc.constantFrom("init", "message", "tool_use", "tool_result", "error", "result", "new"),
      ...{ session_id: value, model: value, role: value, content: value, tool_id: value, tool_name: value },
      ...{ parameters: value, status: value, output: value, error: value, severity: value, stats: value },
    },
    { requiredKeys: ["type"] },
  )
  .map((message) => json(message));
const text = fc.oneof(
  fc.constantFrom("[MODE_UPDATE] plan", "****\nHm.", "[API Error: 500]", "Command exited with code: 3"),
  fc.string(),
);
const update = fc.record(
  {
    sessionUpdate: fc.constantFrom(
      ...["agent_message_chunk", "agent_thought_chunk", "tool_call", "tool_call_update", "plan", "new"],
    ),
    content: fc.oneof(
      fc.record({ type: fc.constant("text"), text }),
      fc.array(fc.record({ type: value, content: fc.record({ type: fc.constant("text"), text }) })),
      value,
    ),
    toolCallId: fc.oneof(fc.constantFrom("run_shell_command__1", "mcp_a_b__2", "__", "x"), value),
    ...{ status: value, kind: fc.oneof(fc.constant("execute"), value), title: value, rawOutput: value },
  },
  { requiredKeys: ["sessionUpdate"] },
);
const rpc = fc
  .oneof(
    fc.record({ id: fc.nat(6), result: fc.oneof(fc.record({ stopReason: value, _meta: value }), value) }),
    fc.record({ id: fc.nat(6), error: fc.record({ code: value, message: value, data: value }) }),
    fc.record({
      method: fc.constant("session/update"),
      params: fc.record({ update: fc.oneof(update, value) }),
    }),
    fc.record({
      id: fc.nat(6),
      method: fc.constantFrom("session/request_permission", "fs/read_text_file"),
      params: fc.record({ toolCall: update, options: value }),
    }),
  )
  .map((message) => JSON.stringify({ jsonrpc: "2.0", ...message }));
const anything = fc.oneof(fc.json(), fc.string({ minLength: 1 }));

type Act = (protocol: AgentProtocol) => Step;
const act = (written: fc.Arbitrary<string>): fc.Arbitrary<Act | "prompt" | "die"> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: written.map(
        (line): Act =>
          (protocol) =>
            protocol.push(line),
      ),
    },
    { weight: 2, arbitrary: fc.constant("prompt" as const) },
    { weight: 1, arbitrary: fc.constant("die" as const) },
    { weight: 1, arbitrary: fc.constant<Act>((protocol) => protocol.interrupt()) },
    { weight: 1, arbitrary: fc.constant<Act>((protocol) => protocol.tick()) },
  );

const modes = [
  ["session", fc.oneof({ weight: 8, arbitrary: rpc }, { weight: 1, arbitrary: anything })],
  ["turn", fc.oneof({ weight: 8, arbitrary: streamed }, { weight: 1, arbitrary: anything })],
] as const;
const killed = { code: null, signal: "SIGKILL", stderr: "" } as const;

describe.each(modes)("in mode %s", (mode, written) => {
  it("no line throws, and each turn ends exactly once", () => {
    const permissions = fc.constantFrom("allow-all", "deny-all", "ask" as const);
    fc.assert(
      fc.property(permissions, fc.array(act(written), { maxLength: 40 }), (allowed, acts) => {
        const protocol = gemini({ mode }).protocol({ ...protocolInput, permissions: allowed });
        let prompts = 0;
        let ends = 0;
        const take = ({ events = [], background }: Step): void => {
          const terminals = events.filter(isTerminal).length;
          if (background === true) expect(terminals).toBe(0);
          ends += terminals;
          expect(ends).toBeLessThanOrEqual(prompts);
        };
        take(protocol.open({}));
        for (const next of acts) {
          if (next === "die") {
            take(protocol.end(killed));
            expect(ends).toBe(prompts);
            take(protocol.open({}));
          } else if (next !== "prompt") {
            take(next(protocol));
          } else if (ends === prompts) {
            prompts += 1;
            take(protocol.prompt({ turnId: `t${prompts}`, content: [{ type: "text", text: "hi" }] }));
          }
        }
        take(protocol.end(killed));
        expect(ends).toBe(prompts);
        expect(protocol.end(killed).events).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe("what is not known", () => {
  it("is told, never dropped", () => {
    const types = fc
      .string()
      .filter((type) => !/^(?:init|message|tool_use|tool_result|error|result)$/.test(type));
    fc.assert(
      fc.property(types, (type) => {
        const protocol = gemini({ mode: "turn" }).protocol(protocolInput);
        protocol.open({});
        expect(protocol.push(lines.init()).events).toHaveLength(1);
        expect(protocol.push(json({ type })).events).toMatchObject([
          { type: "agent.unknown", raw: { type } },
        ]);
      }),
    );
  });
});
