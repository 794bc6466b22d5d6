import type { RawData, WebSocket } from "ws";
import {
  OutputChannel,
  type ProcessExit,
  type RemoteConnection,
  SandboxAgentError,
  numberField,
  parseJson,
  stringField,
} from "../../src/kit.ts";
import { closeSocket, watchSocket } from "./sockets.ts";

/** The first byte of a frame. */
const frames = { stdin: 0, stdout: 1, stderr: 2, exit: 3, endOfInput: 4 } as const;

/** What is taken from the connection before anybody reads it. */
const readAheadBytes = 1024 * 1024;
/** Standard error that nobody reads at all must not stop standard output. */
const unreadErrorBytes = 16 * 1024 * 1024;
const frameBytes = 64 * 1024;

/**
 * A command's connection: frames of its streams over one WebSocket. While nobody reads, the socket is paused, so that the
 * service has to wait, and with it the process.
 */
export class ExecConnection implements RemoteConnection {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly #socket: WebSocket;
  readonly #out = new OutputChannel(() => {
    this.#regulate();
  });
  readonly #err = new OutputChannel(() => {
    this.#regulate();
  });
  #settle: (exit: ProcessExit | Error) => void = () => undefined;
  #words = "";

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.stdout = this.#out.stream;
    this.stderr = this.#err.stream;
    this.exited = new Promise((resolve, reject) => {
      this.#settle = (exit) => {
        if (exit instanceof Error) reject(exit);
        else resolve(exit);
      };
    });
    this.exited.catch(() => undefined);
    this.stdin = new WritableStream<Uint8Array>({
      write: (chunk) => this.#write(chunk),
      close: () => this.endInput(),
      abort: () => this.endInput().catch(() => undefined),
    });
    socket.on("message", (data, isBinary) => {
      this.#take(data, isBinary);
    });
    socket.on("error", (error) => {
      this.#words ||= error.message;
    });
    socket.once("close", (code) => {
      this.#fail(new Error(`The connection ended (${code}). ${this.#words}`.trim()));
    });
    watchSocket(socket);
    socket.resume();
  }

  /** Sends something before anybody else can write. */
  async send(text: string): Promise<void> {
    await this.#write(new TextEncoder().encode(text));
  }

  endInput(): Promise<void> {
    return this.#send(Buffer.of(frames.endOfInput));
  }

  disconnect(): void {
    this.#socket.terminate();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length; from += frameBytes) {
      await this.#send(Buffer.concat([Buffer.of(frames.stdin), chunk.subarray(from, from + frameBytes)]));
    }
  }

  /** Resolves when the operating system has taken the frame. */
  #send(frame: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(frame, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  #take(data: RawData, isBinary: boolean): void {
    const bytes = Buffer.isBuffer(data)
      ? data
      : Array.isArray(data)
        ? Buffer.concat(data)
        : Buffer.from(new Uint8Array(data));
    if (!isBinary) {
      this.#takeNote(bytes.toString());
      return;
    }
    const payload = bytes.subarray(1);
    if (bytes[0] === frames.stdout) this.#out.push(payload);
    else if (bytes[0] === frames.stderr) this.#err.push(payload);
    else if (bytes[0] === frames.exit) this.#end(payload[0] ?? 0);
    if (!this.#err.wasRead && this.#err.bufferedBytes > unreadErrorBytes) {
      this.#err.fail(
        new SandboxAgentError("output_too_large", "Nobody reads the standard error of a process.", {
          details: { command: "of a sprite", maxBytes: unreadErrorBytes },
        }),
      );
    }
    this.#regulate();
  }

  /** Beside the frames the service says in JSON what it notices, such as a port that was opened. */
  #takeNote(text: string): void {
    const note = parseJson(text);
    const type = stringField(note, "type");
    if (type === "exit") this.#end(numberField(note, "exit_code") ?? 0);
    if (type === "error") this.#words = stringField(note, "message") ?? stringField(note, "error") ?? text;
  }

  #regulate(): void {
    const isFull =
      this.#out.bufferedBytes >= readAheadBytes ||
      (this.#err.wasRead && this.#err.bufferedBytes >= readAheadBytes);
    if (isFull === this.#socket.isPaused) return;
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  #end(code: number): void {
    this.#settle({ code, signal: null });
    this.#out.end();
    this.#err.end();
    closeSocket(this.#socket);
  }

  #fail(error: Error): void {
    this.#settle(error);
    this.#out.fail(error);
    this.#err.fail(error);
  }
}
