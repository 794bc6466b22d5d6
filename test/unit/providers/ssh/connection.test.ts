import { EventEmitter } from "node:events";
import type { Client } from "ssh2";
import { expect, it } from "vitest";
import { SshConnection } from "../../../../providers/ssh/connection.ts";

/** A client whose machine answers in one packet: here is the session, this is its end. */
class HastyClient extends EventEmitter {
  readonly #say: (channel: EventEmitter) => void;

  constructor(say: (channel: EventEmitter) => void) {
    super();
    this.#say = say;
  }

  exec(_line: string, _options: object, callback: (error: undefined, channel: unknown) => void): void {
    const channel = new EventEmitter();
    callback(undefined, channel);
    this.#say(channel);
  }
}

const connected = (say: (channel: EventEmitter) => void): SshConnection =>
  new SshConnection(new HastyClient(say) as unknown as Client);

it("knows the end of a command that has ended before anybody could look", async () => {
  const { exited } = await connected((channel) => {
    channel.emit("exit", 3);
    channel.emit("close");
  }).execute("exit 3");
  await expect(exited).resolves.toEqual({ code: 3, signal: null });
});

it("knows that a session has closed without a word", async () => {
  const { exited } = await connected((channel) => channel.emit("close")).execute("true");
  await expect(exited).rejects.toThrow("broke");
});

it("counts the sessions that are open, and no others", async () => {
  const channels: EventEmitter[] = [];
  const connection = connected((channel) => channels.push(channel));
  for (let count = 0; count < 10; count++) await connection.execute("sleep 1");
  expect(connection.hasRoom).toBe(false);
  channels[0]?.emit("close");
  expect(connection.hasRoom).toBe(true);
});
