import type { FileOptions, ProcessExit, Labels, Sandbox, Signal } from "./sandbox.ts";

/**
 * What some providers' sandboxes can do beside the rest. The methods of an ability are present exactly where the
 * provider's capabilities name it, and the provider's own type says so: `box.sandbox.pause()` compiles with `docker()`
 * and does not with `local()`. The box has them all, and refuses with `unsupported` what its provider lacks.
 */
export interface SandboxAbilities {
  snapshot: CanSnapshot;
  pause: CanPause;
  fork: CanFork;
  expose: CanExpose;
  terminal: CanOpenTerminal;
  extend: CanExtend;
  "network-policy": CanSetNetworkPolicy;
  metrics: CanMeasure;
  watch: CanWatchFiles;
}

/** The name of an ability, as a provider's capabilities name it. */
export type SandboxAbility = keyof SandboxAbilities;

/** The ability `"snapshot"`. */
export interface CanSnapshot {
  /** Keeps the file system as it is now. The sandbox goes on, unless `SnapshotStore.endsSandbox` says otherwise. */
  snapshot(options?: SnapshotOptions): Promise<Snapshot>;
}

/** Options of `snapshot()`. */
export interface SnapshotOptions {
  /** By which `SnapshotStore.find` finds it; letters, digits, `.`, `_` and `-`. Default: none. */
  readonly name?: string;
  readonly signal?: AbortSignal;
}

/** A file system that was kept. */
export interface Snapshot {
  /** `SandboxSpec.snapshot` takes it. */
  readonly id: string;
}

/** The snapshots of a provider. */
export interface SnapshotStore {
  /** Whether taking a snapshot ends the sandbox; default `false`. */
  readonly endsSandbox?: boolean;
  /** Resolves to the newest snapshot of that name. */
  find(name: string): Promise<Snapshot | undefined>;
  /** Nothing there is no error. */
  remove(id: string): Promise<void>;
}

/** The ability `"pause"`. */
export interface CanPause {
  /** Stops all processes, and what the vendor charges for them. Nothing can be started until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** The ability `"fork"`. */
export interface CanFork {
  /** Makes another sandbox with a copy of the files, and the labels given beside those of this one. */
  fork(options?: { readonly labels?: Labels; readonly signal?: AbortSignal }): Promise<Sandbox>;
}

/** The ability `"expose"`. */
export interface CanExpose {
  /** Makes a port of the sandbox reachable from the host; the same port again gives the same address. */
  expose(port: number, options?: FileOptions): Promise<ExposedPort>;
}

/** Where a port of a sandbox is reached. */
export interface ExposedPort {
  /** For example `https://3000-abc.example.dev`; without a path. */
  readonly url: string;
  /** To be sent with each request, where the address alone does not let anybody in. A secret. */
  readonly headers?: { readonly [name: string]: string };
}

/** The ability `"terminal"`. */
export interface CanOpenTerminal {
  /** Starts a process on a pseudo-terminal. */
  terminal(options?: TerminalOptions): Promise<Terminal>;
}

/** Options of `terminal()`. */
export interface TerminalOptions {
  /** Default: `["/bin/sh", "-i"]`. */
  readonly argv?: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: { readonly [name: string]: string };
  /** Default 80. */
  readonly columns?: number;
  /** Default 24. */
  readonly rows?: number;
  readonly signal?: AbortSignal;
}

/** A process on a pseudo-terminal: what is typed goes in, what is shown comes out, both as bytes. */
export interface Terminal {
  readonly input: WritableStream<Uint8Array>;
  readonly output: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  resize(size: { readonly columns: number; readonly rows: number }): Promise<void>;
  kill(signal?: Signal): Promise<void>;
}

/** The ability `"extend"`. */
export interface CanExtend {
  /** Puts off the vendor's end of the sandbox to so many milliseconds from now. */
  extend(durationMs: number): Promise<void>;
}

/** Which hosts processes may reach. Names may begin with `*.`. */
export type NetworkPolicy = "allow-all" | "deny-all" | { readonly allow: readonly string[] };

/** The ability `"network-policy"`. */
export interface CanSetNetworkPolicy {
  /** Applies to new connections of running processes, too. */
  setNetworkPolicy(policy: NetworkPolicy): Promise<void>;
}

/** The ability `"metrics"`. */
export interface CanMeasure {
  metrics(): Promise<SandboxMetrics>;
}

/** Each is absent where the vendor does not tell it. */
export interface SandboxMetrics {
  /** Processors in use, for example 1.5. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly memoryLimitBytes?: number;
  readonly diskBytes?: number;
  readonly processes?: number;
}

/** The ability `"watch"`. */
export interface CanWatchFiles {
  /** Tells of changes below a folder until the signal is aborted, or until the loop is left. */
  watch(path: string, options?: FileOptions): AsyncIterable<FileChange>;
}

/** A change below a folder that is watched. */
export interface FileChange {
  readonly type: "created" | "changed" | "removed";
  /** Absolute. */
  readonly path: string;
}
