import type { Readable } from "node:stream";
import type { ClientChannel } from "ssh2";
import { OutputChannel, type RemoteConnection, SandboxAgentError } from "../../src/kit.ts";
import type { SshSession } from "./connection.ts";

/** What may wait in the host for a reader, beside the client's own window of 2 MiB. */
const readAheadBytes = 256 * 1024;
/** Standard error that nobody looks at must not hold up the process, nor fill the memory. */
const unreadErrorBytes = 4 * 1024 * 1024;

/**
 * Both outputs of a session come through one window. When one has no room they both wait, and then, as the window
 * closes, the process does.
 */
export function sessionConnection({ channel, exited }: SshSession, wantsInput: boolean): RemoteConnection {
  const sources = [channel, channel.stderr] as const;
  const regulate = (): void => {
    const isFull =
      stdout.bufferedBytes >= readAheadBytes || (stderr.wasRead && stderr.bufferedBytes >= readAheadBytes);
    for (const source of sources) {
      if (isFull) source.pause();
      else if (source.isPaused()) source.resume();
    }
  };
  const stdout = new OutputChannel(regulate);
  const stderr = new OutputChannel(regulate);
  const feed = (source: Readable, output: OutputChannel): void => {
    source.on("data", (chunk: Uint8Array) => {
      output.push(chunk);
      if (output === stderr && !stderr.wasRead && stderr.bufferedBytes > unreadErrorBytes) {
        stderr.fail(tooMuchUnread());
      }
      regulate();
    });
    source.once("end", () => {
      output.end();
      // What waits for its reader is no reason to hold up the other any more.
      regulate();
    });
    source.on("error", (error: Error) => {
      output.fail(error);
    });
  };
  feed(channel, stdout);
  feed(channel.stderr, stderr);
  if (!wantsInput) channel.end();
  return {
    ...(wantsInput ? { stdin: inputOf(channel) } : {}),
    stdout: stdout.stream,
    stderr: stderr.stream,
    exited,
    disconnect: () => {
      stdout.end();
      stderr.end();
      channel.resume();
      channel.stderr.resume();
      channel.destroy();
    },
  };
}

/** Its end is a half-close: output goes on. A write waits until the machine's window has room. */
export function inputOf(channel: ClientChannel): WritableStream<Uint8Array> {
  const end = (): void => {
    if (!channel.writableEnded) channel.end();
  };
  return new WritableStream<Uint8Array>({
    start(controller) {
      channel.once("close", () => {
        controller.error(new Error("The process has ended, or closed its standard input."));
      });
    },
    write(chunk) {
      return new Promise((resolve, reject) => {
        if (channel.writableEnded) {
          reject(new Error("The process has ended, or closed its standard input."));
          return;
        }
        channel.write(chunk, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    },
    close: end,
    abort: end,
  });
}

function tooMuchUnread(): SandboxAgentError {
  return new SandboxAgentError(
    "output_too_large",
    `A process wrote more than ${unreadErrorBytes} bytes of standard error that nobody read.`,
    { details: { command: "", maxBytes: unreadErrorBytes } },
  );
}
