import type { ContainerProcess, Sandbox } from "modal";
import {
  type Environment,
  type Labels,
  Lease,
  type OutputChannel,
  type RemoteCommand,
  type RemoteConnection,
  type RemoteMachine,
  SandboxAgentError,
  type TerminalConnection,
  boundedOutput,
  carriedLine,
  carrier,
  makeHomeFolderCommand,
  retriedWhenRefused,
} from "../../src/kit.ts";
import { isNotFound, modalFailure, providerName, wordsOf } from "./modal-errors.ts";
import type { ModalSettings } from "./modal-options.ts";
import { type LostConnections, Reach } from "./reach.ts";

const pieceBytes = 1024 * 1024;
/** What is held of an output that nobody reads. The client may hold another 64 MiB, which it does not say. */
const unreadBytes = 32 * 1024 * 1024;

export interface MachineFacts {
  /** Of the client that the sandbox belongs to. */
  readonly connections: LostConnections;
  readonly settings: ModalSettings;
  readonly labels: Labels;
  readonly env: Environment;
  /** Absent: the one in the home folder. */
  readonly cwd?: string;
  /** Whether this process has created it, and so keeps it alive whether it is used or not. */
  readonly isOwn: boolean;
}

/** A sandbox of the vendor, by the calls of its client alone. */
export class ModalMachine implements RemoteMachine {
  readonly provider = providerName;
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly user?: string;
  readonly traits = { environment: "stdin", stdin: "native", users: "launcher" } as const;
  readonly keepAlive?: { readonly everyMs: number; renew(): Promise<void> };
  /** The handle of the vendor's own client. */
  readonly vendor: Sandbox;
  readonly #lease: Lease;
  readonly #reach: Reach;

  private constructor(sandbox: Sandbox, facts: MachineFacts, cwd: string) {
    const { labels, env, settings, connections } = facts;
    this.vendor = sandbox;
    this.id = sandbox.sandboxId;
    this.cwd = cwd;
    this.labels = labels;
    this.env = env;
    if (settings.user !== undefined) this.user = settings.user;
    const lease = new Lease(settings.timeoutMs, (argv) => runToEnd(sandbox, argv));
    this.#lease = lease;
    this.#reach = new Reach(connections, () => runToEnd(sandbox, ["true"]));
    if (facts.isOwn) lease.begin();
    else this.keepAlive = { everyMs: lease.everyMs, renew: () => lease.renew() };
  }

  /** Makes the working directory, which shows that processes can be started, too. */
  static async prepare(sandbox: Sandbox, facts: MachineFacts): Promise<ModalMachine> {
    const argv = makeHomeFolderCommand(facts.cwd, facts.settings.user);
    const { code, stdout, stderr } = await runToEnd(sandbox, argv);
    if (code === 0) return new ModalMachine(sandbox, facts, stdout);
    const place = facts.cwd ?? "in the home folder";
    throw new SandboxAgentError(
      "sandbox_create_failed",
      `The working directory ${place} could not be made: ${stderr.trim()}`,
      { details: { provider: providerName } },
    );
  }

