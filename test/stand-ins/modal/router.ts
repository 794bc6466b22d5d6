import { constants } from "node:os";
import type { Readable } from "node:stream";
import { booleanField, numberField, objectField, stringField } from "../../../src/kit/json.ts";
import type { MachineProcess, StandInMachine } from "../kit/machines.ts";
import { roomIn } from "../kit/room-in.ts";
import { type Handler, type Message, codes, grpc } from "./grpc.ts";

interface Running {
  readonly process: MachineProcess;
  readonly outputs: readonly [KeptOutput, KeptOutput];
  readonly status: Promise<Message>;
  written: number;
}

export interface Tasks {
  machineOf(this: void, taskId: string): StandInMachine;
  snapshot(this: void, machine: StandInMachine, request: Message): Promise<Message>;
  setNetwork(this: void, taskId: string, network: unknown): void;
}

/** The router of a task's commands. Output is kept, so that a reader can begin again at any offset. */
export function routerHandlers({ machineOf: found, snapshot, setNetwork }: Tasks): {
  readonly [name: string]: Handler;
} {
  const running = new Map<string, Running>();
  const execOf = (request: Message): Running => {
    found(stringField(request, "taskId") ?? "");
    const exec = running.get(stringField(request, "execId") ?? "");
    if (exec === undefined) throw new grpc.ServerError(codes.notFound, "There is no such exec.");
    return exec;
  };
  return {
    async taskExecStart(request) {
      const machine = found(stringField(request, "taskId") ?? "");
      const execId = stringField(request, "execId") ?? "";
      // The client repeats what it has heard no answer to.
      if (running.has(execId)) return {};
      const [program = "", ...args] = wordsOf(request["commandArgs"]);
      const env = Object.fromEntries(
        Object.entries(objectField(request, "env")).map(([name, value]) => [name, String(value)]),
      );
      const cwd = stringField(request, "workdir");
      const command = {
        argv: [program, ...args] as const,
        env: { TMPDIR: machine.folder, ...env },
        stdin: "pipe" as const,
      };
      let process: MachineProcess;
      try {
        const whole = { ...command, ...(cwd === undefined ? {} : { cwd }) };
        const pty = objectField(request, "ptyInfo");
        process =
          booleanField(pty, "enabled") === true
            ? await machine.terminal({ ...whole, columns: numberField(pty, "winszCols") ?? 80 })
            : await machine.spawn(whole);
      } catch (error) {
        throw new grpc.ServerError(codes.invalidArgument, String(error));
      }
      const status = process.exited.then(({ code, signal }) =>
        code === null ? { signal: signal === null ? 0 : constants.signals[signal] } : { code },
      );
      const outputs = [new KeptOutput(process.stdout), new KeptOutput(process.stderr)] as const;
      running.set(execId, { process, outputs, status, written: 0 });
      return {};
    },
    async *taskExecStdioRead(request, { signal }) {
      const { outputs } = execOf(request);
      const output = outputs[numberField(request, "fileDescriptor") === 1 ? 1 : 0];
      for await (const data of output.from(numberField(request, "offset") ?? 0, signal)) yield { data };
    },
    async taskExecStdinWrite(request) {
      const exec = execOf(request);
      const { stdin } = exec.process;
      const data = request["data"];
      const offset = numberField(request, "offset") ?? 0;
      if (data instanceof Uint8Array && data.length > 0 && offset >= exec.written) {
        if (stdin?.writable !== true) throw new grpc.ServerError(codes.failedPrecondition, "stdin is closed");
        exec.written = offset + data.length;
        if (!stdin.write(data)) await roomIn(stdin);
      }
      if (booleanField(request, "eof") === true) stdin?.end();
      return {};
    },
    taskSnapshotFilesystem: (request) => snapshot(found(stringField(request, "taskId") ?? ""), request),
    taskSetNetworkAccess: (request) => {
      const network = objectField(request, "networkAccess");
      // It takes lists of what is allowed, and no other kind.
      if (numberField(network, "networkAccessType") !== 3) {
        throw new grpc.ServerError(codes.invalidArgument, "Only an allowlist is supported.");
      }
      setNetwork(stringField(request, "taskId") ?? "", network);
      return Promise.resolve({});
    },
    taskExecWait: (request) => execOf(request).status,
    async taskExecPoll(request) {
      return Promise.race([execOf(request).status, Promise.resolve({})]);
    },
  };
}

function wordsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
}

const pieceBytes = 64 * 1024;
/** What a process may write ahead of its reader. */
const aheadBytes = 4 * 1024 * 1024;
/** What is kept of what was read, for a reader that begins again. */
const behindBytes = 1024 * 1024;

/** What a process has written to one of its outputs, as far as anybody may still ask for it. */
class KeptOutput {
  readonly #source: Readable;
  readonly #chunks: { readonly from: number; readonly bytes: Buffer }[] = [];
  #length = 0;
  #read = 0;
  #hasEnded = false;
  #waiting: (() => void)[] = [];

  constructor(source: Readable) {
    this.#source = source;
    source.on("data", (chunk: Buffer) => {
      this.#chunks.push({ from: this.#length, bytes: chunk });
      this.#length += chunk.length;
      if (this.#length - this.#read > aheadBytes) source.pause();
      this.#notify();
    });
    source.once("close", () => {
      this.#hasEnded = true;
      this.#notify();
    });
  }

  async *from(offset: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    signal.addEventListener("abort", () => {
      this.#notify();
    });
    let at = offset;
    while (!signal.aborted) {
      const position = at;
      const chunk = this.#chunks.find(
        ({ from, bytes }) => from <= position && position < from + bytes.length,
      );
      if (chunk !== undefined) {
        const begin = at - chunk.from;
        const piece = chunk.bytes.subarray(begin, begin + pieceBytes);
        yield piece;
        at += piece.length;
        this.#wasRead(at);
      } else if (this.#hasEnded) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
        });
      }
    }
  }

  #wasRead(to: number): void {
    this.#read = Math.max(this.#read, to);
    for (let [first] = this.#chunks; first !== undefined; [first] = this.#chunks) {
      if (first.from + first.bytes.length > this.#read - behindBytes) break;
      this.#chunks.shift();
    }
    if (this.#length - this.#read <= aheadBytes) this.#source.resume();
  }

  #notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
