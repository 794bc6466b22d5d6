import { spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import Docker from "dockerode";
import type { BareProcess } from "./by-hand.ts";

/** Where processes are started without the library. */
export interface BarePlace extends AsyncDisposable {
  start(argv: readonly string[]): Promise<BareProcess & AsyncDisposable>;
}

/** This machine. */
export function bareHost(): BarePlace {
  return {
    start: ([program = "", ...args]) => {
      const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
      child.stdout.setEncoding("utf8");
      return Promise.resolve({
        write: (text) => void child.stdin.write(text),
        read: (listener) => void child.stdout.on("data", listener),
        [Symbol.asyncDispose]: async () => {
          const exited = new Promise((resolve) => child.once("exit", resolve));
          child.kill("SIGKILL");
          await exited;
        },
      });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** A container that does nothing by itself. */
export async function bareContainer(image: string): Promise<BarePlace> {
  const container = await new Docker().createContainer(bareContainerOptions(image));
  await container.start();
  return {
    start: async (argv) => {
      const exec = await container.exec({
        Cmd: [...argv],
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
      });
      const stream = await exec.start({ hijack: true, stdin: true });
      return {
        write: (text) => void stream.write(text),
        read: (listener) => readFrames(stream, listener),
        // Waited for, since the engine's work on it would slow down what comes next.
        [Symbol.asyncDispose]: async () => {
          const closed = new Promise((resolve) => stream.once("close", resolve));
          stream.end();
          await closed;
          while ((await exec.inspect()).Running) await new Promise((resolve) => setTimeout(resolve, 5));
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await container.remove({ force: true });
    },
  };
}

/** Ends by itself when this process dies without removing it. */
export function bareContainerOptions(image: string): Docker.ContainerCreateOptions {
  return {
    Image: image,
    Cmd: ["sleep", "900"],
    HostConfig: { Init: true, AutoRemove: true, NetworkMode: "bridge" },
  };
}

/** Standard output out of the engine's frames: a kind, three empty bytes, a length, the data. */
function readFrames(stream: Duplex, listener: (chunk: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest: Buffer = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 8) {
      const end = 8 + rest.readUInt32BE(4);
      if (rest.length < end) return;
      if (rest[0] === 1) listener(decoder.write(rest.subarray(8, end)));
      rest = rest.subarray(end);
    }
  });
}