  async start({ argv }: RemoteCommand): Promise<RemoteConnection> {
    const connection = await connectionTo(this.vendor, argv);
    return { ...connection, exited: this.#reach.within(connection.exited) };
  }

  run({ argv }: RemoteCommand) {
    return runToEnd(this.vendor, argv);
  }

  /** The client knows one size, 80 by 24, and none after that. */
  async openTerminal(argv: RemoteCommand["argv"]): Promise<TerminalConnection> {
    const process = await this.vendor.exec([...argv], { mode: "binary", pty: true });
    const { stdin, stop } = inputOf(process);
    const output = pumped(process.stdout, argv[0]);
    return {
      input: stdin,
      output: output.channel.stream,
      exited: this.#reach.within(exitOfProcess(this.vendor, process)),
      disconnect: () => {
        output.stop();
        stop();
      },
    };
  }

  async destroy(): Promise<void> {
    this.#lease.end();
    // After an outage it takes the client a moment to connect again.
    await retriedWhenRefused(() => terminate(this.vendor));
    this.vendor.detach();
  }

  async detach(ttlMs: number): Promise<void> {
    try {
      await this.#lease.letGo(ttlMs);
    } catch (cause) {
      const words = `The sandbox ${this.id} took no time to live: ${wordsOf(cause)}`;
      throw new SandboxAgentError("sandbox_lost", words, { details: { id: this.id }, cause });
    }
  }

  async isAlive(): Promise<boolean> {
    return isRunning(this.vendor).catch(() => true);
  }
}

export async function isRunning(sandbox: Sandbox): Promise<boolean> {
  try {
    return (await sandbox.poll()) === null;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Ends a sandbox with all its processes; one that has ended is fine. */
export async function terminate(sandbox: Sandbox): Promise<void> {
  try {
    await sandbox.terminate({ wait: true });
  } catch (error) {
    if (isNotFound(error)) return;
    throw modalFailure({ action: `end the sandbox ${sandbox.sandboxId}`, id: sandbox.sandboxId }, error);
  }
}

/**
 * Starts a command. It is the first line of its own standard input: the client takes no more than 64 KiB of arguments,
 * and a variable given by the client would be kept by the vendor.
 */
async function connectionTo(
  sandbox: Sandbox,
  argv: RemoteCommand["argv"],
): Promise<RemoteConnection & { readonly stdin: WritableStream<Uint8Array> }> {
  const process = await sandbox.exec([...carrier], { mode: "binary" });
  const { stdin, writer, stop } = inputOf(process);
  await writer.write(new TextEncoder().encode(carriedLine(argv)));
  const [stdout, stderr] = [pumped(process.stdout, argv[0]), pumped(process.stderr, argv[0])];
  const exited = exitOfProcess(sandbox, process);
  // Whoever has to give it input looks at its end only later.
  exited.catch(() => undefined);
  return {
    stdin,
    stdout: stdout.channel.stream,
    stderr: stderr.channel.stream,
    exited,
    disconnect: () => {
      for (const output of [stdout, stderr]) output.stop();
      stop();
    },
  };
}

function inputOf(process: ContainerProcess<Uint8Array>): {
  readonly stdin: WritableStream<Uint8Array>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly stop: () => void;
} {
  const writer = process.stdin.getWriter();
  writer.closed.catch(() => undefined);
  const stdin = new WritableStream<Uint8Array>({
    async write(chunk) {
      for (let from = 0; from < chunk.length; from += pieceBytes) {
        await writer.write(chunk.subarray(from, from + pieceBytes));
      }
    },
    close: () => writer.close(),
    abort: () => writer.close(),
  });
  return {
    ...{ stdin, writer },
    stop: () => {
      writer.close().catch(() => undefined);
    },
  };
}

/** So ends every process of a sandbox that is ended, or has run out of its time. */
const killedCode = 137;

async function exitOfProcess(
  sandbox: Sandbox,
  process: ContainerProcess<Uint8Array>,
): Promise<{ readonly code: number; readonly signal: null }> {
  const code = await process.wait();
  if (code === killedCode && !(await isRunning(sandbox))) throw new Error("The sandbox has ended.");
  return { code, signal: null };
}

/** Takes the output as it comes: the client would take in 64 MiB of it anyway, whatever the reader does. */
function pumped(
  source: ReadableStream<Uint8Array>,
  command: string,
): { readonly channel: OutputChannel; readonly stop: () => void } {
  const channel = boundedOutput(command, unreadBytes);
  const reader = source.getReader();
  const pump = async (): Promise<void> => {
    for (;;) {
      const { value } = await reader.read();
      if (value === undefined) break;
      channel.push(value);
    }
    channel.end();
  };
  pump().catch((error: unknown) => {
    channel.fail(error);
  });
  return {
    channel,
    stop: () => {
      reader.cancel().catch(() => undefined);
    },
  };
}

async function runToEnd(
  sandbox: Sandbox,
  argv: RemoteCommand["argv"],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const connection = await connectionTo(sandbox, argv);
  await connection.stdin.close();
  const [stdout, stderr, { code }] = await Promise.all([
    new Response(connection.stdout).text(),
    new Response(connection.stderr).text(),
    connection.exited,
  ]);
  return { code: code ?? 255, stdout, stderr };
}
