import { SandboxAgentError } from "../../src/kit.ts";
import type { E2bHandle } from "./e2b-service.ts";

/** What envd, the vendor's daemon in the sandbox, says of a process. */
export interface ProcessAnswer {
  readonly event?: { readonly event: ProcessEvent } | undefined;
}

type ProcessEvent =
  | { readonly case: "start"; readonly value: { readonly pid: number } }
  | { readonly case: "data"; readonly value: { readonly output: ProcessOutput } }
  | { readonly case: "end"; readonly value: ProcessEnd }
  | { readonly case: "keepalive" | undefined };

export interface ProcessOutput {
  readonly case: "stdout" | "stderr" | "pty" | undefined;
  readonly value?: Uint8Array | undefined;
}

export interface ProcessEnd {
  readonly exitCode: number;
  /** `false` when a signal ended it. */
  readonly exited: boolean;
  /** For example `signal: killed`. */
  readonly status: string;
}

export interface StartRequest {
  readonly process: {
    readonly cmd: string;
    readonly args: string[];
    readonly envs: { [name: string]: string };
    readonly cwd: string;
  };
  readonly stdin?: boolean;
  readonly pty?: { readonly size: { readonly cols: number; readonly rows: number } };
}

interface CallOptions {
  readonly headers?: { readonly [name: string]: string };
  readonly signal?: AbortSignal;
}

interface Selected {
  readonly process: { readonly selector: { readonly case: "pid"; readonly value: number } };
}

interface Input extends Selected {
  readonly input: { readonly input: { readonly case: "stdin" | "pty"; readonly value: Uint8Array } };
}

/** The process service of envd, as the SDK's own client for it has it. */
export interface ProcessService {
  start(request: StartRequest, options: CallOptions): AsyncIterable<ProcessAnswer>;
  sendInput(request: Input, options: CallOptions): Promise<unknown>;
  closeStdin(request: Selected, options: CallOptions): Promise<unknown>;
  update(request: Selected & Pick<StartRequest, "pty">, options: CallOptions): Promise<unknown>;
}

export function selected(pid: number): Selected {
  return { process: { selector: { case: "pid", value: pid } } };
}

/**
 * The SDK's `commands.run` decodes output as text and keeps all of it, so that neither exact bytes nor back-pressure
 * can be had from it. The client below it, a protected member that its own classes share, has both.
 *
 * @throws SandboxAgentError `dependency_missing` where a version of the SDK has it no more.
 */
export function processServiceOf(handle: E2bHandle): ProcessService {
  const service: unknown = Reflect.get(handle.commands, "rpc");
  if (isProcessService(service)) return service;
  throw new SandboxAgentError(
    "dependency_missing",
    "The installed version of e2b has another client inside than e2b() can use.",
    {
      details: { package: "e2b", version: "2.51.0", install: "npm install e2b@2.51.0" },
      remedy: "Run: npm install e2b@2.51.0",
    },
  );
}

function isProcessService(value: unknown): value is ProcessService {
  if (typeof value !== "object" || value === null) return false;
  return ["start", "sendInput", "closeStdin", "update"].every(
    (name) => typeof Reflect.get(value, name) === "function",
  );
}
