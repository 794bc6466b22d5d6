import type { SandboxProcess } from "../../src/kit.ts";

/** Starts one of the system's own programs in the sandbox. */
export type StartTool = (
  argv: readonly [string, ...string[]],
  stdin: "pipe" | "ignore",
  signal: AbortSignal | undefined,
) => Promise<SandboxProcess>;

const maxErrorText = 4096;

/** Runs a program that prints nothing of interest; rejects with its complaint. */
export async function runTool(
  start: StartTool,
  argv: readonly [string, ...string[]],
  signal: AbortSignal | undefined,
): Promise<void> {
  await finish(await start(argv, "ignore", signal), signal);
}

/** Unpacks a tar stream into an existing folder. */
export async function unpackFolder(
  start: StartTool,
  folder: string,
  tar: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  // -o: owners named in the archive may not exist here.
  const process = await start(["tar", "-x", "-o", "-f", "-", "-C", folder], "pipe", signal);
  let failure: { readonly error: unknown } | undefined;
  const sent = tar.pipeTo(process.stdin).catch((error: unknown) => {
    failure = { error };
  });
  // tar ends at the archive's end mark, possibly before it has read all of the padding: that is no failure.
  await finish(process, signal, async () => {
    await sent;
  });
  if (failure !== undefined && !isClosedPipe(failure.error)) throw failure.error;
}

/** The content of a folder as a tar stream, which fails at its end when tar has failed. */
export async function packFolder(
  start: StartTool,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<ReadableStream<Uint8Array>> {
  const process = await start(["tar", "-c", "-f", "-", "-C", folder, "."], "ignore", signal);
  const stop = (): void => {
    // One that cannot be killed is told of by its end, or by none.
    process.kill().catch(() => undefined);
  };
  signal?.addEventListener("abort", stop, { once: true });
  const complaint = readText(process.stderr);
  // It may break long before the end, and only then is it looked at.
  complaint.catch(() => undefined);
  const reader = process.stdout.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (!done) {
          controller.enqueue(value);
          return;
        }
        signal?.removeEventListener("abort", stop);
        const { code } = await process.exited;
        if (signal?.aborted === true) controller.error(signal.reason);
        // 1: a file changed while it was read, which a working agent may well do.
        else if (code === 0 || code === 1) controller.close();
        else controller.error(new Error((await complaint) || `tar ended with ${code ?? "a signal"}.`));
      },
      async cancel() {
        signal?.removeEventListener("abort", stop);
        await process.kill();
        await reader.cancel();
      },
    },
    { highWaterMark: 0 },
  );
}

async function finish(
  process: SandboxProcess,
  signal: AbortSignal | undefined,
  work?: () => Promise<void>,
): Promise<void> {
  const stop = (): void => {
    // One that cannot be killed is told of by its end, or by none.
    process.kill().catch(() => undefined);
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const [complaint, , { code }] = await Promise.all([
      readText(process.stderr),
      process.stdout.pipeTo(new WritableStream()),
      process.exited,
      work?.(),
    ]);
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(complaint || `The program ended with ${code ?? "a signal"}.`);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

async function readText(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    if (text.length < maxErrorText) text += decoder.decode(chunk, { stream: true });
  }
  return text.slice(0, maxErrorText).trim();
}

function isClosedPipe(error: unknown): boolean {
  return (
    error instanceof Error && (!("code" in error) || error.code === "EPIPE" || error.code === "ECONNRESET")
  );
}
