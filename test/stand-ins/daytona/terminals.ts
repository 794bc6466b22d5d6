import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { constants } from "node:os";
import { numberField } from "playpen/kit";
import { type WebSocket, WebSocketServer } from "ws";
import { HttpError } from "../kit/http-server.ts";
import type { MachineTerminal, StandInMachine } from "../kit/machines.ts";

const exitControl = "X-Daytona-Pty-Exit-Control";

interface Session {
  readonly machine: StandInMachine;
  readonly terminal: MachineTerminal;
}

/** The terminals of a daemon: shells, by WebSockets. Texts are notes of the daemon, the rest is what is said. */
export class Terminals {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has(exitControl) ? exitControl : false),
  });
  readonly #sessions = new Map<string, Session>();

  /** Takes a request that has been let in. */
  take(machine: StandInMachine, raw: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { searchParams } = new URL(raw.url ?? "/", "http://stand-in");
    this.#sockets.handleUpgrade(raw, socket, head, (opened) => {
      opened.on("error", () => undefined);
      this.#open(machine, opened, searchParams).catch((error: unknown) => {
        opened.send(JSON.stringify({ type: "control", status: "error", error: String(error) }));
        opened.close(1011);
      });
    });
  }

  async resize(id: string, body: unknown): Promise<object> {
    const [columns = 0, rows = 0] = [numberField(body, "cols"), numberField(body, "rows")];
    if (columns < 1 || rows < 1 || columns > 1000 || rows > 1000) throw new HttpError(400, "invalid size");
    await this.#found(id).terminal.resize({ columns, rows });
    return { id, cols: columns, rows };
  }

  end(id: string): object {
    const { terminal } = this.#found(id);
    terminal.signal("SIGKILL", "group");
    return { message: "PTY session deleted" };
  }

  stop(): void {
    this.#sockets.close();
  }

  async #open(machine: StandInMachine, socket: WebSocket, query: URLSearchParams): Promise<void> {
    const id = query.get("id") ?? "";
    if (id === "" || this.#sessions.has(id)) throw new Error("The id is missing, or taken.");
    const cwd = query.get("cwd");
    const terminal = await machine.terminal({
      argv: ["/bin/bash", "--norc", "-i"],
      env: { TERM: "xterm-256color", PS1: "daytona$ " },
      columns: Number(query.get("cols") ?? 80),
      rows: Number(query.get("rows") ?? 24),
      ...(cwd === null ? {} : { cwd }),
    });
    this.#sessions.set(id, { machine, terminal });
    socket.send(JSON.stringify({ type: "control", status: "connected" }));
    socket.on("message", (data: Buffer) => terminal.stdin.write(data));
    terminal.stdout.on("data", (chunk: Buffer) => {
      socket.send(chunk);
    });
    const said = new Promise((resolve) => terminal.stdout.once("close", resolve));
    const { code, signal } = await terminal.exited;
    await said;
    this.#sessions.delete(id);
    // A sandbox that is gone says no more.
    if (machine.isDestroyed) {
      socket.terminate();
      return;
    }
    const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    socket.send(JSON.stringify({ type: "control", status: "exited", exitCode }));
    socket.close(1000, JSON.stringify({ exitCode }));
  }

  #found(id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new HttpError(404, `PTY session ${id} not found`);
    return session;
  }
}
