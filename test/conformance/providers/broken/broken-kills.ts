import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { SandboxProcess, Signal } from "playpen/kit";
import { breakProcess, breakSandbox, changed, throughShell, type Break } from "./change.ts";
import type { BrokenProvider } from "./broken-provider.ts";

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

export const brokenKills: readonly BrokenProvider[] = [
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
    seen: /What the other process answers: expected 'got word'/,
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
