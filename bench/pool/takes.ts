/**
 * Gets a sandbox in which the agent's process runs, by turns: started when it is asked for, and taken from a pool in
 * which it waited. Prints a report.
 *
 *     node pool-takes.js PLACE ROUNDS
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SandboxAgent, SandboxPool, type SandboxProvider } from "playpen";
import { docker } from "playpen/docker";
import { local } from "playpen/local";
import { claudeScene } from "../../test/integration/agents/scenes/claude.ts";
import { cliDirectory, testImage } from "../kit/places.ts";
import { processorTimeMs, report } from "../kit/report.ts";

const [place = "", rounds = ""] = process.argv.slice(2);
const warmUpRounds = 2;
const restMs = 50;

function providerOf(): { readonly sandbox: SandboxProvider; readonly command?: string } {
  if (place === "docker") return { sandbox: docker({ image: testImage(), pull: "never" }) };
  return { sandbox: local({ isolation: "none" }), command: join(cliDirectory(), claudeScene.command) };
}

const { sandbox, ...command } = providerOf();
// Nothing is prompted, so that no model is asked.
const agent = claudeScene.backend({ url: "http://127.0.0.1:9", key: "none-is-needed", ...command });
const options = { sandbox, agent, permissions: "allow-all" } as const;
const series = {
  cold: [] as number[],
  warm: [] as number[],
  coldProcessor: [] as number[],
  warmProcessor: [] as number[],
};

await using pool = new SandboxPool({ ...options, size: 1, maxSize: 2, concurrency: 1 });
async function untilWarm(): Promise<void> {
  while (pool.stats.idle < 1 || pool.stats.creating + pool.stats.ending > 0) await delay(restMs);
}

for (let round = -warmUpRounds; round < Number(rounds); round += 1) {
  // What the pool does behind the scenes is not to be paid for by either side.
  await untilWarm();
  const beforeCold = process.cpuUsage();
  const coldAt = performance.now();
  const box = await SandboxAgent.start(options);
  await box.createSession();
  const coldMs = performance.now() - coldAt;
  const coldProcessorMs = processorTimeMs(beforeCold);
  await box.destroy();
  await delay(restMs);
  const beforeWarm = process.cpuUsage();
  const warmAt = performance.now();
  const taken = await pool.take();
  const warmMs = performance.now() - warmAt;
  const warmProcessorMs = processorTimeMs(beforeWarm);
  await taken[Symbol.asyncDispose]();
  if (round < 0) continue;
  series.cold.push(coldMs);
  series.warm.push(warmMs);
  series.coldProcessor.push(coldProcessorMs);
  series.warmProcessor.push(warmProcessorMs);
}
report({ series });
