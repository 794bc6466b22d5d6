import type { Environment, Labels, ProcessExit } from "../../spec/sandbox.ts";
import type { Argv } from "./launcher.ts";

/** A command as the vendor is to start it: the launcher around the program that was asked for. */
export interface RemoteCommand {
  readonly argv: Argv;
  /** Empty unless `traits.environment` is `"native"`. */
  readonly env: Environment;
  /** Whether anything will be written to standard input. Without it the process is to see an empty one. */
  readonly stdin: boolean;
  /** Set only where `traits.users` is `"native"`. */
  readonly user?: string;
}

/** What the vendor gives for a command that it has started, or is starting. */
export interface RemoteConnection {
  /** Present exactly where `traits.stdin` is `"native"` and the command asked for one. */
  readonly stdin?: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /**
   * Rejects when the connection breaks before the end is known. Code 128 plus a signal's number may stand for a death
   * by signal.
   */
  readonly exited: Promise<ProcessExit>;
  /** Lets go of the connection, and of all that it holds on the host; the process may go on. */
  disconnect(): void;
}

/** A command that has run to its end. */
export interface ShortRun {
  /** 128 plus the signal's number when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** For a vendor whose commands run to their end; operations on files take one or two of them then, and no process. */
export interface ShortRuns {
  run(command: RemoteCommand): Promise<ShortRun>;
  /** Like `run`, with these bytes as standard input. */
  withInput(command: RemoteCommand, input: Uint8Array): Promise<ShortRun>;
  /** How many bytes of output are asked for at once; they come as base64. May change at any time. */
  readonly maxAnswerBytes: number;
  /** How many bytes of input are given at once; what is more is put together in a file of the sandbox. */
  readonly maxInputBytes: number;
}

/** What a vendor's API can do by itself. The rest is derived by the launcher. */
export interface RemoteTraits {
  /** `"native"`: variables are given with each command. `"stdin"`: through its standard input, which must be native. */
  readonly environment: "native" | "stdin";
  /** `"fifo"`: there is no standard input; it is derived by a FIFO and further commands. */
  readonly stdin: "native" | "fifo";
  /** With `"fifo"`: how much input one command may carry; default 96,000, at most a million without `shortRuns`. */
  readonly fifoChunkBytes?: number;
  /** `"launcher"` needs commands to be started as root. */
  readonly users: "native" | "launcher" | "none";
  /** How often a silent process must be heard of, where the vendor cuts silent connections. */
  readonly heartbeatMs?: number;
}

/** One sandbox as an adapter gives it to `RemoteSandbox`: the vendor's calls, and nothing derived. */
export interface RemoteMachine {
  /** The provider's name, for messages. */
  readonly provider: string;
  /** Without the provider's prefix. */
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  /** Of every process: the provider's and the box's. */
  readonly env: Environment;
  /** The user of processes that name none, where `traits.users` is not `"none"` and it is not the vendor's own default. */
  readonly user?: string;
  readonly traits: RemoteTraits;
  /**
   * Starts a command. Need not wait until it runs. Rejects with a coded error, or with whatever the vendor's client
   * throws, which `RemoteSandbox` then makes a `spawn_failed` of.
   */
  start(command: RemoteCommand): Promise<RemoteConnection>;
  /**
   * Runs a short command of the library's own to its end, where the vendor has a simpler call for that than `start`.
   * Its input is empty, and its output small text.
   */
  run?(command: RemoteCommand): Promise<ShortRun>;
  /** By which operations on files are made, and a FIFO is written to; archives go through processes all the same. */
  readonly shortRuns?: ShortRuns;
  /** Ends and removes the sandbox; one that is gone already is fine. */
  destroy(): Promise<void>;
  /** Lets the sandbox live for so long without its host. Absent: it cannot. */
  detach?(ttlMs: number): Promise<void>;
  /**
   * Puts off the vendor's time-out, where it has one. Called every `keepAlive.everyMs` while a process runs or a
   * session is open.
   */
  readonly keepAlive?: { readonly everyMs: number; renew(): Promise<void> };
  /** Whether the sandbox still exists, asked when a connection broke. Absent: it is taken for lost. */
  isAlive?(): Promise<boolean>;
}
