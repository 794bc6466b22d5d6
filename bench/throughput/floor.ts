/** The least work that can be done with the lines of a CLI: split them and parse each. Prints a report. */
import { spawn } from "node:child_process";
import { builtProgram } from "../kit/places.ts";
import { processorTimeMs, report } from "../kit/report.ts";

const [lines = "", ...kind] = process.argv.slice(2);
const spawnedAt = performance.now();
const child = spawn(
  process.execPath,
  [
    ...[builtProgram("claude-lines"), "--lines", lines, ...kind],
    ...["--input-format", "stream-json", "--replay-user-messages"],
  ],
  { stdio: ["pipe", "pipe", "inherit"] },
);
const write = (value: object): void => void child.stdin.write(`${JSON.stringify(value)}\n`);

let count = 0;
let bytes = 0;
let rest = "";
let startedAt = 0;
let elapsedMs = 0;
let endedAt = 0;
let processorBefore = process.cpuUsage();
let processorMs = 0;

function take(line: string): void {
  const message = JSON.parse(line) as { type?: unknown };
  if (message.type === "control_response") {
    startedAt = performance.now();
    processorBefore = process.cpuUsage();
    write({ type: "user", message: { role: "user", content: [{ type: "text", text: "Go on." }] } });
    return;
  }
  count += 1;
  if (message.type === "result") {
    endedAt = performance.now();
    elapsedMs = endedAt - startedAt;
    processorMs = processorTimeMs(processorBefore);
    child.stdin.end();
  }
}

child.stdout.setEncoding("utf8");
child.stdout.on("data", (chunk: string) => {
  bytes += chunk.length;
  const text = rest + chunk;
  let start = 0;
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
    take(text.slice(start, end));
    start = end + 1;
  }
  rest = text.slice(start);
});
write({ type: "control_request", request_id: "1", request: { subtype: "initialize" } });
await new Promise((resolve) => child.once("close", resolve));
report({
  values: { lines: count, elapsedMs, processorMs, totalMs: endedAt - spawnedAt, lineLength: bytes / count },
});
