/**
 * What one event costs in processor time, as subscribers and history grow. Prints a report.
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
    for (; written + linesPerWrite <= wanted; written += linesPerWrite) {
      await agent.write(batch);
      // A real pipe is read from the event loop, between whose rounds consumers get on. Those that hold the agent up
      // are given reason to.
      if (manner !== "holding") await new Promise((resolve) => setImmediate(resolve));
    }
    if (written < wanted) await agent.write(line.repeat(wanted - written));
    await say({ events: [{ type: "turn.completed", stopReason: "end_turn" }] });
  }),
);
await using box = await SandboxAgent.start({ sandbox: provider, agent: scriptedBackend() });
const kept = what === "history" ? count + (rounds + 1) * (events + 10) : 2_048;
const session = await box.createSession({ history: { maxEvents: kept, maxBytes: 4 * 2 ** 30 } });

/** Starts a clock that only runs while this process does. */
function processorClock(): () => number {
  const begun = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(begun);
    return user + system;
  };
}

async function consumedTurn(size: number): Promise<number> {
  const elapsedUs = processorClock();
  for await (const event of session.prompt(String(size))) {
    if (event.type === "turn.failed") throw new Error(event.error.message);
  }
  return elapsedUs();
}

/** A turn that `subscribers` follow, each to its end. */
async function subscribedTurn(subscribers: number): Promise<number> {
  const elapsedUs = processorClock();
  const reading = Array.from({ length: subscribers }, async () => {
    for await (const event of session.events({ backpressure: manner === "holding" })) {
      if (event.type === "turn.completed") break;
    }
  });
  await Promise.all([...reading, session.prompt(String(events))]);
  return elapsedUs();
}

async function replay(): Promise<number> {
  const elapsedUs = processorClock();
  let read = 0;
  for await (const _ of session.events({ from: 1 })) if (++read === count) break;
  return elapsedUs();
}

await consumedTurn(5000);
const costs: number[] = [];
if (what === "subscribers") {
  for (let round = 0; round < rounds; round += 1) {
    const aloneUs = await subscribedTurn(0);
    costs.push(((await subscribedTurn(count)) - aloneUs) / (events * count));
  }
  report({ values: { usPerDelivery: percentile(costs, 50) } });
} else {
  if (count > 0) await consumedTurn(count);
  for (let round = 0; round < rounds; round += 1) costs.push((await consumedTurn(events)) / events);
  const replayUs = count === 0 ? 0 : (await replay()) / count;
  report({ values: { usPerEvent: percentile(costs, 50), usPerReplay: replayUs } });
}
