import type { JsonObject } from "./json.ts";
import type { SandboxAbility, SnapshotStore } from "./sandbox-abilities.ts";

/** Signals that a sandbox can deliver. */
export type Signal = "SIGINT" | "SIGTERM" | "SIGKILL" | "SIGHUP" | "SIGQUIT" | "SIGUSR1" | "SIGUSR2";

/** Names and values that a sandbox bears, and by which `list` finds it. */
export type Labels = { readonly [name: string]: string };
/** Environment variables, by name. */
export type Environment = { readonly [name: string]: string };

/** One process to be started in a sandbox. */
export interface Command {
  /** Program and arguments; never interpreted by a shell. */
  readonly argv: readonly [string, ...string[]];
  /** Absolute path inside the sandbox; default: the sandbox's working directory. */
  readonly cwd?: string;
  /** Added to the sandbox's own environment, for this process only. */
  readonly env?: Environment;
  /** User name or `uid[:gid]`; default: the sandbox's user. */
  readonly user?: string;
  /** `"pipe"` (default) keeps standard input open until it is closed; `"ignore"` gives an empty one. */
  readonly stdin?: "pipe" | "ignore";
}

/** How a process ended. */
export interface ProcessExit {
  /** `null` when a signal ended the process; where `signals` is not native, a code above 128 may stand for one. */
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * A process in a sandbox. Its streams follow the web standard, and their back-pressure reaches the process.
 */
export interface SandboxProcess {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /**
   * Resolves when the process has ended, whether or not its output was read. Rejects with `sandbox_lost` when that
   * cannot be known any more. A provider marks the promise as handled, so that a host which never looks at it is
   * not brought down.
   */
  readonly exited: Promise<ProcessExit>;
  /**
   * Signals the whole process tree inside the sandbox: the process group, and for SIGKILL (the default) also
   * children that left it. Resolves when the signal was delivered or nothing was left to signal.
   */
  kill(signal?: Signal): Promise<void>;
}

/** What stands at a path in a sandbox. */
export interface FileInfo {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "other";
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** Permission bits, for example 0o644. */
  readonly mode: number;
}

/** Options of `files.write()`. */
export interface FileWriteOptions {
  /** Permission bits; default 0o644. */
  readonly mode?: number;
  readonly signal?: AbortSignal;
}

/** Options of every other operation on files. An aborted signal rejects it with `signal.reason`. */
export interface FileOptions {
  readonly signal?: AbortSignal;
}

/**
 * Files of a sandbox. Relative paths are taken from the sandbox's working directory. Every method rejects with
 * `file_failed`, which names the operation and the path.
 */
export interface SandboxFiles {
  read(path: string, options?: FileOptions): Promise<Uint8Array>;
  readText(path: string, options?: FileOptions): Promise<string>;
  /** Writes a whole file, at once or not at all, and creates missing folders. */
  write(path: string, data: Uint8Array | string, options?: FileWriteOptions): Promise<void>;
  list(path: string, options?: FileOptions): Promise<readonly FileInfo[]>;
  /** Resolves to `undefined` when nothing is there. */
  stat(path: string, options?: FileOptions): Promise<FileInfo | undefined>;
  mkdir(path: string, options?: FileOptions): Promise<void>;
  /** Removes a file or a folder with all it holds; nothing there is no error. */
  remove(path: string, options?: FileOptions): Promise<void>;
  move(from: string, to: string, options?: FileOptions): Promise<void>;
  /** Unpacks a tar stream into a folder, which is created when missing. */
  upload(path: string, tar: ReadableStream<Uint8Array>, options?: FileOptions): Promise<void>;
  /** The content of a folder as a tar stream. */
  download(path: string, options?: FileOptions): Promise<ReadableStream<Uint8Array>>;
}

/** One sandbox, as `list` tells of it. */
export interface SandboxInfo {
  /** Without the provider's prefix. */
  readonly id: string;
  readonly labels: Labels;
  readonly createdAt?: number;
  readonly running: boolean;
}

/** A place where processes run. */
export interface Sandbox extends AsyncDisposable {
  /** Without the provider's prefix; `SandboxProvider.connect` takes it. */
  readonly id: string;
  /** Absolute working directory inside the sandbox. */
  readonly cwd: string;
  readonly labels: Labels;
  /** Rejects with `spawn_failed` or `sandbox_lost`; an aborted signal leaves no process behind. */
  spawn(command: Command, options?: { readonly signal?: AbortSignal }): Promise<SandboxProcess>;
  readonly files: SandboxFiles;
  /**
   * Keeps the provider's time-outs from ending the sandbox until the function that it returns is called. Absent where
   * there are none.
   */
  hold?(): () => void;
  /**
   * Lets go of the sandbox without ending it: it lives on for `ttlMs` and then ends by itself. Rejects with
   * `unsupported` where a sandbox cannot outlive its host.
   */
  detach(options: { readonly ttlMs: number }): Promise<void>;
  /**
   * Ends every process and removes the sandbox. Calling it again is fine; after `detach` it does nothing, since the
   * handle has let go.
   */
  destroy(): Promise<void>;
}

/**
 * What `check()` finds: that the provider can be used, and in which version of its engine, or what is in the way and
 * what to do about it.
 */
export type Availability =
  | { readonly available: true; readonly version?: string }
  | { readonly available: false; readonly reason: string; readonly remedy: string };

/** News of a sandbox that is being made, and of what a session needs in it; `message` is a sentence for people. */
export interface Progress {
  readonly phase: "pull" | "create" | "install" | "prepare" | "ready";
  readonly message: string;
  /** 0 to 1, where it is known. */
  readonly fraction?: number;
}

/** How an ability comes about: by the vendor, by the library, or not at all. */
export type Support = "native" | "emulated" | "none";

/** What a provider's sandboxes can do, and how that comes about. The conformance suite holds a provider to it. */
export interface SandboxCapabilities {
  readonly stdin: Support;
  readonly signals: Support;
  readonly users: Support;
  readonly files: Support;
  /** Whether a sandbox can outlive the host process, and another one can connect to it. */
  readonly detach: Support;
  /**
   * Whether `detach` writes the new end into the label that says when a sandbox may be swept up; see `renewedExpiry` of
   * the kit. Elsewhere nothing is detached for longer than its label says. Default `false`.
   */
  readonly renewsExpiry?: boolean;
  /** Whether the sandbox ends by itself when its host process dies. */
  readonly diesWithHost: Support;
  /**
   * What becomes of output that nobody reads. `"native"`: the process waits. `"emulated"`: the process goes on, and its
   * output waits in the sandbox's file system. `"none"`: it is held in the host's memory up to the limit that the
   * provider's page names, beyond which the stream fails with `output_too_large`.
   */
  readonly backpressure: Support;
  /** Whether processes are kept from the host's own files and processes. */
  readonly isolation: "container" | "namespaces" | "machine" | "none";
  /** What its sandboxes can do beside the rest; default nothing. */
  readonly abilities?: readonly SandboxAbility[];
}

/** What every sandbox is created with, whatever the provider. */
export interface SandboxSpec {
  /** Working directory; default: the provider's. Created when it is missing. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the sandbox's configuration. */
  readonly env: Environment;
  /** Already complete: the core adds owner, creation time, version and expiry. */
  readonly labels: Labels;
  /** Id of a snapshot to start from. Only given to a provider that has the ability `"snapshot"`. */
  readonly snapshot?: string;
  /** When the sandbox may be swept up, in milliseconds from now; also its life time where the vendor ends it. */
  readonly ttlMs?: number;
}

/** Options of `create` and `connect`. */
export interface CreateOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** An adapter for one kind of place to run. Making one does no I/O. `Box` is what its sandboxes can do. */
export interface SandboxProvider<Box extends Sandbox = Sandbox> {
  /** Prefix of the sandbox ids, for example `docker`. */
  readonly name: string;
  readonly capabilities: SandboxCapabilities;
  /** Tells whether it can be used here and now, or what failed and how to mend it. Never rejects. */
  check(): Promise<Availability>;
  /** An aborted signal leaves nothing behind and rejects with `signal.reason`. */
  create(spec: SandboxSpec, options?: CreateOptions): Promise<Box>;
  /** Rejects with `sandbox_not_found`. */
  connect(id: string, spec: Pick<SandboxSpec, "env" | "cwd">, options?: CreateOptions): Promise<Box>;
  list(filter?: { readonly labels?: Labels }): AsyncIterable<SandboxInfo>;
  /** Present where it has the ability `"snapshot"`. */
  readonly snapshots?: SnapshotStore;
  /** Settings for diagnosis, without secrets. */
  describe?(): JsonObject;
}
