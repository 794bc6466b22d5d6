/**
 * The turns after the first of a real, long-lived CLI: through a session, and by hand. Both processes stay up, and
 * turns alternate between them. Prints a report.
 *
 *     node warm-turns.js AGENT MODEL-SERVER-ADDRESS TURNS
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SandboxAgent } from "playpen";
import { local } from "playpen/local";
import { agentScenes } from "../../test/integration/agents/scenes/index.ts";
import { cliDirectory } from "../kit/places.ts";
import { processorTimeMs, report } from "../kit/report.ts";
import { CliByHand, environmentOf, sessionInput } from "./by-hand.ts";
import { endsOfTurns } from "./ends-of-turns.ts";

const [agent = "", url = "", turns = ""] = process.argv.slice(2);
const prompt = "!text Hello there, this is a short answer.";
const warmUpTurns = 4;
const restMs = 50;

interface Times {
  readonly wholeMs: number;
  /** Of this process, not of the CLI. */
  readonly processorMs: number;
}

const scene = agentScenes.find(({ name }) => name === agent);
const isEnd = endsOfTurns[agent];
if (scene === undefined || isEnd === undefined) throw new Error(`It is not known how ${agent} ends a turn.`);
const command = join(cliDirectory(), scene.command);
const backend = scene.backend({ url, key: "none-is-needed", command, env: { IS_SANDBOX: "1" } });

// Codex wants a home that does not lie among temporary files.
const caches = join(homedir(), ".cache");
mkdirSync(caches, { recursive: true });
const home = mkdtempSync(join(caches, "playpen-bench-"));
try {
  const cwd = join(home, "work");
  const stateDirectory = join(home, "state");
  mkdirSync(cwd);
  mkdirSync(stateDirectory);
  const input = sessionInput(randomUUID(), cwd, stateDirectory);
  const model = backend.model === undefined ? {} : { model: backend.model };
  const launch = backend.launch({
    ...input,
    executable: command,
    env: backend.env,
    ...model,
  });
  for (const { path, content, mode } of launch.files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: mode ?? 0o600 });
  }
  const [program, ...args] = launch.argv;
  const child = spawn(program, args, {
    cwd,
    env: { ...environmentOf(backend, launch.env), HOME: home },
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  try {
    child.stdout.setEncoding("utf8");
    const byHand = new CliByHand(
      {
        write: (text) => void child.stdin.write(text),
        read: (listener) => void child.stdout.on("data", listener),
      },
      backend.protocol({ ...input, ...model }),
      isEnd,
    );
    await byHand.open();

    await using box = await SandboxAgent.start({
      sandbox: local({ isolation: "none" }),
      agent: backend,
      permissions: "allow-all",
    });
    const session = await box.createSession();
    const throughSession = async (): Promise<number> => {
      const startedAt = performance.now();
      for await (const event of session.prompt(prompt)) {
        if (event.type === "turn.failed") throw new Error(event.error.message);
      }
      return performance.now() - startedAt;
    };

    // A CLI goes on working for a moment when its turn has ended, which is not to be paid for by the next one.
    const timed = async (run: () => Promise<number>): Promise<Times> => {
      await delay(restMs);
      const before = process.cpuUsage();
      const wholeMs = await run();
      return { wholeMs, processorMs: processorTimeMs(before) };
    };

    const floors: Times[] = [];
    const subjects: Times[] = [];
    for (let turn = -warmUpTurns; turn < Number(turns); turn += 1) {
      const isFloorFirst = turn % 2 === 0;
      const before = isFloorFirst ? undefined : await timed(throughSession);
      const floor = await timed(async () => (await byHand.turn(randomUUID(), prompt)).wholeMs);
      const subject = before ?? (await timed(throughSession));
      if (turn < 0) continue;
      floors.push(floor);
      subjects.push(subject);
    }
    report({
      series: {
        floor: floors.map(({ wholeMs }) => wholeMs),
        subject: subjects.map(({ wholeMs }) => wholeMs),
        floorProcessor: floors.map(({ processorMs }) => processorMs),
        subjectProcessor: subjects.map(({ processorMs }) => processorMs),
      },
    });
  } finally {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(0);
