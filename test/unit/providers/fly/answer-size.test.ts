import { describe, expect, it } from "vitest";
import { AnswerSize } from "../../../../providers/fly/answer-size.ts";

const kilobyte = 1024;
const answerTo = (size: AnswerSize): string => `${"A".repeat(Math.ceil(size.bytes / 3) * 4)}\n`;

describe("how much output is asked for at once", () => {
  it("grows as long as large answers come whole, up to a limit", () => {
    const size = new AnswerSize();
    expect(size.bytes).toBe(256 * kilobyte);
    size.came("small\n");
    expect(size.bytes).toBe(256 * kilobyte);
    for (let count = 0; count < 10; count++) size.came(answerTo(size));
    expect(size.bytes).toBe(2048 * kilobyte);
  });

  it("stays below what was cut", () => {
    const size = new AnswerSize();
    size.came(answerTo(size));
    size.came(answerTo(size));
    size.came(answerTo(size).slice(0, -10));
    expect(size.bytes).toBe(512 * kilobyte);
    for (let count = 0; count < 5; count++) size.came(answerTo(size));
    expect(size.bytes).toBe(512 * kilobyte);
    size.came("A".repeat(100_000));
    expect(size.bytes).toBe(70_000);
  });

  it("stays below what did not come, unless small answers fail too", () => {
    const size = new AnswerSize();
    size.failed();
    expect(size.bytes).toBe(256 * kilobyte);
    size.came(answerTo(size));
    size.failed();
    size.failed();
    expect(size.bytes).toBe(256 * kilobyte);
    size.came(answerTo(size));
    expect(size.bytes).toBe(256 * kilobyte);
  });
});
