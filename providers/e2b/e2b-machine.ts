import { randomUUID } from "node:crypto";
import {
  type Environment,
  type Labels,
  type RemoteCommand,
  type RemoteConnection,
  type RemoteMachine,
  type RemoteTraits,
  type ShortRun,
  userStage,
} from "../../src/kit.ts";
import { type E2bHandle, type E2bService, failureOf, providerName, statusOf } from "./e2b-service.ts";
import { notingExit } from "./exit-note.ts";
import { FollowedProcess, type FollowOptions } from "./followed-process.ts";
import { type ProcessService, type StartRequest, processServiceOf } from "./process-service.ts";

export interface E2bMachineInit {
  readonly service: E2bService;
  readonly handle: E2bHandle;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly user: string | undefined;
  /** Whether the sandbox ends at a time that was asked for, and is not to be kept alive. */
  readonly hasFixedEnd: boolean;
}

/** One sandbox of E2B, as the kit makes the rest of it. */
export class E2bMachine implements RemoteMachine {
  readonly provider = providerName;
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly user?: string;
  readonly traits: RemoteTraits;
  readonly keepAlive?: { readonly everyMs: number; renew(): Promise<void> };
  readonly handle: E2bHandle;
  readonly service: E2bService;
  readonly processes: ProcessService;

  constructor(init: E2bMachineInit) {
    const { handle, service, user } = init;
    const { timeoutMs } = service.settings;
    this.handle = handle;
    this.service = service;
    this.processes = processServiceOf(handle);
    this.id = handle.sandboxId;
    this.cwd = init.cwd;
    this.labels = init.labels;
    this.env = init.env;
    if (user !== undefined) this.user = user;
    // The daemon of an old template cannot close an input.
    const stdin = handle.commands.supportsStdinClose ? "native" : "fifo";
    this.traits = { environment: "native", stdin, users: "native" };
    if (!init.hasFixedEnd) {
      this.keepAlive = {
        everyMs: Math.max(1000, Math.floor(timeoutMs / 4)),
        renew: () => handle.setTimeout(timeoutMs),
      };
    }
  }

  async start(command: RemoteCommand): Promise<RemoteConnection> {
    const noteId = randomUUID();
    const followed = await this.follow({ ...command, argv: notingExit(noteId, command.argv) }, { noteId });
    if (command.stdin) return followed;
    return {
      stdout: followed.stdout,
      stderr: followed.stderr,
      exited: followed.exited,
      disconnect: () => {
        followed.disconnect();
      },
    };
  }

  async run(command: RemoteCommand): Promise<ShortRun> {
    const followed = await this.follow(command);
    try {
      const [stdout, stderr, { code }] = await Promise.all([
        new Response(followed.stdout).text(),
        new Response(followed.stderr).text(),
        followed.exited,
      ]);
      return { code: code ?? 255, stdout, stderr };
    } finally {
      followed.disconnect();
    }
  }

  /** Starts a process exactly as it is given. */
  async follow(
    { argv, env, stdin, user }: RemoteCommand,
    more: Pick<StartRequest, "pty"> & Pick<FollowOptions, "noteId"> = {},
  ): Promise<FollowedProcess> {
    const [name, runs] = this.#userOf(user, argv, env);
    const [cmd, ...args] = runs;
    const { pty, noteId } = more;
    const process = { cmd, args: [...args], envs: { ...env }, cwd: "/" };
    try {
      return await FollowedProcess.start({
        service: this.processes,
        request: pty === undefined ? { process, stdin } : { process, pty },
        headers: name === undefined ? {} : { Authorization: basic(name) },
        startTimeoutMs: this.service.settings.requestTimeoutMs,
        ...(noteId === undefined ? {} : { noteId }),
        hasEnded: (pid) => this.#hasEnded(pid),
      });
    } catch (error) {
      throw refusal(error, this.id, user) ?? error;
    }
  }

  async destroy(): Promise<void> {
    await this.service.call({ action: "remove a sandbox", id: this.id }, () => this.handle.kill());
  }

  async detach(ttlMs: number): Promise<void> {
    await this.service.call({ action: "let go of a sandbox", id: this.id }, () =>
      this.handle.setTimeout(ttlMs),
    );
  }

  async isAlive(): Promise<boolean> {
    try {
      await this.handle.getInfo();
      return true;
    } catch (error) {
      // Who asks wants to know whether it is gone, not whether the vendor answers.
      if (statusOf(error) === 404) return false;
      throw error;
    }
  }

  /** envd knows users by their names; the launcher, as root, those by number and with a group. */
  #userOf(
    user: string | undefined,
    argv: RemoteCommand["argv"],
    env: Environment,
  ): readonly [string | undefined, RemoteCommand["argv"]] {
    if (user === undefined || /^[A-Za-z_][^:]*$/.test(user)) return [user, argv];
    return ["root", userStage(user, argv, { hasHome: env["HOME"] !== undefined })];
  }

  async #hasEnded(pid: number): Promise<boolean> {
    const argv = ["/bin/sh", "-c", '[ -d "/proc/$1" ]', "playpen-ended", String(pid)] as const;
    return (await this.run({ argv, env: {}, stdin: false })).code !== 0;
  }
}

function basic(name: string): string {
  return `Basic ${Buffer.from(`${name}:`).toString("base64")}`;
}

/** What the daemon, or the proxy in front of it, refuses for everybody; the rest concerns one command. */
function refusal(error: unknown, id: string, user: string | undefined): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "number") return undefined;
  // The protocol has one code for 429 and for all that is not there for the moment.
  const status = /\bHTTP 429\b/.test(error.message) ? 429 : statusByCode[error.code];
  // It says of a user that it does not know that it is not authenticated.
  if (status === undefined || (status === 401 && user !== undefined)) return undefined;
  const answer = Object.assign(new Error(error.message, { cause: error }), { statusCode: status });
  return failureOf({ action: "start a process", id }, answer);
}

const statusByCode: { readonly [code: number]: number } = { 7: 403, 8: 429, 16: 401 };
