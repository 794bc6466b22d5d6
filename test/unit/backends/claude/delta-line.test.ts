import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deltaText } from "../../../../backends/claude/delta-line.ts";

const line = (text: string, more: object = {}): string =>
  JSON.stringify({
    type: "stream_event",
    event: { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
    session_id: "5f0c2a1e-7d1b-4a53-9c55-0d6e8a1b2c3d",
    parent_tool_use_id: null,
    uuid: "8b7d917c-dd97-42c5-0007-000000000001",
    ...more,
  });

describe("deltaText", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(deltaText(line(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
    expect(deltaText(line('a "quoted" \\ line\n\t\u0001 \ud83d\ude00 \ud800'))).toBe(
      'a "quoted" \\ line\n\t\u0001 \ud83d\ude00 \ud800',
    );
  });

  it("takes no line for a delta that JSON.parse would refuse, wherever it is damaged", () => {
    const whole = line('one "two" three\n');
    fc.assert(
      fc.property(
        fc.nat(whole.length),
        fc.nat(6),
        fc.string({ unit: "binary", maxLength: 3 }),
        (place, removed, inserted) => {
          const damaged = whole.slice(0, place) + inserted + whole.slice(place + removed);
          const text = deltaText(damaged);
          if (text === undefined) return;
          const parsed = JSON.parse(damaged) as { event: { delta: { text: string } } };
          expect(text).toBe(parsed.event.delta.text);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it.each([
    ["of a sub-agent", line("text", { parent_tool_use_id: "toolu_1" })],
    ["with a field more", line("text", { ttft_ms: 12 })],
    ["that is very long", line("x".repeat(20_000))],
    ["with a bad escape", line("text").replace('text"}', 'te\\xt"}')],
    ["of another kind", line("text").replaceAll("text_delta", "thinking_delta")],
  ])("leaves a line %s to the parser", (_, other) => {
    expect(deltaText(other)).toBeUndefined();
  });

  it("survives a text of nothing but escapes", () => {
    const text = '"'.repeat(8_000);
    expect(deltaText(line(text)) ?? text).toBe(text);
  });
});
