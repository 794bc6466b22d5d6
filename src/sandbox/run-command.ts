import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { abortable, settlesWithin } from "../kit/deferred.ts";
import type { Command, Sandbox } from "../spec/sandbox.ts";

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** Written to standard input, which is then closed. */
  readonly input?: Uint8Array | string | undefined;
  /** For each of the two outputs. Default 64 MiB. */
  readonly maxOutputBytes?: number | undefined;
  /** Told of output as it comes. */
  readonly onOutput?: ((chunk: Uint8Array) => void) | undefined;
}

export interface CommandOutput {
  /** 128 plus the signal's number when a signal ended the command, as shells count. */
  readonly exitCode: number;
  readonly signal: string | null;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

const defaultMaxOutputBytes = 64 * 1024 * 1024;
/** How long a signal may take to be delivered, before the caller gets its error all the same. */
const killTimeoutMs = 5_000;
const signalNumbers: { readonly [name: string]: number } = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
};

/**
 * Runs a command to its end and collects its output. A failing command is no error.
 *
 * @throws SandboxAgentError `exec_timeout`, `output_too_large`, `spawn_failed`, `sandbox_lost`; `signal.reason` when
 * it was aborted. In each case the command and its children are killed first.
 */
export async function runCommand(
  sandbox: Sandbox,
  command: Command,
  options: RunOptions = {},
): Promise<CommandOutput> {
  const { signal, timeoutMs, maxOutputBytes = defaultMaxOutputBytes } = options;
  const name = command.argv[0];
  const input = typeof options.input === "string" ? new TextEncoder().encode(options.input) : options.input;
  const spawned = await sandbox.spawn(
    { ...command, stdin: input === undefined ? "ignore" : "pipe" },
    signal && { signal },
  );
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<Uint8Array> => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of stream) {
      length += chunk.byteLength;
      if (length > maxOutputBytes) {
        throw new SandboxAgentError(
          "output_too_large",
          `The output of ${name} is larger than ${String(maxOutputBytes)} bytes.`,
          { details: { command: name, maxBytes: maxOutputBytes } },
        );
      }
      chunks.push(chunk);
      options.onOutput?.(chunk);
    }
    return Buffer.concat(chunks);
  };
  if (input !== undefined) void feed(spawned.stdin, input);
  const finished = Promise.all([collect(spawned.stdout), collect(spawned.stderr), spawned.exited]);
  finished.catch(() => undefined);
  try {
    const isOver = await abortable(
      timeoutMs === undefined ? finished.then(() => true) : settlesWithin(finished, timeoutMs),
      signal,
    );
    if (!isOver) {
      throw new SandboxAgentError("exec_timeout", `${name} did not end within ${String(timeoutMs)} ms.`, {
        details: { command: name, timeoutMs: timeoutMs ?? 0 },
      });
    }
    const [stdout, stderr, exit] = await finished;
    const exitCode = exit.code ?? 128 + (signalNumbers[exit.signal ?? ""] ?? 0);
    return { exitCode, signal: exit.signal, stdout, stderr };
  } catch (error) {
    await settlesWithin((async () => spawned.kill("SIGKILL"))(), killTimeoutMs);
    throw error;
  }
}

/** A command that does not want its input is free to end without reading it. */
async function feed(stdin: WritableStream<Uint8Array>, input: Uint8Array): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(input);
    await writer.close();
  } catch {
    // Told by the exit code, if it matters to the command.
  }
}
