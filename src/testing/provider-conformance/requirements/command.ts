import type { Command, Sandbox } from "../../../spec/sandbox.ts";
import { expectEqual, expectRejection, expectTrue } from "../expectations.ts";
import type { ProviderContext, ProviderRequirement } from "../requirement.ts";
import { oddTexts } from "../sample-data.ts";

const printArguments = `for argument; do printf '%s\\0' "$argument"; done`;

async function expectSpawnFailed(
  context: ProviderContext,
  sandbox: Sandbox,
  command: Command,
): Promise<void> {
  const what = `spawn() of ${JSON.stringify(command)}`;
  const error = await context.within(expectRejection(sandbox.spawn(command), ["spawn_failed"], what), what);
  expectTrue(
    error.details.command.includes(command.argv[0]),
    `${what}: expected details.command to name ${command.argv[0]}, saw ${error.details.command}.`,
  );
  expectEqual(await context.text(sandbox, "echo alive"), "alive\n", "A process after a failed spawn()");
}

export const commandRequirements: readonly ProviderRequirement[] = [
  {
    id: "process.argv-exact",
    title: "hands over arguments exactly: blanks, quotes, line breaks, unicode, empty ones, $(), globs",
    async run(context) {
      const sandbox = await context.create();
      const args = [...oddTexts, "x".repeat(100_000)];
      const output = await context.text(sandbox, printArguments, { args });
      expectEqual(output.split("\0").slice(0, -1), args, "The arguments that a process got");
    },
  },
  {
    id: "process.argv-program",
    title: "runs a program by its path, however odd, and by its name from PATH",
    async run(context) {
      const sandbox = await context.create();
      const folder = `${sandbox.cwd}/odd $(folder) 'ü`;
      const program = `${folder}/-a program`;
      await context.text(
        sandbox,
        `mkdir "$1" && printf '#!/bin/sh\\nprintf "<%%s>" "$@"\\n' > "$2" && chmod 755 "$2"`,
        { args: [folder, program] },
      );
      for (const argv of [
        [program, "a b", ""],
        ["printf", "<%s>", "a b", ""],
      ] as const) {
        const process = await context.within(sandbox.spawn({ argv }), `spawn() of ${argv[0]}`);
        const text = new Response(process.stdout).text();
        expectEqual(await context.within(text, `output of ${argv[0]}`), "<a b><>", `Output of ${argv[0]}`);
      }
    },
  },
  {
    id: "process.command-missing",
    title: "rejects with spawn_failed when the command is not there",
    async run(context) {
      const sandbox = await context.create();
      await expectSpawnFailed(context, sandbox, { argv: ["no-such-command-anywhere", "an argument"] });
      await expectSpawnFailed(context, sandbox, { argv: ["/no/such/command"] });
    },
  },
  {
    id: "process.command-not-executable",
    title: "rejects with spawn_failed when the command may not be executed",
    async run(context) {
      const sandbox = await context.create();
      await context.text(sandbox, "printf '#!/bin/sh\\n' > plain; chmod 644 plain; mkdir folder");
      await expectSpawnFailed(context, sandbox, { argv: [`${sandbox.cwd}/plain`] });
      await expectSpawnFailed(context, sandbox, { argv: [`${sandbox.cwd}/folder`] });
    },
  },
  {
    id: "process.cwd-default",
    title: "starts processes in the sandbox's working directory, which exists and can be written to",
    async run(context) {
      const sandbox = await context.create();
      const script = 'pwd -P; cd "$1" && pwd -P; : > file && echo written';
      const [cwd, expected, written] = (await context.text(sandbox, script, { args: [sandbox.cwd] })).split(
        "\n",
      );
      expectEqual(cwd, expected, "Working directory of a process");
      expectEqual(written, "written", "Whether a process can write there");
    },
  },
  {
    id: "process.cwd-given",
    title: "starts a process in the folder asked for",
    async run(context) {
      const sandbox = await context.create();
      const cwd = `${sandbox.cwd}/a folder/$(odd) 'ü`;
      await context.text(sandbox, 'mkdir -p "$1"; cd "$1"; : > here', { args: [cwd] });
      expectEqual(await context.text(sandbox, "ls", { cwd }), "here\n", `What lies in ${cwd}`);
      expectEqual(
        await context.text(sandbox, "pwd", { cwd: "/" }),
        "/\n",
        "Working directory of a process in /",
      );
    },
  },
  {
    id: "process.cwd-missing",
    title: "rejects with spawn_failed when the working directory is not there",
    async run(context) {
      const sandbox = await context.create();
      await context.text(sandbox, ": > file");
      const argv = ["/bin/sh", "-c", "echo started"] as const;
      await expectSpawnFailed(context, sandbox, { argv, cwd: `${sandbox.cwd}/not there` });
      await expectSpawnFailed(context, sandbox, { argv, cwd: `${sandbox.cwd}/file` });
    },
  },
  {
    id: "process.user",
    title: "runs a process as the user asked for, and the next one as the sandbox's own",
    needs: "users",
    async run(context) {
      const sandbox = await context.create();
      const usual = await context.text(sandbox, "id -u; id -g");
      const options = { user: "65534:65534", cwd: "/" };
      expectEqual(await context.text(sandbox, "id -u; id -g", options), "65534\n65534\n", "As 65534:65534");
      expectEqual(await context.text(sandbox, "id -u; id -g"), usual, "As the sandbox's own user again");
    },
  },
];
