/**
 * How long an event takes from the agent's hand to the consumer's, in a thousand sessions that speak at once. The
 * agents write by turns, evenly over time, well below what the process can carry. `floor`: the same processes, split
 * and parsed without the library. Prints a report.
 *
 *     node event-latency.js floor|playpen COUNT
 */
import { SandboxAgent } from "playpen";
import { scriptedAgent, scriptedBackend, type MemoryProcess } from "playpen/testing";
import { report } from "../kit/report.ts";
import { percentile } from "../kit/statistics.ts";
import { delta, sandboxOf } from "./scripted.ts";

const [side, countText] = process.argv.slice(2);
const count = Number(countText);
const eventsPerSecond = 5000;
const durationMs = 6000;
const warmUpMs = 1000;
const tickMs = 5;

const speaking: MemoryProcess[] = [];
const provider = sandboxOf(
  scriptedAgent(async (input, { process: agent }) => {
    if (input.type === "prompt") speaking.push(agent);
    await Promise.resolve();
  }),
);

const latencies: number[] = [];
let beganAt = Infinity;
function received(stamp: number): void {
  const now = performance.now();
  if (stamp >= beganAt + warmUpMs) latencies.push(now - stamp);
}

async function openBare(): Promise<void> {
  const sandbox = await provider.create({ env: {}, labels: {} });
  const child = await sandbox.spawn({ argv: ["scripted-agent"] });
  const writer = child.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(`${JSON.stringify({ type: "prompt", turnId: "1", text: "Go on." })}\n`),
  );
  void (async () => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const { events } = JSON.parse(line) as { events?: readonly { text?: string }[] };
        for (const { text } of events ?? []) received(Number(text));
      }
    }
  })();
}

async function open(): Promise<void> {
  const box = await SandboxAgent.start({ sandbox: provider, agent: scriptedBackend() });
  const session = await box.createSession();
  void (async () => {
    for await (const event of session.prompt("Go on.", { reject: false })) {
      if (event.type === "message.delta") received(Number(event.text));
    }
  })();
}

for (let index = 0; index < count; index += 1) await (side === "floor" ? openBare() : open());
while (speaking.length < count) await new Promise((resolve) => setImmediate(resolve));

beganAt = performance.now();
let written = 0;
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - beganAt;
    if (elapsedMs > durationMs) {
      clearInterval(timer);
      resolve();
      return;
    }
    // A process that was kept waiting does not make up for it in one burst, which would measure only itself.
    const due = Math.min(
      Math.floor((elapsedMs * eventsPerSecond) / 1000),
      written + 4 * tickMs * (eventsPerSecond / 1000),
    );
    for (; written < due; written += 1) {
      const agent = speaking[written % count];
      const stamp = String(performance.now());
      void agent?.write(`${JSON.stringify({ events: [delta("1", stamp)] })}\n`);
    }
  }, tickMs);
});
await new Promise((resolve) => setTimeout(resolve, 50));
report({
  values: {
    received: latencies.length,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    maxMs: percentile(latencies, 100),
  },
});
process.exit(0);
