import { SandboxAgentError, type ProcessExit, type SandboxProcess } from "playpen/kit";
import {
  asText,
  breakCommand,
  breakProcess,
  breakProvider,
  breakSandbox,
  changed,
  hoarded,
  mapped,
  throughShell,
  type Break,
} from "./change.ts";
import type { BrokenProvider } from "./broken-provider.ts";

/** Reports the exit when standard output has been read to its end. */
const exitAfterOutput: Break = breakProcess((process) => {
  let outputEnded: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    outputEnded = resolve;
  });
  const stdout = process.stdout.pipeThrough(new TransformStream({ flush: () => outputEnded() }));
  return { stdout, exited: ended.then(() => process.exited) };
});

const stdinThrough = (
  write: (
    chunk: Uint8Array,
    writer: WritableStreamDefaultWriter<Uint8Array>,
    process: SandboxProcess,
  ) => unknown,
  close?: (writer: WritableStreamDefaultWriter<Uint8Array>, process: SandboxProcess) => unknown,
): Break =>
  breakProcess((process, command) => {
    if (command.stdin === "ignore") return {};
    const writer = process.stdin.getWriter();
    writer.closed.catch(() => undefined);
    return {
      stdin: new WritableStream<Uint8Array>({
        write: async (chunk) => {
          await write(chunk, writer, process);
        },
        close: async () => {
          await (close === undefined ? writer.close() : close(writer, process));
        },
      }),
    };
  });

const mapExit = (change: (exit: ProcessExit) => ProcessExit): Break =>
  breakProcess((process) => ({ exited: process.exited.then(change) }));

