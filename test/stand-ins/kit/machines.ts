import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { copyFolder } from "./file-copies.ts";

export interface MachineOptions {
  /** Default: a random one. */
  readonly id?: string;
  /** Beside `PATH`, `HOME` and the mark, as a vendor's daemon would have them. */
  readonly env?: { readonly [name: string]: string };
  /** A folder whose content the machine begins with, as made by `FileCopies`. */
  readonly files?: string;
}

export interface MachineCommand {
  readonly argv: readonly [string, ...string[]];
  /** Default: the machine's folder. */
  readonly cwd?: string;
  readonly env?: { readonly [name: string]: string };
  /** `"pipe"`, or an empty one (default). */
  readonly stdin?: "pipe" | "ignore";
  /** User name or `uid[:gid]`, which takes root; default: this process's. */
  readonly user?: string;
  /** Whether it leads a session of its own (default), or is in the group of this process, as with some daemons. */
  readonly ownSession?: boolean;
}

export interface MachineProcess {
  readonly pid: number;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Of the process itself; its children may hold the pipes longer. */
  readonly exited: Promise<MachineExit>;
  /** Signals the process alone, or its group. */
  readonly signal: (name: NodeJS.Signals, whom?: "process" | "group") => void;
}

export interface MachineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface MachineTerminal extends MachineProcess {
  readonly stdin: Writable;
  resize(size: { readonly columns: number; readonly rows: number }): Promise<void>;
}

const markName = "STAND_IN_MACHINE";
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * One sandbox of a vendor's cloud as tests have it: a folder, and real processes of this machine whose environment is
 * minimal and carries a mark, so that all of them, whatever they forked, are ended with the sandbox.
 */
export class StandInMachine {
  readonly id: string;
  /** Its home; removed with it. */
  readonly folder: string;
  readonly env: { readonly [name: string]: string };
  isDestroyed = false;
  isPaused = false;
  /** Milliseconds since the epoch. */
  readonly createdAt = Date.now();
  #endsAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #destroyed: Promise<void> | undefined;

  private constructor(folder: string, { id = randomUUID(), env = {} }: MachineOptions) {
    this.id = id;
    this.folder = folder;
    this.env = { PATH: systemPath, HOME: folder, ...env, [markName]: this.id };
  }

  static async create(options: MachineOptions = {}): Promise<StandInMachine> {
    const folder = await mkdtemp(join(tmpdir(), "stand-in-"));
    try {
      if (options.files !== undefined) await copyFolder(options.files, folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    return new StandInMachine(folder, options);
  }

  /** When its time to live is over, in milliseconds since the epoch. */
  get endsAt(): number | undefined {
    return this.#endsAt;
  }

  /** Ends the machine in so many milliseconds, in place of what was set before; `undefined`: never. */
  setTimeToLive(durationMs: number | undefined, onEnd: () => unknown = () => this.destroy()): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#endsAt = durationMs === undefined ? undefined : Date.now() + durationMs;
    if (durationMs === undefined || this.isDestroyed) return;
    // What is longer than a test is never waited for; a timer cannot hold more than 24 days either.
    this.#timer = setTimeout(() => void onEnd(), Math.min(durationMs, 2 ** 31 - 1));
    this.#timer.unref();
  }

  /** Rejects where the program is not there. */
  async spawn(command: MachineCommand): Promise<MachineProcess> {
    const { argv, stdin = "ignore", ownSession = true } = command;
    this.#assertUsable();
    const [program, ...args] = argv;
    const child = spawn(program, args, {
      cwd: command.cwd ?? this.folder,
      env: this.#environment(command),
      detached: ownSession,
      stdio: [stdin, "pipe", "pipe"],
      ...idsOf(command.user),
    });
    return started(child);
  }

  /** Starts a process on a pseudo-terminal; its output is all in `stdout`. */
  async terminal(
    command: MachineCommand & { readonly columns?: number; readonly rows?: number },
  ): Promise<MachineTerminal> {
    this.#assertUsable();
    const { columns = 80, rows = 24 } = command;
    const nameFile = join(this.folder, `.tty-${randomUUID()}`);
    const words = ["/bin/sh", "-c", terminalScript, "terminal", nameFile, String(columns), String(rows)];
    const line = [...words, ...command.argv].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const argv = ["script", "-qfec", line, "/dev/null"] as const;
    const process = await this.spawn({ ...command, argv: [...argv], stdin: "pipe" });
    if (process.stdin === undefined) throw new Error("There are no pipes.");
    return {
      ...process,
      stdin: process.stdin,
      resize: async (size) => {
        const device = await eventually(() => readFile(nameFile, "utf8"));
        const cells = ["cols", String(size.columns), "rows", String(size.rows)];
        const stty = spawn("stty", ["-F", device.trim(), ...cells], { stdio: "ignore" });
        await new Promise((resolve) => stty.once("exit", resolve));
      },
    };
  }

  /** Runs a command to its end. */
  async run(
    argv: readonly [string, ...string[]],
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const process = await this.spawn({ argv });
    const [stdout, stderr, exit] = await Promise.all([
      textOf(process.stdout),
      textOf(process.stderr),
      process.exited,
    ]);
    return { code: exit.code ?? 137, stdout, stderr };
  }

  /** The ids of all its processes. */
  async processes(): Promise<readonly number[]> {
    const mark = `${markName}=${this.id}`;
    const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const found = await Promise.all(
      names.map(async (name) => {
        const environment = await readFile(`/proc/${name}/environ`, "latin1").catch(() => "");
        return environment.split("\0").includes(mark) ? [Number(name)] : [];
      }),
    );
    return found.flat();
  }

  /** Stops all processes, which keep their memory. */
  async pause(): Promise<void> {
    this.isPaused = true;
    await this.#signalAll("SIGSTOP");
  }

  async resume(): Promise<void> {
    this.isPaused = false;
    await this.#signalAll("SIGCONT");
  }

  /** Ends all processes, as a machine does that is started anew. */
  async endProcesses(): Promise<void> {
    // What forks meanwhile is seen in a later round.
    while ((await this.#signalAll("SIGKILL")) > 0) await delay(5);
  }

  /** Ends all processes and removes the folder. */
  destroy(): Promise<void> {
    this.isDestroyed = true;
    this.setTimeToLive(undefined);
    this.#destroyed ??= this.endProcesses().then(() =>
      rm(this.folder, { recursive: true, force: true, maxRetries: 3 }),
    );
    return this.#destroyed;
  }

  async #signalAll(name: NodeJS.Signals): Promise<number> {
    const all = await this.processes();
    for (const pid of all) signalPid(pid, name);
    return all.length;
  }

  #environment({ env = {}, user }: MachineCommand): { [name: string]: string } {
    const home = user === undefined ? undefined : accountOf(user)?.home;
    return {
      ...this.env,
      ...(home === undefined ? {} : { HOME: home, USER: user ?? "" }),
      ...env,
      [markName]: this.id,
    };
  }

