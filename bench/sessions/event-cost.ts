/**
 * What one event costs, as subscribers and history grow. Prints a report.
 *
 *     node event-cost.js subscribers COUNT EVENTS following|holding
 *     node event-cost.js history COUNT EVENTS
 */
import { SandboxAgent } from "playpen";
import { scriptedAgent, scriptedBackend } from "playpen/testing";
import { report } from "../kit/report.ts";
import { percentile } from "../kit/statistics.ts";
import { delta, sandboxOf } from "./scripted.ts";

const [what = "", countText, eventsText, manner = ""] = process.argv.slice(2);
const count = Number(countText);
const events = Number(eventsText);
const rounds = 5;
const linesPerWrite = 64;

const line = `${JSON.stringify({ events: [delta("1", "some sixty characters, as much as a model says at a time, or so")] })}\n`;
const batch = new TextEncoder().encode(line.repeat(linesPerWrite));
const provider = sandboxOf(
  scriptedAgent(async (input, { process: agent, say }) => {
    if (input.type !== "prompt") return;
    const wanted = Number(input.text);
    let written = 0;
    for (; written + linesPerWrite <= wanted; written += linesPerWrite) await agent.write(batch);
    if (written < wanted) await agent.write(line.repeat(wanted - written));
    await say({ events: [{ type: "turn.completed", stopReason: "end_turn" }] });
  }),
);
await using box = await SandboxAgent.start({ sandbox: provider, agent: scriptedBackend() });
const kept = what === "history" ? count + (rounds + 1) * (events + 10) : 16_384;
const session = await box.createSession({ history: { maxEvents: kept, maxBytes: 4 * 2 ** 30 } });

async function consumedTurn(size: number): Promise<number> {
  const startedAt = performance.now();
  for await (const event of session.prompt(String(size))) {
    if (event.type === "turn.failed") throw new Error(event.error.message);
  }
  return performance.now() - startedAt;
}

/** A turn that `subscribers` follow, each to its end. */
async function subscribedTurn(subscribers: number): Promise<number> {
  const startedAt = performance.now();
  const reading = Array.from({ length: subscribers }, async () => {
    for await (const event of session.events({ backpressure: manner === "holding" })) {
      if (event.type === "turn.completed") break;
    }
  });
  await Promise.all([...reading, session.prompt(String(events))]);
  return performance.now() - startedAt;
}

async function replay(): Promise<number> {
  const startedAt = performance.now();
  let read = 0;
  for await (const _ of session.events({ from: 1 })) if (++read === count) break;
  return performance.now() - startedAt;
}

await consumedTurn(5000);
const costs: number[] = [];
if (what === "subscribers") {
  for (let round = 0; round < rounds; round += 1) {
    const aloneMs = await subscribedTurn(0);
    costs.push(((await subscribedTurn(count)) - aloneMs) / (events * count));
  }
  report({ values: { usPerDelivery: percentile(costs, 50) * 1000 } });
} else {
  if (count > 0) await consumedTurn(count);
  for (let round = 0; round < rounds; round += 1) costs.push((await consumedTurn(events)) / events);
  const replayMs = count === 0 ? 0 : (await replay()) / count;
  report({ values: { usPerEvent: percentile(costs, 50) * 1000, usPerReplay: replayMs * 1000 } });
}
