/**
 * A first turn from nothing, and a second one: a process is started in a sandbox that is there, shakes hands, gets a
 * prompt and answers at once. Once through a session, once by hand. Prints a report.
 *
 *     node whole-turns.js local|docker ROUNDS
 */
import { randomUUID } from "node:crypto";
import { SandboxAgent } from "playpen";
import { claude } from "playpen/claude";
import { docker } from "playpen/docker";
import { local } from "playpen/local";
import { bareImage } from "../kit/places.ts";
import { report } from "../kit/report.ts";
import { bareContainer, bareHost } from "./bare-places.ts";
import { CliByHand, sessionInput } from "./by-hand.ts";
import { claudeTurnEnd } from "./ends-of-turns.ts";
import { shellAgent } from "./shell-agent.ts";

const [provider = "", rounds = ""] = process.argv.slice(2);
const warmUpRounds = 3;

const agent = claude({ command: shellAgent, apiKey: "none-is-needed" });
await using box = await SandboxAgent.start({
  sandbox:
    provider === "docker" ? docker({ image: bareImage(), pull: "never" }) : local({ isolation: "none" }),
  agent,
  permissions: "allow-all",
});
await using place = provider === "docker" ? await bareContainer(bareImage()) : bareHost();

interface Times {
  readonly firstMs: number;
  readonly wholeMs: number;
  readonly secondMs: number;
}

async function byHand(): Promise<Times> {
  const input = sessionInput(randomUUID(), "/tmp", "/tmp");
  const startedAt = performance.now();
  await using bare = await place.start(agent.launch({ ...input, executable: "", env: {} }).argv);
  const cli = new CliByHand(bare, agent.protocol(input), claudeTurnEnd);
  await cli.open();
  const handshakeMs = performance.now() - startedAt;
  const { firstMs, wholeMs } = await cli.turn("1", "Go on.");
  const second = await cli.turn("2", "Go on.");
  return { firstMs: handshakeMs + firstMs, wholeMs: handshakeMs + wholeMs, secondMs: second.wholeMs };
}

async function throughSession(): Promise<Times> {
  const startedAt = performance.now();
  await using session = await box.createSession();
  let firstMs: number | undefined;
  for await (const event of session.prompt("Go on.")) {
    // The first event that the agent itself caused.
    if (event.type === "session.started") firstMs = performance.now() - startedAt;
    if (event.type === "turn.failed") throw new Error(event.error.message);
  }
  const wholeMs = performance.now() - startedAt;
  const secondAt = performance.now();
  await session.prompt("Go on.");
  if (firstMs === undefined) throw new Error("The agent did not begin.");
  return { firstMs, wholeMs, secondMs: performance.now() - secondAt };
}

const floors: Times[] = [];
const subjects: Times[] = [];
for (let round = -warmUpRounds; round < Number(rounds); round += 1) {
  const floor = await byHand();
  const subject = await throughSession();
  if (round < 0) continue;
  floors.push(floor);
  subjects.push(subject);
}
report({
  series: {
    floorFirst: floors.map(({ firstMs }) => firstMs),
    subjectFirst: subjects.map(({ firstMs }) => firstMs),
    floorWhole: floors.map(({ wholeMs }) => wholeMs),
    subjectWhole: subjects.map(({ wholeMs }) => wholeMs),
    floorSecond: floors.map(({ secondMs }) => secondMs),
    subjectSecond: subjects.map(({ secondMs }) => secondMs),
  },
});
