import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import {
  SandboxAgentError,
  type Command,
  type ProcessExit,
  type SandboxProcess,
  type Signal,
} from "playpen/kit";
import {
  asText,
  breakCommand,
  breakProcess,
  breakSandbox,
  breakSpec,
  changed,
  hoarded,
  mapped,
  throughShell,
  type Break,
} from "./change.ts";
import type { BrokenProvider } from "./broken-provider.ts";

const runByShell = breakCommand((command) => throughShell('exec "$@"', command));

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

/** Kills what it knows the process id of: the leader (1), or its group (-1). */
const killLeader = (sign: 1 | -1): Break =>
  breakSandbox((sandbox) => {
    let count = 0;
    return {
      spawn: async (command, options) => {
        const file = `${sandbox.cwd}/.pid-${count++}`;
        const script = 'echo $$ > "$1"; shift; exec "$@"';
        const process = await sandbox.spawn(throughShell(script, command, file), options);
        return changed(process, {
          kill: (signal: Signal = "SIGKILL") => {
            globalThis.process.kill(sign * Number(readFileSync(file, "utf8")), signal);
            return Promise.resolve();
          },
        });
      },
    };
  });

const mapExit = (change: (exit: ProcessExit) => ProcessExit): Break =>
  breakProcess((process) => ({ exited: process.exited.then(change) }));

