import {
  isAbortSignal,
  isAbsolutePath,
  isDurationMs,
  isEnvironment,
  isPositiveInteger,
  isString,
  show,
  validateOptions,
} from "../kit/validate-options.ts";
import type { Environment, Sandbox } from "../spec/sandbox.ts";
import { runCommand } from "./run-command.ts";

/** How `box.exec` runs a command. */
export interface ExecOptions {
  /** Absolute path. Default: the box's working directory. */
  readonly cwd?: string;
  readonly env?: Environment;
  /** User name or `uid[:gid]`. Default: the sandbox's user. */
  readonly user?: string;
  /** Written to standard input, which is then closed. Default: empty. */
  readonly input?: string | Uint8Array;
  /** Default: no limit. */
  readonly timeoutMs?: number;
  /** For standard output and standard error each. Default 64 MiB. */
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal;
}

/** What a command came to. Output that is no UTF-8 has replacement characters. */
export interface ExecResult {
  /** 128 plus the signal's number when a signal ended the command. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command and gives its output as text. */
export async function exec(
  sandbox: Sandbox,
  boxEnv: Environment,
  argv: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  checkExec(argv, options);
  const [program, ...parameters] = argv;
  const { cwd, user, signal, timeoutMs, input, maxOutputBytes } = options;
  const output = await runCommand(
    sandbox,
    {
      argv: [program ?? "", ...parameters],
      env: { ...boxEnv, ...options.env },
      ...(cwd === undefined ? {} : { cwd }),
      ...(user === undefined ? {} : { user }),
    },
    { signal, timeoutMs, input, maxOutputBytes },
  );
  const decoder = new TextDecoder();
  return {
    exitCode: output.exitCode,
    stdout: decoder.decode(output.stdout),
    stderr: decoder.decode(output.stderr),
  };
}

function checkExec(argv: unknown, options: unknown): void {
  if (
    !Array.isArray(argv) ||
    argv.length === 0 ||
    !argv.every((item) => typeof item === "string") ||
    argv[0] === ""
  ) {
    const hint = typeof argv === "string" ? ' For a shell line use ["sh", "-c", line].' : "";
    throw new TypeError(
      `box.exec(): argv must be an array of strings such as ["npm", "test"], received ${show(argv)}.${hint}`,
    );
  }
  if (argv.some((item: string) => item.includes("\0"))) {
    throw new TypeError("box.exec(): an argument holds a NUL character, which no program can receive.");
  }
  validateOptions("box.exec()", options, {
    cwd: isAbsolutePath,
    env: isEnvironment,
    user: isString,
    input: (value) =>
      typeof value === "string" || value instanceof Uint8Array ? undefined : "a string or a Uint8Array",
    timeoutMs: isDurationMs,
    maxOutputBytes: isPositiveInteger,
    signal: isAbortSignal,
  });
}