  #assertUsable(): void {
    if (this.isDestroyed) throw new Error(`The machine ${this.id} is gone.`);
  }
}

// The name of the terminal is how it is resized from outside.
const terminalScript = `
tty > "$1.new" && mv "$1.new" "$1"
stty cols "$2" rows "$3"
shift 3
exec "$@"
`;

export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** `undefined` where there is no such user. */
export function accountOf(user: string): Account | undefined {
  for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [name, , uid, gid, , home] = line.split(":");
    if (user !== "" && (name === user || uid === user))
      return { uid: Number(uid), gid: Number(gid), home: home ?? "/" };
  }
  return undefined;
}

function idsOf(user: string | undefined): { readonly uid?: number; readonly gid?: number } {
  if (user === undefined) return {};
  const [name = "", group] = user.split(":");
  const account = accountOf(name);
  const uid = account?.uid ?? Number(name);
  const gid = group === undefined ? (account?.gid ?? 0) : (accountOf(group)?.gid ?? Number(group));
  if (!Number.isInteger(uid) || !Number.isInteger(gid)) throw new Error(`There is no user ${user}.`);
  return { uid, gid };
}

async function started(child: ChildProcess): Promise<MachineProcess> {
  const { stdin, stdout, stderr } = child;
  const exited = new Promise<MachineExit>((resolve) =>
    child.once("exit", (code, signal) => {
      resolve({ code, signal });
    }),
  );
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.on("error", reject);
  });
  const { pid } = child;
  if (pid === undefined || stdout === null || stderr === null) throw new Error("There are no pipes.");
  // A process that does not want its input ends the pipe.
  for (const stream of [stdin, stdout, stderr]) stream?.on("error", () => undefined);
  return {
    pid,
    stdin: stdin ?? undefined,
    stdout,
    stderr,
    exited,
    signal: (name, whom = "process") => {
      if (child.exitCode === null && child.signalCode === null)
        signalPid(whom === "group" ? -pid : pid, name);
    },
  };
}

function signalPid(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}

async function eventually<Value>(attempt: () => Promise<Value>): Promise<Value> {
  for (let rest = 200; ; rest--) {
    try {
      return await attempt();
    } catch (error) {
      if (rest === 0) throw error;
      await delay(10);
    }
  }
}