export const brokenProcesses: readonly BrokenProvider[] = [
  {
    id: "process.argv-exact",
    how: "joins the arguments with blanks for a shell",
    make: breakCommand((command) => {
      const [program, flag = "", script = "", name = "", ...rest] = command.argv;
      // No shell takes more than 128 KiB in one argument.
      const line = rest
        .join(" ")
        .slice(0, 500)
        .replace(/[^\w ]/g, "");
      return { ...command, argv: ["/bin/sh", "-c", `exec "$@" ${line}`, "sh", program, flag, script, name] };
    }),
    seen: /The arguments that a process got/,
  },
  {
    id: "process.argv-program",
    how: "splits the program's path at blanks",
    make: breakCommand((command) => ({
      ...command,
      argv: [
        "/bin/sh",
        "-c",
        `exec ${command.argv[0].replaceAll("'", "\\'")} "$@"`,
        "sh",
        ...command.argv.slice(1),
      ],
    })),
    seen: /Output of \/.*: expected '<a b><>'/,
  },
  {
    id: "process.command-missing",
    how: "has a shell report the missing command",
    make: runByShell,
    seen: /no-such-command-anywhere.* code spawn_failed, but it resolved/,
  },
  {
    id: "process.command-not-executable",
    how: "has a shell report what cannot be executed",
    make: runByShell,
    seen: /plain.* code spawn_failed, but it resolved/,
  },
  {
    id: "process.cwd-default",
    how: "starts processes in /",
    make: breakCommand((command) => ({ cwd: "/", ...command })),
    seen: /Working directory of a process: expected/,
  },
  {
    id: "process.cwd-given",
    how: "ignores the folder asked for",
    make: breakCommand(({ cwd: _, ...command }) => command),
    seen: /What lies in .*: expected 'here\\n'/,
  },
  {
    id: "process.cwd-missing",
    how: "starts in the usual folder where the one asked for is missing",
    make: breakCommand(async ({ cwd, ...command }, sandbox) => {
      const info = cwd === undefined ? undefined : await sandbox.files.stat(cwd);
      return info?.type === "directory" && cwd !== undefined ? { ...command, cwd } : command;
    }),
    seen: /not there.* code spawn_failed, but it resolved/,
  },
  {
    id: "process.user",
    how: "declares users and ignores them",
    make: (provider) =>
      breakCommand(({ user: _, ...command }) => command)(
        changed(provider, { capabilities: { ...provider.capabilities, users: "native" } }),
      ),
    seen: /As 65534:65534: expected/,
  },
  {
    id: "process.env-exact",
    how: "trims the values",
    make: breakCommand((command) => ({
      ...command,
      env: Object.fromEntries(Object.entries(command.env ?? {}).map(([name, value]) => [name, value.trim()])),
    })),
    seen: /The values that a process got/,
  },
  {
    id: "process.env-own",
    how: "keeps the variables of one process for the next",
    make: breakSandbox((sandbox) => {
      const kept = {};
      return {
        spawn: (command, options) =>
          sandbox.spawn({ ...command, env: Object.assign(kept, command.env) }, options),
      };
    }),
    seen: /in the process that got OTHER: expected 'unset two', saw 'one two'/,
  },
  {
    id: "sandbox.env",
    how: "drops the sandbox's environment",
    make: breakSpec((spec) => ({ ...spec, env: {} })),
    seen: /The first process: expected/,
  },
  {
    id: "sandbox.env-usual",
    how: "starts processes without HOME",
    make: breakCommand((command) => throughShell('unset HOME; exec "$@"', command)),
    seen: /HOME: is not set/,
  },
  {
    id: "sandbox.env-host-hidden",
    how: "hands on the host's environment",
    make: breakCommand((command) => {
      const host = Object.entries(process.env).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      );
      return { ...command, env: { ...Object.fromEntries(host), ...command.env } as Command["env"] & object };
    }),
    seen: /A variable of the host: expected 'unset\\n'/,
  },
  {
    id: "process.secrets-hidden",
    how: "sets variables on a command line that stays",
    make: breakCommand(({ env = {}, ...command }) => {
      const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      return throughShell('env "$@"; exit $?', {
        ...command,
        argv: ["env", ...assignments, ...command.argv],
      });
    }),
    seen: /Expected no secret in the arguments of a process/,
  },
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
  {
    id: "process.kill",
    how: "kills by SIGTERM unless told otherwise",
    make: breakProcess((process) => ({ kill: (signal = "SIGTERM") => process.kill(signal) })),
    seen: /The exit after kill\(\): expected .*SIGKILL/,
  },
  {
    id: "process.kill-trapped",
    how: "has no other signal than SIGKILL",
    make: breakProcess((process) => ({ kill: () => process.kill() })),
    seen: /Standard output ended where a line was expected/,
  },
  {
    id: "process.kill-escalates",
    how: "signals a process once",
    make: breakProcess((process) => {
      let isKilled = false;
      return {
        kill: async (signal) => {
          if (!isKilled) await process.kill(signal);
          isKilled = true;
        },
      };
    }),
    hangs: true,
    seen: /Waited \d+ ms for a line of standard output/,
  },
  {
    id: "process.kill-group",
    how: "signals the process alone",
    make: killLeader(1),
    hangs: true,
    seen: /After SIGTERM to a tree: expected no process to be left/,
  },
  {
    id: "process.kill-setsid",
    how: "signals the process group alone",
    make: killLeader(-1),
    hangs: true,
    seen: /with sessions of its own: expected no process to be left/,
  },
  {
    id: "process.kill-orphans",
    how: "does nothing when the process has ended",
    make: breakProcess((process) => {
      let hasEnded = false;
      void process.exited.then(() => (hasEnded = true));
      return { kill: async (signal) => (hasEnded ? undefined : process.kill(signal)) };
    }),
    hangs: true,
    seen: /whose children live on: expected no process to be left/,
  },
  {
    id: "process.kill-fork-storm",
    how: "kills the processes that there were when it looked",
    make: breakProcess((_process, command) => ({
      kill: async () => {
        const mark = Object.values(command.env ?? {})[0] ?? "none";
        const found = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && hasMark(pid, mark));
        await delay(50);
        for (const pid of found) signalIfThere(Number(pid));
      },
    })),
    hangs: true,
    seen: /After kill\(\) of a forking tree: expected no process to be left/,
  },
  {
    id: "process.kill-spares-others",
    how: "kills every process of the sandbox",
    make: (provider) => {
      const all = new Set<SandboxProcess>();
      return breakProcess((process) => {
        all.add(process);
        return {
          kill: async (signal) => {
            await Promise.all([...all].map((each) => each.kill(signal)));
          },
        };
      })(provider);
    },
    seen: /EPIPE|standard input|standard output|ended/i,
  },
  {
    id: "process.kill-after-exit",
    how: "rejects when nothing is left to kill",
    make: breakProcess((process) => {
      let hasEnded = false;
      void process.exited.then(() => (hasEnded = true));
      return {
        kill: (signal) => (hasEnded ? Promise.reject(new Error("No such process.")) : process.kill(signal)),
      };
    }),
    seen: /No such process/,
  },
];

function hasMark(pid: string, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").includes(mark);
  } catch {
    return false;
  }
}

function signalIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Ended by itself.
  }
}
