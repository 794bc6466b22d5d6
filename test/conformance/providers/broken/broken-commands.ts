import type { Command } from "playpen/kit";
import { breakCommand, breakSandbox, breakSpec, changed, throughShell } from "./change.ts";
import type { BrokenProvider } from "./broken-provider.ts";

const runByShell = breakCommand((command) => throughShell('exec "$@"', command));

export const brokenCommands: readonly BrokenProvider[] = [
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
];
