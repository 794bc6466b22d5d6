import { randomUUID } from "node:crypto";
import { expectEqual, expectTrue } from "../expectations.ts";
import type { ProviderRequirement } from "../requirement.ts";
import { oddTexts } from "../sample-data.ts";

export const environmentRequirements: readonly ProviderRequirement[] = [
  {
    id: "process.env-exact",
    title: "hands over environment variables exactly: line breaks, =, quotes, unicode, empty ones",
    async run(context) {
      const sandbox = await context.create();
      const env: { [name: string]: string } = { lower_case: "small", _: "replaced by every shell", A1: "1" };
      const values = [...oddTexts, "x".repeat(100_000)];
      for (const [index, value] of values.entries()) env[`ODD_${String(index)}`] = value;
      const names = Object.keys(env).filter((name) => name !== "_");
      const script = names.map((name) => `printf '%s\\0' "\${${name}-unset}"`).join("\n");
      const output = (await context.text(sandbox, script, { env })).split("\0").slice(0, -1);
      expectEqual(
        output,
        names.map((name) => env[name] ?? ""),
        "The values that a process got",
      );
    },
  },
  {
    id: "process.env-own",
    title: "keeps the environment of one process from all others",
    async run(context) {
      const sandbox = await context.create();
      const script = 'read -r line; echo "${ONLY-unset} ${OTHER-unset}"';
      const one = await context.start(sandbox, script, { env: { ONLY: "one" } });
      const two = await context.start(sandbox, script, { env: { OTHER: "two" } });
      const three = await context.start(sandbox, script);
      for (const conversation of [one, two, three]) await conversation.send("go\n");
      expectEqual(await one.line(), "one unset", "ONLY and OTHER in the process that got ONLY");
      expectEqual(await two.line(), "unset two", "ONLY and OTHER in the process that got OTHER");
      expectEqual(await three.line(), "unset unset", "ONLY and OTHER in the process that got neither");
      expectEqual(await context.text(sandbox, "echo ${ONLY-unset}"), "unset\n", "ONLY in the next process");
    },
  },
  {
    id: "sandbox.env",
    title: "gives the sandbox's environment to each process, whose own goes before it",
    async run(context) {
      const sandbox = await context.create({
        env: { SHARED: "line\nbreak = $HOME 'ü'", CHANGED: "sandbox" },
      });
      const script = `printf '%s|' "$SHARED" "$CHANGED"`;
      const shared = "line\nbreak = $HOME 'ü'|";
      expectEqual(await context.text(sandbox, script), `${shared}sandbox|`, "The first process");
      const env = { CHANGED: "process" };
      expectEqual(
        await context.text(sandbox, script, { env }),
        `${shared}process|`,
        "One with its own value",
      );
      expectEqual(await context.text(sandbox, script), `${shared}sandbox|`, "The process after it");
    },
  },
  {
    id: "sandbox.env-usual",
    title: "has a PATH and a HOME that can be written to without being told",
    async run(context) {
      const sandbox = await context.create();
      const script =
        ': "${PATH:?is not set}" "${HOME:?is not set}"; : > "$HOME/.conformance" && rm "$HOME/.conformance"';
      await context.text(sandbox, `${script} && echo fine`);
    },
  },
  {
    id: "sandbox.env-host-hidden",
    title: "keeps the host's own environment out of the sandbox",
    async run(context) {
      const name = "CONFORMANCE_HOST_SECRET";
      const secret = randomUUID();
      process.env[name] = secret;
      try {
        const sandbox = await context.create();
        expectEqual(
          await context.text(sandbox, `echo "\${${name}-unset}"`),
          "unset\n",
          "A variable of the host",
        );
      } finally {
        Reflect.deleteProperty(process.env, name);
      }
    },
  },
  {
    id: "process.secrets-hidden",
    title: "shows no environment variable in the arguments of any process inside",
    async run(context) {
      const [ofSandbox, ofProcess] = [randomUUID(), randomUUID()];
      const sandbox = await context.create({ env: { SECRET_OF_SANDBOX: ofSandbox } });
      const running = await context.start(sandbox, "echo ready; exec cat", {
        env: { SECRET_OF_PROCESS: ofProcess },
      });
      await running.line();
      const look = `for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < "$file"; echo; done 2>/dev/null; :`;
      const seen = await context.text(sandbox, look, { env: { SECRET_OF_PROCESS: ofProcess } });
      for (const line of seen.split("\n")) {
        expectTrue(
          !line.includes(ofSandbox) && !line.includes(ofProcess),
          `Expected no secret in the arguments of a process, saw ${line}`,
        );
      }
      expectTrue(seen.includes("cat"), "The list of processes could not be read inside the sandbox.");
    },
  },
];
