/** The same lines through the whole library, to one consumer. Prints a report. */
import { SandboxAgent } from "playpen";
import { claude } from "playpen/claude";
import { local } from "playpen/local";
import { builtProgram } from "../kit/places.ts";
import { processorTimeMs, report } from "../kit/report.ts";

const [lines = "", ...kind] = process.argv.slice(2);
await using box = await SandboxAgent.start({
  sandbox: local({ isolation: "none" }),
  agent: claude({
    command: [process.execPath, builtProgram("claude-lines"), "--lines", lines, ...kind],
    apiKey: `sk-ant-api03-${"not-a-real-key-".repeat(6)}`,
  }),
  permissions: "allow-all",
});
const spawnedAt = performance.now();
const session = await box.createSession();

let events = 0;
let deltas = 0;
let completed = 0;
const startedAt = performance.now();
const processorBefore = process.cpuUsage();
for await (const event of session.prompt("Go on.")) {
  events += 1;
  if (event.type === "message.delta") deltas += 1;
  if (event.type === "turn.completed") completed += 1;
}
const endedAt = performance.now();
const processorMs = processorTimeMs(processorBefore);
if (completed !== 1) throw new Error("The turn did not complete.");
report({
  values: {
    lines: Number(lines),
    elapsedMs: endedAt - startedAt,
    processorMs,
    totalMs: endedAt - spawnedAt,
    events,
    deltas,
  },
});
