/**
 * The memory that an open session takes: a box, a session and its agent's process in a sandbox that is no more than a
 * few objects. `floor`: the same processes driven without the library. Prints a report.
 *
 *     node --expose-gc session-memory.js floor|playpen COUNT
 */
import { SandboxAgent } from "playpen";
import { scriptedAgent, scriptedBackend } from "playpen/testing";
import { report } from "../kit/report.ts";
import { delta, heapAfterCollection, sandboxOf, settle } from "./scripted.ts";

const [side, countText] = process.argv.slice(2);
const count = Number(countText);
const deltas = 100;

const provider = sandboxOf(
  scriptedAgent(async (input, { say }) => {
    if (input.type !== "prompt") return;
    for (let index = 0; index < deltas; index += 1) {
      await say({
        events: [
          delta(input.turnId, `word ${index} of some sixty characters, as much as a model says at once`),
        ] as never,
      });
    }
    await say({ events: [{ type: "turn.completed", stopReason: "end_turn" }] });
  }),
);

const before = heapAfterCollection();
const kept: unknown[] = [];
let idle = 0;
let used = 0;
if (side === "floor") {
  const decoder = new TextDecoder();
  const read = async (reader: ReadableStreamDefaultReader<Uint8Array>, until: string): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || decoder.decode(value).includes(until)) return;
    }
  };
  const write = (writer: WritableStreamDefaultWriter<Uint8Array>, value: object): Promise<void> =>
    writer.write(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
  const processes = [];
  for (let index = 0; index < count; index += 1) {
    const sandbox = await provider.create({ env: {}, labels: {} });
    const child = await sandbox.spawn({ argv: ["scripted-agent"] });
    const writer = child.stdin.getWriter();
    const reader = child.stdout.getReader();
    await write(writer, { type: "open" });
    await read(reader, "ready");
    processes.push({ sandbox, child, writer, reader });
  }
  kept.push(processes);
  await settle();
  idle = heapAfterCollection();
  for (const { writer, reader } of processes) {
    await write(writer, { type: "prompt", turnId: "1", text: "Go on." });
    await read(reader, "turn.completed");
  }
  await settle();
  used = heapAfterCollection();
  for (const { sandbox } of processes) await sandbox.destroy();
} else {
  const boxes = [];
  for (let index = 0; index < count; index += 1) {
    const box = await SandboxAgent.start({ sandbox: provider, agent: scriptedBackend() });
    boxes.push({ box, session: await box.createSession() });
  }
  kept.push(boxes);
  await settle();
  idle = heapAfterCollection();
  for (const { session } of boxes) {
    for await (const event of session.prompt("Go on."))
      if (event.type === "turn.failed") throw new Error("failed");
  }
  await settle();
  used = heapAfterCollection();
  for (const { box } of boxes) await box.destroy();
}
const perSession = (bytes: number): number => (bytes - before) / count / 1024;
report({ values: { idleKb: perSession(idle), usedKb: perSession(used) } });
