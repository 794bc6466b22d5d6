import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { builtProgram, root } from "./kit/places.ts";
import type { Row } from "./kit/row.ts";
import { type Report, valueOf } from "./kit/report.ts";
import { tryProgram } from "./kit/run-program.ts";
import { summarize } from "./kit/statistics.ts";

const lines = 100_000;
const capMs = 120_000;
/** Beyond the cap, which the programs keep by themselves unless they are stuck. */
const graceMs = 60_000;
const folder = join(root, "bench/peers");

interface Contender {
  readonly name: string;
  readonly file: string;
  readonly arguments: (workspace: string) => readonly string[];
  readonly runs: number;
}

const contenders: readonly Contender[] = [
  {
    name: "a bare split-and-parse loop",
    file: builtProgram("throughput-floor"),
    arguments: () => [String(lines)],
    runs: 3,
  },
  { name: "playpen", file: builtProgram("throughput-playpen"), arguments: () => [String(lines)], runs: 3 },
  {
    name: "@tanstack/ai 0.42.0",
    file: join(folder, "tanstack.mjs"),
    arguments: (workspace) => [workspace, String(capMs)],
    runs: 3,
  },
  {
    name: "@ai-hero/sandcastle 0.12.0, no completion signal",
    file: join(folder, "sandcastle.mjs"),
    arguments: (workspace) => [workspace, String(capMs)],
    runs: 3,
  },
  {
    name: "@ai-hero/sandcastle 0.12.0, as it comes",
    file: join(folder, "sandcastle.mjs"),
    arguments: (workspace) => [workspace, String(capMs), "--completion-signal"],
    runs: 1,
  },
];

/** The same lines through other packages. They take their turns, and each is stopped after two minutes. */
export async function peers(): Promise<readonly Row[]> {
  process.stdout.write("  installing bench/peers\n");
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    stdio: "inherit",
  });
  const home = mkdtempSync(join(tmpdir(), "playpen-bench-peers-"));
  try {
    const env = environmentWithClaude(home);
    const outcomes = new Map<Contender, Report[]>();
    const failures = new Map<Contender, string>();
    for (let round = 0; round < 3; round += 1) {
      for (const contender of contenders) {
        if (round >= contender.runs) continue;
        const workspace = newRepository(home);
        const outcome = await tryProgram(contender.file, {
          arguments: contender.arguments(workspace),
          env,
          timeoutMs: capMs + graceMs,
        });
        rmSync(workspace, { recursive: true, force: true, maxRetries: 5 });
        if (outcome.type === "reported")
          outcomes.set(contender, [...(outcomes.get(contender) ?? []), outcome.report]);
        else failures.set(contender, outcome.type === "failed" ? outcome.message : "stuck");
      }
    }
    return contenders.flatMap((contender) => {
      const failure = failures.get(contender);
      if (failure !== undefined) throw new Error(`${contender.name}: ${failure}`);
      return rowsOf(contender.name, outcomes.get(contender) ?? []);
    });
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

function rowsOf(name: string, reports: readonly Report[]): readonly Row[] {
  const isFinished = reports.every(({ values }) => values["finished"] !== 0);
  const events = reports.map(({ values }) => values["events"] ?? values["lines"] ?? 0);
  const received = summarize(events).median.toLocaleString("en");
  const note = isFinished
    ? `${received} events received`
    : `did not finish; ${received} events received until then`;
  const seconds = reports.map((report) => (report.values["totalMs"] ?? valueOf(report, "elapsedMs")) / 1000);
  return [
    { name: `${name}: time`, unit: "s", subject: summarize(seconds), note },
    {
      name: `${name}: processor time`,
      unit: "s",
      subject: summarize(reports.map((report) => report.cpuMs / 1000)),
    },
    {
      name: `${name}: peak memory`,
      unit: "MB",
      subject: summarize(reports.map((report) => report.peakMemoryMb)),
    },
  ];
}

/** A PATH on which `claude` is the stand-in that prints the lines. */
function environmentWithClaude(home: string): NodeJS.ProcessEnv {
  const programs = join(home, "bin");
  const file = join(programs, "claude");
  mkdirSync(programs);
  const command = `exec "${process.execPath}" "${builtProgram("claude-lines")}" --lines ${lines} "$@"`;
  writeFileSync(file, `#!/bin/sh\n${command}\n`);
  chmodSync(file, 0o755);
  return {
    ...process.env,
    HOME: home,
    ANTHROPIC_API_KEY: "none-is-needed",
    PATH: `${programs}${delimiter}${process.env["PATH"] ?? ""}`,
  };
}

/** Some of them work only in a repository with a commit. */
function newRepository(home: string): string {
  const workspace = mkdtempSync(join(home, "repository-"));
  const git = (...args: readonly string[]): void => {
    execFileSync("git", ["-C", workspace, ...args], { stdio: "ignore" });
  };
  git("init", "-b", "main");
  git("-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--allow-empty", "-m", "Begin");
  return workspace;
}
