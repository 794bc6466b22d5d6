import type { SandboxAbility } from "../../spec/sandbox-abilities.ts";
import type {
  CreateOptions,
  Labels,
  ProcessExit,
  Sandbox,
  SandboxCapabilities,
  SandboxProcess,
  SandboxProvider,
  SandboxSpec,
} from "../../spec/sandbox.ts";

/**
 * A capability that a provider may declare as `"none"`, or an ability that it may leave out; what needs it is skipped
 * then.
 */
export type RequiredCapability =
  | Exclude<keyof SandboxCapabilities, "isolation" | "diesWithHost" | "renewsExpiry" | "abilities">
  | SandboxAbility;

/**
 * One thing that every provider must do. It knows no test framework: it is fulfilled when `run` resolves, and broken
 * when it rejects with an `Error` that says what was expected and what was seen.
 */
export interface ProviderRequirement {
  /** Stable over releases, for example `process.stdin-half-close`. */
  readonly id: string;
  /** What the provider does, as the rest of a sentence that begins with "it". */
  readonly title: string;
  readonly needs?: RequiredCapability;
  /** When the requirement is given up; default 60 seconds. */
  readonly timeoutMs?: number;
  run(context: ProviderContext): Promise<void>;
}

/** What a requirement works with. Sandboxes made through it are destroyed when the requirement has ended. */
export interface ProviderContext {
  /** Made for this requirement alone. */
  readonly provider: SandboxProvider;
  /** Aborted when the requirement's time is over. */
  readonly signal: AbortSignal;
  /** How long one step may take. */
  readonly patienceMs: number;
  /** On every sandbox of this requirement, and on no other. */
  readonly labels: Labels;
  /** Where a server in the sandbox is to listen. */
  listening(): Promise<{ readonly port: number; readonly host: string }>;
  /** Creates a sandbox, by default with an empty environment and `labels`. */
  create(spec?: Partial<SandboxSpec>, options?: CreateOptions): Promise<Sandbox>;
  /** Has a sandbox destroyed at the end that was not made by `create`. */
  track(sandbox: Sandbox): Sandbox;
  /** Runs a line of POSIX shell to its end. */
  run(sandbox: Sandbox, script: string, options?: ShellOptions): Promise<ShellOutput>;
  /** Like `run`, and fails unless the exit code is 0. Gives standard output as text. */
  text(sandbox: Sandbox, script: string, options?: ShellOptions): Promise<string>;
  /** Starts a line of POSIX shell, to talk to it while it runs. */
  start(sandbox: Sandbox, script: string, options?: ShellOptions): Promise<Conversation>;
  /** Fails when the promise does not settle within `timeoutMs` (default: `patienceMs`). */
  within<Value>(promise: Promise<Value>, what: string, timeoutMs?: number): Promise<Value>;
}

/** How a requirement runs a line of shell. */
export interface ShellOptions {
  /** `$1` and so on. */
  readonly args?: readonly string[];
  readonly env?: { readonly [name: string]: string };
  readonly cwd?: string;
  readonly user?: string;
  /** Written to standard input, which is then closed. Without it there is none. */
  readonly input?: string | Uint8Array;
  /** For the start and for the run; default: the context's patience for each. */
  readonly timeoutMs?: number;
}

/** What a line of shell came to. */
export interface ShellOutput {
  readonly exit: ProcessExit;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** A running process whose output is read line by line. */
export interface Conversation {
  readonly process: SandboxProcess;
  /** The next line of standard output, without its end. */
  line(): Promise<string>;
  /** What standard output still brings. */
  rest(): Promise<Buffer>;
  /** Writes to standard input. */
  send(data: string | Uint8Array): Promise<void>;
  /** Closes standard input. */
  closeInput(): Promise<void>;
}

/** The provider that a requirement is run against. */
export interface RunRequirementOptions {
  /** Makes the provider under test, anew for each requirement. */
  readonly create: () => SandboxProvider;
  /** How long one step of a requirement may take; default 10 seconds. Raise it for a provider far away. */
  readonly patienceMs?: number;
  /**
   * Where the server of `ability.expose` listens in the sandbox; default: a free port, on every address. Name a port
   * that the sandbox was created to publish.
   */
  readonly expose?: { readonly port?: number; readonly host?: string };
}
