import { constants } from "node:os";
import type { Readable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { numberField, parseJson } from "../../../src/kit/json.ts";
import type { MachineExit, MachineProcess, MachineTerminal } from "../kit/machines.ts";
import { roomIn } from "../kit/room-in.ts";
import type { StandInPod } from "./pod.ts";

const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

/** Runs what the address asks for, and carries its channels. */
export async function serveExec(
  socket: WebSocket,
  pod: StandInPod,
  query: URLSearchParams,
  count: (bytes: number) => unknown,
): Promise<void> {
  // Until the process is there, lest input is missed.
  socket.pause();
  socket.on("error", () => undefined);
  const [program, ...args] = query.getAll("command");
  const { machine } = pod;
  if (
    program === undefined ||
    machine === undefined ||
    query.get("container") !== pod.manifest.container.name
  ) {
    await finish(socket, failure("container not found"));
    return;
  }
  const command = { argv: [program, ...args] as const, env: pod.env };
  const isTerminal = query.get("tty") === "true";
  const stdin = query.get("stdin") === "true" ? "pipe" : "ignore";
  let process: MachineProcess | MachineTerminal;
  try {
    process = isTerminal ? await machine.terminal(command) : await machine.spawn({ ...command, stdin });
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    await finish(socket, failure(`error executing command in container: ${words}`));
    return;
  }
  takeInput(socket, process);
  socket.resume();
  const copies = [copy(socket, channels.stdout, process.stdout, count)];
  if (query.get("stderr") === "true") copies.push(copy(socket, channels.stderr, process.stderr, count));
  else process.stderr.resume();
  // Not told before everybody has closed the outputs, whoever that is.
  const [exit] = await Promise.all([process.exited, ...copies]);
  await finish(socket, statusOf(exit));
}

/** Each frame takes effect before the next is looked at: what is typed behind a new size finds that size. */
function takeInput(socket: WebSocket, process: MachineProcess | MachineTerminal): void {
  const { stdin } = process;
  const take = async (bytes: Buffer): Promise<void> => {
    if (bytes[0] === channels.close && bytes[1] === channels.stdin && socket.protocol.startsWith("v5")) {
      stdin?.end();
    } else if (bytes[0] === channels.resize && "resize" in process) {
      const size = parseJson(bytes.subarray(1).toString());
      const [columns, rows] = [numberField(size, "Width"), numberField(size, "Height")];
      if (columns === undefined || rows === undefined) return;
      // A process that has ended meanwhile has no size.
      await process.resize({ columns, rows }).catch(() => undefined);
    } else if (bytes[0] === channels.stdin && stdin?.writable === true) {
      if (!stdin.write(bytes.subarray(1))) await roomIn(stdin);
    }
  };
  let taken = Promise.resolve();
  let waiting = 0;
  socket.on("message", (data) => {
    const bytes = bytesOf(data);
    if (++waiting === 1) socket.pause();
    taken = taken
      .then(() => take(bytes))
      .finally(() => {
        if (--waiting === 0) socket.resume();
      });
  });
  socket.once("close", () => {
    void taken.then(() => stdin?.end());
  });
}

/** Reads no further than the connection takes; what nobody is connected for is thrown away. */
async function copy(
  socket: WebSocket,
  channel: number,
  source: Readable,
  count: (bytes: number) => unknown,
): Promise<void> {
  try {
    for await (const chunk of source) {
      const bytes = Buffer.from(chunk as Uint8Array);
      count(bytes.length);
      await send(socket, channel, bytes);
    }
  } catch {
    source.resume();
  }
}

function send(socket: WebSocket, channel: number, payload: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    socket.send(Buffer.concat([Buffer.of(channel), payload]), () => {
      resolve();
    });
  });
}

async function finish(socket: WebSocket, status: object): Promise<void> {
  socket.resume();
  await send(socket, channels.status, Buffer.from(JSON.stringify(status)));
  socket.close(1000);
}

function statusOf({ code, signal }: MachineExit): object {
  const number = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  if (number === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${number}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(number) }] },
  };
}

function failure(message: string): object {
  return { metadata: {}, status: "Failure", reason: "InternalError", code: 500, message };
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
