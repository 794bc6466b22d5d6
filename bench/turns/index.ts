import { spawn } from "node:child_process";
import { builtProgram } from "../kit/places.ts";
import { pairedRow, type Pair, type Row } from "../kit/row.ts";
import { type Report, seriesOf } from "../kit/report.ts";
import { runProgram } from "../kit/run-program.ts";
import { endsOfTurns } from "./ends-of-turns.ts";

const timeoutMs = 120_000;

/** The turns of the real CLIs after the first, through a session and by hand. */
export async function warmTurns(): Promise<readonly Row[]> {
  await using server = await startServer();
  const rows: Row[] = [];
  for (const agent of Object.keys(endsOfTurns)) {
    const measured = await runProgram("warm-turns", { arguments: [agent, server.url, "60"], timeoutMs });
    rows.push(
      pairedRow({
        name: `a warm turn of ${agent}`,
        unit: "ms",
        kind: "difference",
        pairs: pairsOf(measured, "floor", "subject"),
        atMost: 2,
      }),
      pairedRow({
        name: `a warm turn of ${agent}: processor time of the host program`,
        unit: "ms",
        kind: "difference",
        pairs: pairsOf(measured, "floorProcessor", "subjectProcessor"),
        atMost: 2,
      }),
    );
  }
  return rows;
}

/** The first and second turn of a program that answers at once, on this machine and in a container. */
export async function wholeTurns(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { provider, atMost } of [
    { provider: "local", atMost: 5 },
    { provider: "docker", atMost: 15 },
  ]) {
    const measured = await runProgram("whole-turns", { arguments: [provider, "60"], timeoutMs });
    const shared = { unit: "ms", kind: "difference", atMost } as const;
    rows.push(
      pairedRow({
        ...shared,
        name: `${provider}: from the start of the agent to its first event`,
        pairs: pairsOf(measured, "floorFirst", "subjectFirst"),
      }),
      pairedRow({
        ...shared,
        name: `${provider}: from the start of the agent to the end of its first turn`,
        pairs: pairsOf(measured, "floorWhole", "subjectWhole"),
      }),
      pairedRow({
        ...shared,
        name: `${provider}: a second turn`,
        pairs: pairsOf(measured, "floorSecond", "subjectSecond"),
      }),
    );
  }
  return rows;
}

function pairsOf(report: Report, floor: string, subject: string): readonly Pair[] {
  const subjects = seriesOf(report, subject);
  return seriesOf(report, floor).map((value, index) => ({ floor: value, subject: subjects[index] ?? NaN }));
}

async function startServer(): Promise<AsyncDisposable & { readonly url: string }> {
  const child = spawn(process.execPath, [builtProgram("model-server")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data: Buffer) => resolve(data.toString().trim()));
    child.once("exit", () => reject(new Error("The model server ended.")));
  });
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