export const brokenProcesses: readonly BrokenProvider[] = [
  {
    id: "process.exit-code",
    how: "knows success and failure only",
    make: mapExit(({ code, signal }) => ({ code: code === null ? null : Math.min(code, 1), signal })),
    seen: /exits with 126: expected/,
  },
  {
    id: "process.signal-death",
    how: "takes a death by signal for success",
    make: mapExit(({ code }) => ({ code: code ?? 0, signal: null })),
    seen: /sent itself SIGKILL: expected/,
  },
  {
    id: "process.exited-unread",
    how: "waits for the output to be read",
    make: exitAfterOutput,
    hangs: true,
    seen: /Waited \d+ ms for exited of a process whose output nobody reads/,
  },
  {
    id: "process.exited-background-child",
    how: "waits for the pipes to be closed by everybody",
    make: exitAfterOutput,
    hangs: true,
    seen: /Waited \d+ ms for exited of a process whose child lives on/,
  },
  {
    id: "process.parallel",
    how: "has room for 20 processes",
    make: (provider) => {
      let running = 0;
      return breakSandbox((sandbox) => ({
        spawn: async (command, options) => {
          if (running === 20) {
            throw new SandboxAgentError("spawn_failed", "Too many.", {
              details: { command: command.argv[0] },
            });
          }
          running += 1;
          const process = await sandbox.spawn(command, options);
          void process.exited.then(() => (running -= 1));
          return process;
        },
      }))(provider);
    },
    seen: /spawn_failed \(Too many/,
  },
  {
    id: "process.stdin-stays-open",
    how: "closes the input after the first write",
    make: (provider) => {
      const closed = new WeakSet<SandboxProcess>();
      return stdinThrough(
        async (chunk, writer, process) => {
          if (closed.has(process)) return;
          closed.add(process);
          await writer.write(chunk);
          await writer.close();
        },
        () => undefined,
      )(provider);
    },
    seen: /The answer to two: expected 'got two', saw 'end'/,
  },
  {
    id: "process.stdin-half-close",
    how: "cannot close the input without ending the process",
    make: stdinThrough(
      (chunk, writer) => writer.write(chunk),
      (_writer, process) => process.kill(),
    ),
    seen: /Lines of output after the input was closed: expected 20001/,
  },
  {
    id: "process.stdin-ignored",
    how: "leaves the input open that nobody wants",
    make: breakCommand(({ stdin: _, ...command }) => command),
    hangs: true,
    seen: /Waited \d+ ms for the end of: cat; echo end/,
  },
  {
    id: "process.stdin-binary",
    how: "takes the input for text",
    make: stdinThrough((chunk, writer) => writer.write(asText(chunk))),
    seen: /Bytes that arrived: expected '5242880'/,
  },
  {
    id: "process.stdin-echo",
    how: "hands on output when all input has been written",
    make: breakProcess((process, { stdin }) => {
      if (stdin === "ignore") return {};
      const writer = process.stdin.getWriter();
      let isClosed: () => void = () => undefined;
      const closed = new Promise<void>((resolve) => {
        isClosed = resolve;
      });
      const reader = process.stdout.getReader();
      return {
        stdin: new WritableStream<Uint8Array>({
          write: (chunk) => writer.write(chunk),
          close: () => writer.close().then(isClosed),
        }),
        stdout: new ReadableStream<Uint8Array>({
          async pull(controller) {
            await closed;
            const { done, value } = await reader.read();
            if (done) controller.close();
            else controller.enqueue(value);
          },
        }),
      };
    }),
    hangs: true,
    seen: /Waited \d+ ms for the end of: exec cat/,
  },
  {
    id: "process.stdin-broken-pipe",
    how: "waits for ever to write to a process that has ended",
    make: stdinThrough((chunk, writer) => writer.write(chunk).catch(() => new Promise(() => undefined))),
    hangs: true,
    seen: /Waited \d+ ms for writes to a process that does not read/,
  },
  {
    id: "process.stdin-back-pressure",
    how: "takes what the process does not read",
    make: stdinThrough((chunk, writer) => {
      writer.write(chunk).catch(() => undefined);
    }),
    seen: /but 64 MB were taken/,
  },
  {
    id: "process.output-separate",
    how: "has both outputs on one stream",
    make: breakCommand((command) => throughShell('exec "$@" 2>&1', command)),
    seen: /Standard output: expected .*error/s,
  },
  {
    id: "process.output-binary",
    how: "takes the output for text, chunk by chunk",
    make: breakProcess((process) => ({ stdout: mapped(process.stdout, asText) })),
    seen: /Standard output: expected \d+ bytes, saw \d+; they differ from byte 128/,
  },
  {
    id: "process.output-live",
    how: "hands over the output at the end",
    make: breakProcess((process) => ({ stdout: hoarded(process.stdout) })),
    hangs: true,
    seen: /Waited \d+ ms for a line of standard output of: echo first/,
  },
  {
    id: "process.output-complete",
    how: "drops what is still in the pipe at the exit",
    make: breakProcess((process) => {
      const reader = process.stdout.getReader();
      let isOver = false;
      void process.exited.then(() => (isOver = true));
      return {
        stdout: new ReadableStream<Uint8Array>(
          {
            async pull(controller) {
              const { done, value } = await reader.read();
              if (done || isOver) controller.close();
              else controller.enqueue(value);
            },
          },
          { highWaterMark: 0 },
        ),
      };
    }),
    seen: /Output of round \d+: expected 48894 bytes, saw \d+/,
  },
  {
    id: "process.output-back-pressure",
    how: "reads all output into memory",
    make: breakProcess((process) => {
      const chunks: Uint8Array[] = [];
      let wake: () => void = () => undefined;
      let isOver = false;
      void (async () => {
        for await (const chunk of process.stdout) {
          chunks.push(chunk);
          wake();
        }
        isOver = true;
        wake();
      })();
      return {
        stdout: new ReadableStream<Uint8Array>({
          async pull(controller) {
            while (chunks.length === 0 && !isOver) await new Promise<void>((resolve) => (wake = resolve));
            const chunk = chunks.shift();
            if (chunk === undefined) controller.close();
            else controller.enqueue(chunk);
          },
        }),
      };
    }),
    seen: /Expected the writer to wait for its reader, but it wrote \d+ MB/,
  },
  {
    id: "process.output-limit",
    how: "declares no back-pressure, and has no limit either",
    make: breakProvider((provider) => ({
      capabilities: { ...provider.capabilities, backpressure: "none" },
    })),
    hangs: true,
    seen: /reading output that went beyond the limit/,
  },
  {
    id: "process.output-cancel",
    how: "kills the process whose output nobody wants",
    make: breakProcess((process) => ({
      stdout: changed(process.stdout, {
        cancel: async (reason) => {
          await process.kill();
          await process.stdout.cancel(reason);
        },
      }),
    })),
    seen: /standard error to be handed over|The exit/,
  },
];
