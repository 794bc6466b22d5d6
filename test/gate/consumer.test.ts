import { execa } from "execa";
import { expect, it } from "vitest";
import { installConsumer } from "./consumer.ts";

it("a strict TypeScript project compiles against the packed package, without skipLibCheck, and runs", async () => {
  await using consumer = await installConsumer();
  const { stdout } = await execa("node", [consumer.program], { cwd: consumer.folder });
  expect(stdout).toBe("consumer: ok");
});
