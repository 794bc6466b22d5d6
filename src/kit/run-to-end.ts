import type { Command, ProcessExit, SandboxProcess } from "../spec/sandbox.ts";

export type SpawnFunction = (
  command: Command,
  options?: { readonly signal?: AbortSignal },
) => Promise<SandboxProcess>;

export interface RunOptions {
  /** Standard input; an empty one without it. */
  readonly input?: Uint8Array | ReadableStream<Uint8Array>;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  readonly exit: ProcessExit;
  readonly stdout: Uint8Array;
  /** Its end, when it is long. */
  readonly stderr: string;
  /** Why the source of the standard input broke off. */
  readonly inputFailure?: unknown;
}

const inputChunkBytes = 1024 * 1024;
const stderrTailLength = 4096;
const graceMs = 2000;

/**
 * Runs a process to its end with all of its output in memory. An aborted signal rejects with its reason once the
 * process is gone. A process that takes input is then not killed but sees its input end early, so that it can tidy up.
 */
export async function runToEnd(
  spawn: SpawnFunction,
  command: Command,
  options: RunOptions = {},
): Promise<RunResult> {
  const { input, signal } = options;
  signal?.throwIfAborted();
  // Killed right at its start, a process could not tidy up.
  const process = await (input === undefined && signal !== undefined
    ? spawn({ ...command, stdin: "ignore" }, { signal })
    : spawn({ ...command, stdin: input === undefined ? "ignore" : "pipe" }));
  const unwatch = killWhenAborted(process, signal, input === undefined ? 0 : graceMs);
  try {
    const [stdout, stderr, exit, inputFailure] = await Promise.all([
      readWhole(process.stdout),
      readTail(process.stderr),
      process.exited,
      input === undefined ? undefined : feed(process, input, signal),
    ]);
    signal?.throwIfAborted();
    return { exit, stdout, stderr, ...(inputFailure === undefined ? {} : { inputFailure }) };
  } catch (error) {
    await process.kill().catch(() => undefined);
    signal?.throwIfAborted();
    throw error;
  } finally {
    unwatch();
  }
}

/** Returns a function that ends the watch. */
export function killWhenAborted(
  process: SandboxProcess,
  signal: AbortSignal | undefined,
  afterMs: number,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const kill = (): void => {
    timer = setTimeout(() => {
      // Made here, lest one that throws brings the host down.
      (async () => process.kill())().catch(() => undefined);
    }, afterMs);
  };
  if (signal?.aborted === true) kill();
  else signal?.addEventListener("abort", kill, { once: true });
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", kill);
  };
}

/** Resolves to the failure of the source; a process that does not want all of its input is no failure. */
async function feed(
  process: SandboxProcess,
  input: Uint8Array | ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const source = (input instanceof Uint8Array ? chunksOf(input) : input).getReader();
  const stop = (): void => {
    source.cancel(signal?.reason).catch(() => undefined);
  };
  signal?.addEventListener("abort", stop, { once: true });
  // Nobody takes the rest.
  process.exited.then(stop, stop);
  const sink = process.stdin.getWriter();
  sink.closed.catch(() => undefined);
  try {
    while (signal?.aborted !== true) {
      let chunk: Uint8Array | undefined;
      try {
        chunk = (await source.read()).value;
      } catch (error) {
        return error ?? new Error("The source of the data failed.");
      }
      if (chunk === undefined) return undefined;
      await sink.write(chunk);
    }
    return undefined;
  } catch {
    return undefined;
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
    sink.close().catch(() => undefined);
  }
}

function chunksOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (offset >= bytes.length) controller.close();
        else controller.enqueue(bytes.subarray(offset, (offset += inputChunkBytes)));
      },
    },
    { highWaterMark: 0 },
  );
}

async function readWhole(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}

/** Reads a stream to its end and gives the last part of it. */
export async function readTail(
  stream: ReadableStream<Uint8Array>,
  maxLength = stderrTailLength,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text = (text + decoder.decode(chunk, { stream: true })).slice(-maxLength);
  }
  return text;
}
