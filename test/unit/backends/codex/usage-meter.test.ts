import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageMeter } from "../../../../backends/codex/usage-meter.ts";

interface Request {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

function breakdown({ input, cached, output }: Request): object {
  return {
    totalTokens: input + output,
    inputTokens: input,
    cachedInputTokens: cached,
    cacheWriteInputTokens: 0,
    outputTokens: output,
    reasoningOutputTokens: 0,
  };
}

const none: Request = { input: 0, cached: 0, output: 0 };

function plus(left: Request, right: Request): Request {
  return {
    input: left.input + right.input,
    cached: left.cached + right.cached,
    output: left.output + right.output,
  };
}

const request = fc
  .record({
    input: fc.integer({ min: 1, max: 10_000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    output: fc.nat(1000),
  })
  .map(({ input, share, output }) => ({ input, cached: Math.floor(input * share), output }));

describe("UsageMeter", () => {
  it("counts each request once, whatever the thread had used before and however often it is told", () => {
    fc.assert(
      fc.property(
        request,
        fc.array(fc.array(request, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (past, turns, isPastTold) => {
          const meter = new UsageMeter();
          let total = past;
          if (isPastTold) meter.update("thread", { total: breakdown(past), last: breakdown(past) }, false);
          for (const turn of turns) {
            meter.startTurn();
            let expected = none;
            for (const last of turn) {
              total = plus(total, last);
              expected = plus(expected, last);
              const told = { total: breakdown(total), last: breakdown(last) };
              meter.update("thread", told, true);
              meter.update("thread", told, true);
            }
            expect(meter.usage).toMatchObject({
              inputTokens: expected.input - expected.cached,
              cacheReadTokens: expected.cached,
              outputTokens: expected.output,
            });
            expect(meter.requests).toBe(turn.length);
          }
        },
      ),
    );
  });

  it("adds up the threads of sub-agents, and leaves out what is of another turn", () => {
    const meter = new UsageMeter();
    meter.startTurn();
    const one = { input: 10, cached: 4, output: 2 };
    meter.update("main", { total: breakdown(one), last: breakdown(one) }, true);
    meter.update("sub", { total: breakdown(one), last: breakdown(one) }, true);
    meter.update("other", { total: breakdown(one), last: breakdown(one) }, false);
    expect(meter.usage).toMatchObject({ inputTokens: 12, cacheReadTokens: 8, outputTokens: 4 });
  });

  it("goes on when the figures begin anew", () => {
    const meter = new UsageMeter();
    meter.startTurn();
    const big = { input: 100, cached: 0, output: 50 };
    const small = { input: 10, cached: 0, output: 5 };
    meter.update("main", { total: breakdown(big), last: breakdown(big) }, true);
    meter.update("main", { total: breakdown(small), last: breakdown(small) }, true);
    expect(meter.usage).toMatchObject({ inputTokens: 110, outputTokens: 55 });
  });

  it("knows the usage of an exec only from a thread whose past it knows", () => {
    const meter = new UsageMeter();
    const figures = (input: number): object => ({
      input_tokens: input,
      cached_input_tokens: 0,
      output_tokens: 1,
    });
    meter.startTurn();
    expect(meter.settle("elsewhere", figures(100))).toBe(false);
    meter.startTurn();
    expect(meter.settle("elsewhere", figures(130))).toBe(true);
    expect(meter.usage.inputTokens).toBe(30);
    meter.startThread("own");
    meter.startTurn();
    expect(meter.settle("own", figures(7))).toBe(true);
    expect(meter.usage.inputTokens).toBe(7);
  });
});
