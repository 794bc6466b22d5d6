import type { MemoryProcess, MemoryProgram } from "../memory-sandbox.ts";
import type { Transcript, TranscriptEntry } from "./transcript.ts";

/** Cuts what a process prints at once into what its reader gets at once. */
export type Cut = (bytes: Uint8Array) => Iterable<Uint8Array>;

/**
 * A program that prints what was recorded. Before it goes on behind a prompt, it waits for as many lines of input as
 * the CLI had until then. Each process of the recording is one run of it.
 */
export function recordedProgram({ entries }: Transcript, cut: Cut): MemoryProgram {
  const processes = intoProcesses(entries);
  let runs = 0;
  return async (process) => {
    const input = new InputLines(process);
    let expected = 0;
    let printed = "";
    const flush = async (): Promise<void> => {
      for (const piece of cut(Buffer.from(printed))) await process.write(piece);
      printed = "";
    };
    for (const { call, step } of processes[runs++] ?? []) {
      if (call.call === "push") printed += `${call.line}\n`;
      expected += step.write?.length ?? 0;
      if (call.call === "prompt") {
        await flush();
        await input.atLeast(expected);
      } else if (call.call === "end") {
        await flush();
        // A signal is nothing that a program in memory can end by.
        return call.exit.code ?? 1;
      }
    }
    await flush();
    await input.end;
    return 0;
  };
}

function intoProcesses(entries: readonly TranscriptEntry[]): readonly (readonly TranscriptEntry[])[] {
  const processes: TranscriptEntry[][] = [];
  for (const entry of entries) {
    if (entry.call.call === "open") processes.push([]);
    processes.at(-1)?.push(entry);
  }
  return processes;
}

/** Counts the lines that a process is given. */
class InputLines {
  readonly end: Promise<void>;
  #count = 0;
  #isEnded = false;
  #changed: () => void = () => undefined;

  constructor(process: MemoryProcess) {
    this.end = this.#read(process);
  }

  async atLeast(count: number): Promise<void> {
    while (this.#count < count && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  async #read({ stdin }: MemoryProcess): Promise<void> {
    try {
      for await (const chunk of stdin) {
        for (const byte of chunk) if (byte === 10) this.#count += 1;
        this.#changed();
      }
    } catch {
      // The process was ended before its input.
    }
    this.#isEnded = true;
    this.#changed();
  }
}
