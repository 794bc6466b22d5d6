import { boundedOutput } from "playpen/kit";
import { expect, it } from "vitest";

it("holds so much, fails with what was held still to be read, and holds no more", async () => {
  const output = boundedOutput("tool", 10);
  output.push(Buffer.from("12345"));
  output.push(Buffer.from("67890"));
  output.push(Buffer.from("x"));
  output.push(Buffer.alloc(1000));
  const reader = output.stream.getReader();
  expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("1234567890x");
  await expect(reader.read()).rejects.toMatchObject({
    code: "output_too_large",
    details: { command: "tool", maxBytes: 10 },
  });
});

it("counts what waits, not what has passed", async () => {
  const output = boundedOutput("tool", 10);
  const reader = output.stream.getReader();
  for (let round = 0; round < 5; round++) {
    output.push(Buffer.from("12345678"));
    expect((await reader.read()).value?.length).toBe(8);
  }
  output.end();
  expect((await reader.read()).done).toBe(true);
});
