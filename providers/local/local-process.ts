import type { ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { Writable, type Readable } from "node:stream";
import {
  markerName,
  readableFromNode,
  writableFromNode,
  type ProcessExit,
  type SandboxProcess,
  type Signal,
} from "../../src/kit.ts";
import { signalMarked } from "./signal-tree.ts";

/** A process of the sandbox, whether it was started directly or joined the namespaces. */
export class LocalProcess implements SandboxProcess {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  readonly #processId: string;
  readonly #wrapped: boolean;

  /** `wrapped` says that the child stands outside the sandbox for the process inside, and ends as that one does. */
  constructor(child: ChildProcess, processId: string, wrapped: boolean) {
    const { stdin, stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error("The process was started without pipes.");
    this.#child = child;
    this.#processId = processId;
    this.#wrapped = wrapped;
    this.stdin = writableFromNode(stdin ?? closedSink());
    this.stdout = readableFromNode(stdout);
    this.stderr = readableFromNode(stderr);
    // "exit" comes when the process has ended; "close" would wait for whoever else holds its pipes.
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        resolve({ code, signal });
      });
    });
  }

  async kill(signal: Signal = "SIGKILL"): Promise<void> {
    const { pid } = this.#child;
    const wrapperGroup = this.#wrapped && pid !== undefined ? { wrapperGroup: pid } : {};
    await signalMarked(`${markerName}=${this.#processId}`, signal, wrapperGroup);
  }

  /** From now on neither the process nor its pipes keep the host's event loop running. */
  unref(): void {
    this.#child.unref();
    for (const stream of this.#child.stdio) unrefStream(stream);
  }
}

function unrefStream(stream: Readable | Writable | null | undefined): void {
  if (stream instanceof Socket) stream.unref();
}

/** Takes writes to a process without standard input: they fail, as on a closed pipe. */
function closedSink(): Writable {
  const sink = new Writable();
  sink.destroy();
  return sink;
}
