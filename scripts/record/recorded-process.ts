import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import {
  markedEnvironment,
  signalMarkedScript,
  type AgentExit,
  type Environment,
  type Launch,
} from "../../src/kit.ts";

/** How long, after the end of the CLI, what it left running may hold its output open. */
const drainMs = 500;

export interface RecordedProcessHost {
  readonly line: (line: string) => void;
  readonly ended: (exit: AgentExit) => void;
}

/** One process of the CLI with all that it starts. */
export class RecordedProcess {
  /** Resolves after `host.ended` was called. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #processId = randomUUID();
  #isRunning = true;

  constructor(
    executable: string,
    launch: Launch,
    place: { readonly cwd: string; readonly env: Environment },
    host: RecordedProcessHost,
  ) {
    for (const file of launch.files) {
      mkdirSync(dirname(file.path), { recursive: true });
      writeFileSync(file.path, file.content, { mode: file.mode ?? 0o600 });
    }
    this.#child = spawn(executable, launch.argv.slice(1), {
      cwd: place.cwd,
      env: markedEnvironment({ ...place.env, ...launch.env }, this.#processId),
      stdio: "pipe",
      detached: true,
    });
    // A CLI that ends at once closes its input under us.
    this.#child.stdin?.on("error", () => undefined);
    this.ended = this.#follow(host);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  write(lines: readonly string[]): void {
    for (const line of lines) this.#child.stdin?.write(`${line}\n`);
  }

  closeStdin(): void {
    this.#child.stdin?.end();
  }

  /** Signals the whole tree: launchers do not pass every signal on. */
  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void {
    const [shell, ...args] = signalMarkedScript(this.#processId, signal);
    spawnSync(shell, args, { timeout: 10_000 });
  }

  async #follow(host: RecordedProcessHost): Promise<void> {
    let stderr = "";
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      stderr = `${stderr}${chunk.toString()}`.slice(-8192);
    });
    const closed = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("exit", () => {
        const timer = setTimeout(() => this.kill("SIGKILL"), drainMs);
        this.#child.once("close", () => clearTimeout(timer));
      });
      this.#child.once("close", (code, signal) => resolve([code, signal]));
    });
    if (this.#child.stdout !== null) {
      for await (const line of createInterface({ input: this.#child.stdout })) {
        if (line !== "") host.line(line);
      }
    }
    const [code, signal] = await closed;
    this.#isRunning = false;
    host.ended({ code, signal, stderr });
  }
}
