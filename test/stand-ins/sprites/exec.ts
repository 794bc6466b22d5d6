import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { RawData, WebSocket } from "ws";
import { numberField, parseJson, stringField } from "../../../src/kit/json.ts";
import type { MachineProcess, MachineTerminal, StandInMachine } from "../kit/machines.ts";
import { exitCodeOf } from "./exit-code.ts";

/** How long output is waited for that a process may have left in its pipes. */
const drainMs = 100;
/** The service keeps a connection for a while after the last frame. */
const lingerMs = 5000;

/** Runs what the address asks for, and carries its streams. */
export async function runCommand(
  socket: WebSocket,
  machine: StandInMachine,
  query: URLSearchParams,
  runAfterDisconnectMs: number,
): Promise<void> {
  const [program, ...args] = query.getAll("cmd");
  if (program === undefined) {
    socket.close(1008, "cmd is required");
    return;
  }
  const env = Object.fromEntries(
    query.getAll("env").map((pair) => {
      const [name = "", ...rest] = pair.split("=");
      return [name, rest.join("=")];
    }),
  );
  const command = { argv: [query.get("path") ?? program, ...args] as const, env };
  const cwd = query.get("dir");
  const place = cwd === null ? {} : { cwd };
  if (query.get("tty") === "true") {
    const size = { columns: Number(query.get("cols") ?? 80), rows: Number(query.get("rows") ?? 24) };
    serveTerminal(socket, await machine.terminal({ ...command, ...place, ...size }));
    return;
  }
  const stdin = query.get("stdin") === "true" ? "pipe" : "ignore";
  // Paused until the process is there, lest input is missed.
  socket.pause();
  try {
    serve(socket, await machine.spawn({ ...command, ...place, stdin }), runAfterDisconnectMs);
  } catch (error) {
    socket.send(Buffer.concat([Buffer.of(2), Buffer.from(`${String(error)}\n`)]));
    socket.send(Buffer.of(3, 127));
  }
  socket.resume();
}

function serve(socket: WebSocket, process: MachineProcess, runAfterDisconnectMs: number): void {
  for (const event of ["drain", "close"]) {
    process.stdin?.on(event, () => {
      socket.resume();
    });
  }
  socket.send(JSON.stringify({ type: "session_info", session_id: String(process.pid), tty: false }));
  socket.on("message", (data, isBinary) => {
    const bytes = bytesOf(data);
    if (!isBinary) {
      const signal = stringField(parseJson(bytes.toString()), "signal");
      if (signal !== undefined) process.signal(`SIG${signal.replace(/^SIG/, "")}` as NodeJS.Signals);
    } else if (bytes[0] === 4) {
      process.stdin?.end();
    } else if (bytes[0] === 0 && process.stdin?.writable === true) {
      if (process.stdin.write(bytes.subarray(1))) return;
      socket.pause();
    }
  });
  let hasEnded = false;
  socket.once("close", () => {
    if (hasEnded) return;
    const timer = setTimeout(() => {
      process.signal("SIGKILL", "group");
    }, runAfterDisconnectMs);
    void process.exited.then(() => {
      clearTimeout(timer);
    });
  });
  const pumps = [new Pump(socket, 1, process.stdout), new Pump(socket, 2, process.stderr)];
  void process.exited.then(async (exit) => {
    hasEnded = true;
    for (const pump of pumps) pump.processEnded();
    // A child that holds the pipes does not keep the service from telling the end.
    while (!pumps.every((pump) => pump.isQuiet())) await delay(10);
    socket.send(Buffer.of(3, exitCodeOf(exit)), () => undefined);
    const timer = setTimeout(() => {
      socket.close(1000);
    }, lingerMs);
    socket.once("close", () => {
      clearTimeout(timer);
      for (const stream of [process.stdout, process.stderr]) stream.destroy();
    });
  });
}

/** Carries one stream in frames; the process waits until each was taken. */
class Pump {
  #isOver = false;
  #isSending = false;
  #movedAt = performance.now();

  constructor(socket: WebSocket, frame: number, source: Readable) {
    source.on("data", (chunk: Buffer) => {
      this.#movedAt = performance.now();
      this.#isSending = true;
      source.pause();
      socket.send(Buffer.concat([Buffer.of(frame), chunk]), () => {
        this.#isSending = false;
        this.#movedAt = performance.now();
        source.resume();
      });
    });
    source.once("close", () => {
      this.#isOver = true;
    });
    source.once("end", () => {
      this.#isOver = true;
    });
  }

  /** What the process has left is read from now on. */
  processEnded(): void {
    this.#movedAt = performance.now();
  }

  isQuiet(): boolean {
    if (this.#isSending) return false;
    return this.#isOver || performance.now() - this.#movedAt > drainMs;
  }
}

function serveTerminal(socket: WebSocket, terminal: MachineTerminal): void {
  socket.send(JSON.stringify({ type: "session_info", session_id: String(terminal.pid), tty: true }));
  // One after the other, as where a resize takes no time.
  let done = Promise.resolve();
  socket.on("message", (data, isBinary) => {
    const bytes = bytesOf(data);
    done = done.then(async () => {
      if (isBinary) {
        terminal.stdin.write(bytes);
        return;
      }
      const message = parseJson(bytes.toString());
      if (stringField(message, "type") !== "resize") return;
      const size = { columns: numberField(message, "cols") ?? 80, rows: numberField(message, "rows") ?? 24 };
      await terminal.resize(size);
    });
  });
  const ended = new Promise<void>((resolve) => {
    terminal.stdout.once("close", resolve);
  });
  terminal.stdout.on("data", (chunk: Buffer) => {
    socket.send(chunk, () => undefined);
  });
  void Promise.all([terminal.exited, Promise.race([ended, terminal.exited.then(() => delay(drainMs))])]).then(
    ([exit]) => {
      socket.send(JSON.stringify({ type: "exit", exit_code: exitCodeOf(exit) }), () => undefined);
      socket.close(1000);
    },
  );
}

function bytesOf(data: RawData): Buffer {
  return Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
