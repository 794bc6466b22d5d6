import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import {
  OutputChannel,
  type ProcessExit,
  type Sandbox,
  type Signal,
  type Terminal,
  type TerminalOptions,
  exitOf,
  markedEnvironment,
  numberField,
  parseJson,
  quoteForShell,
  shellLine,
  signalMarkedScript,
  stringField,
} from "../../src/kit.ts";
import { pathOf } from "./machine.ts";
import type { Service } from "./service.ts";
import { closeSocket, openSocket, watchSocket } from "./sockets.ts";

const readAheadBytes = 1024 * 1024;

/**
 * Starts a process on a pseudo-terminal. Its variables come by a file that only its user can read and that is gone when the
 * program runs: a line written to the terminal would be shown on it.
 */
export async function openTerminal(
  service: Service,
  sandbox: Sandbox,
  env: { readonly [name: string]: string },
  options: TerminalOptions,
): Promise<Terminal> {
  const { argv = ["/bin/sh", "-i"], cwd = sandbox.cwd, columns = 80, rows = 24, signal } = options;
  signal?.throwIfAborted();
  const processId = randomUUID();
  const file = `/tmp/.playpen-${processId}`;
  const all = markedEnvironment({ TERM: "xterm-256color", ...env, ...options.env }, processId);
  const lines = [
    `rm -f -- ${quoteForShell(file)}`,
    `cd -- ${quoteForShell(cwd)} || exit`,
    ...Object.entries(all).map(([name, value]) => `export ${name}=${quoteForShell(value)}`),
    `exec ${shellLine(argv)}`,
  ];
  await sandbox.files.write(file, `${lines.join("\n")}\n`, {
    mode: 0o600,
    ...(signal === undefined ? {} : { signal }),
  });
  const query = new URLSearchParams();
  for (const word of ["/bin/sh", file]) query.append("cmd", word);
  query.set("path", "/bin/sh");
  query.set("stdin", "true");
  query.set("tty", "true");
  query.set("rows", String(rows));
  query.set("cols", String(columns));
  // Else the vendor keeps it for ever.
  query.set("max_run_after_disconnect", "10s");
  const action = { action: "open a terminal", id: sandbox.id };
  const socket = await openSocket(service, `${pathOf(sandbox.id)}/exec`, query, action);
  const terminal = new SpriteTerminal(socket, async (name) => {
    const process = await sandbox.spawn({ argv: signalMarkedScript(processId, name), stdin: "ignore" });
    await process.exited;
  });
  if (signal?.aborted === true) {
    await terminal.kill();
    throw signal.reason;
  }
  return terminal;
}

class SpriteTerminal implements Terminal {
  readonly input: WritableStream<Uint8Array>;
  readonly output: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly #socket: WebSocket;
  readonly #signal: (name: Signal) => Promise<void>;
  readonly #sentSignals = new Set<Signal>();

  constructor(socket: WebSocket, signal: (name: Signal) => Promise<void>) {
    this.#socket = socket;
    this.#signal = signal;
    const regulate = (): void => {
      if (out.bufferedBytes >= readAheadBytes) socket.pause();
      else if (socket.isPaused) socket.resume();
    };
    const out = new OutputChannel(regulate);
    this.output = out.stream;
    this.input = new WritableStream<Uint8Array>({
      write: (chunk) => this.#send(chunk),
      // A terminal has no end of input; the program is hung up instead.
      close: () => this.kill("SIGHUP"),
      abort: () => this.kill("SIGHUP"),
    });
    this.exited = new Promise((resolve, reject) => {
      socket.on("message", (data, isBinary) => {
        if (!Buffer.isBuffer(data)) return;
        if (isBinary) {
          out.push(data);
          regulate();
          return;
        }
        const note = parseJson(data.toString());
        if (stringField(note, "type") !== "exit") return;
        resolve(exitOf(numberField(note, "exit_code") ?? 0, this.#sentSignals));
        out.end();
        closeSocket(socket);
      });
      socket.once("close", (code) => {
        // The official client takes a normal end without a word for success, too.
        if (code === 1000) resolve({ code: 0, signal: null });
        else reject(new Error(`The terminal's connection ended (${code}).`));
        out.end();
      });
    });
    this.exited.catch(() => undefined);
    watchSocket(socket);
    socket.resume();
  }

  async resize({ columns, rows }: { readonly columns: number; readonly rows: number }): Promise<void> {
    await this.#send(JSON.stringify({ type: "resize", cols: columns, rows }));
  }

  async kill(signal: Signal = "SIGKILL"): Promise<void> {
    this.#sentSignals.add(signal);
    await this.#signal(signal);
  }

  #send(data: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(data, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
