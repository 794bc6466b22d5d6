import { readAll } from "../conversation.ts";
import { expectEqual, expectExit } from "../expectations.ts";
import type { ProviderRequirement } from "../requirement.ts";

export const exitRequirements: readonly ProviderRequirement[] = [
  {
    id: "process.exit-code",
    title: "reports the exit code as it is: 0, 1, 126, 127, 137, 255",
    async run(context) {
      const sandbox = await context.create();
      for (const code of [0, 1, 126, 127, 137, 255]) {
        const { exit } = await context.run(sandbox, `exit ${code}`);
        expectExit(context.provider, exit, code, `The exit of a process that exits with ${code}`);
      }
    },
  },
  {
    id: "process.signal-death",
    title: "reports a death by signal with the signal's name, or with 128 plus its number",
    async run(context) {
      const sandbox = await context.create();
      for (const signal of ["SIGKILL", "SIGTERM"] as const) {
        const { exit } = await context.run(sandbox, `kill -s ${signal.slice(3)} $$; sleep 300`);
        expectExit(context.provider, exit, signal, `The exit of a process that sent itself ${signal}`);
      }
    },
  },
  {
    id: "process.exited-unread",
    title: "settles `exited` though nobody reads the output, which can be read afterwards",
    async run(context) {
      const sandbox = await context.create();
      const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "seq 1 200; seq 1 100 >&2; exit 4"] });
      const exit = await context.within(process.exited, "exited of a process whose output nobody reads");
      expectEqual(exit, { code: 4, signal: null }, "The exit");
      const sequence = (count: number): string =>
        Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");
      const stdout = await context.within(readAll(process.stdout), "standard output after the exit");
      const stderr = await context.within(readAll(process.stderr), "standard error after the exit");
      expectEqual(stdout.toString(), sequence(200), "Standard output, read after the exit");
      expectEqual(stderr.toString(), sequence(100), "Standard error, read after the exit");
    },
  },
  {
    id: "process.exited-background-child",
    title: "does not wait with `exited` for a background child that holds the pipes",
    async run(context) {
      const sandbox = await context.create();
      const conversation = await context.start(sandbox, "sleep 300 & echo started; exit 3");
      expectEqual(await conversation.line(), "started", "The first line");
      const what = "exited of a process whose child lives on";
      const exit = await context.within(
        conversation.process.exited,
        what,
        Math.min(5000, context.patienceMs),
      );
      expectEqual(exit, { code: 3, signal: null }, "The exit");
      await context.within(conversation.process.kill(), "kill() of what is left");
    },
  },
  {
    id: "process.parallel",
    title: "keeps 50 processes at once apart: input, output, environment and exit code",
    async run(context) {
      const sandbox = await context.create();
      const runs = Array.from({ length: 50 }, async (_, index) => {
        const { exit, stdout, stderr } = await context.run(
          sandbox,
          'echo "argument $1, variable $NUMBER"; cat; echo "error $1" >&2; exit "$1"',
          {
            args: [String(index)],
            env: { NUMBER: String(index) },
            input: `input ${index}\n`,
            timeoutMs: 4 * context.patienceMs,
          },
        );
        expectEqual(
          [stdout.toString(), stderr.toString(), exit.code],
          [`argument ${index}, variable ${index}\ninput ${index}\n`, `error ${index}\n`, index],
          `Output, error output and exit code of process ${index}`,
        );
      });
      await Promise.all(runs);
    },
  },
];
