import type { ServerResponse } from "node:http";
import { Answer } from "../kit/http-server.ts";
import { roomIn } from "../kit/room-in.ts";

/** Codes of the Connect protocol, with the HTTP status that a unary call gives for them. */
const statuses = {
  invalid_argument: 400,
  unauthenticated: 401,
  not_found: 404,
  already_exists: 409,
  internal: 500,
} as const;

export type ConnectCode = keyof typeof statuses;

export class ConnectFailure extends Error {
  readonly code: ConnectCode;

  constructor(code: ConnectCode, message: string) {
    super(message);
    this.code = code;
  }

  /** As a unary call answers it. */
  answer(): Answer {
    return new Answer(statuses[this.code], { code: this.code, message: this.message });
  }
}

const endOfStream = 2;

/** One message of a stream: a byte of flags, four of the length, and JSON. */
export function envelope(message: unknown, flags = 0): Buffer {
  const payload = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

export function messageOf(body: Buffer): unknown {
  return JSON.parse(body.subarray(5, 5 + body.readUInt32BE(1)).toString());
}

/** The answer of a call that streams. */
export class MessageStream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { "content-type": "application/connect+json" });
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded;
  }

  onClose(callback: () => void): void {
    this.#response.once("close", callback);
  }

  /** Resolves when the client takes more. */
  async send(message: unknown): Promise<void> {
    if (!this.isOpen || this.#response.write(envelope(message))) return;
    await roomIn(this.#response);
  }

  end(error?: ConnectFailure): void {
    if (!this.isOpen) return;
    const trailer = error === undefined ? {} : { error: { code: error.code, message: error.message } };
    this.#response.end(envelope(trailer, endOfStream));
  }

  cut(): void {
    this.#response.destroy();
  }
}
