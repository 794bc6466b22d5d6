import { describeError, expectEqual, expectExit, expectTrue } from "../expectations.ts";
import { expectNoneInside, expectSomeInside, processMark } from "../process-marks.ts";
import type { ProviderRequirement } from "../requirement.ts";

export const killRequirements: readonly ProviderRequirement[] = [
  {
    id: "process.kill",
    title: "kills a process, by SIGKILL unless told otherwise, and reports the signal",
    needs: "signals",
    async run(context) {
      const sandbox = await context.create();
      const mark = processMark();
      for (const [signal, expected] of [
        [undefined, "SIGKILL"],
        ["SIGTERM", "SIGTERM"],
        ["SIGINT", "SIGINT"],
      ] as const) {
        const conversation = await context.start(sandbox, "echo ready; exec sleep 300", { env: mark.env });
        await conversation.line();
        await context.within(conversation.process.kill(signal), `kill(${signal ?? ""})`);
        const exit = await context.within(conversation.process.exited, `exited after kill(${signal ?? ""})`);
        expectExit(context.provider, exit, expected, `The exit after kill(${signal ?? ""})`);
        await conversation.rest();
      }
      await expectNoneInside(context, sandbox, mark, "After kill()");
    },
  },
  {
    id: "process.kill-trapped",
    title: "lets a process handle SIGINT, SIGTERM and SIGHUP itself",
    needs: "signals",
    async run(context) {
      const sandbox = await context.create();
      for (const name of ["INT", "TERM", "HUP"] as const) {
        const conversation = await context.start(
          sandbox,
          `trap 'echo trapped; exit 5' ${name}; echo ready; while :; do sleep 0.1; done`,
        );
        await conversation.line();
        await context.within(conversation.process.kill(`SIG${name}`), `kill("SIG${name}")`);
        expectEqual(await conversation.line(), "trapped", `What a process says to SIG${name}`);
        const exit = await context.within(conversation.process.exited, `exited after SIG${name}`);
        expectEqual(exit, { code: 5, signal: null }, `The exit after a trapped SIG${name}`);
      }
    },
  },
  {
    id: "process.kill-escalates",
    title: "kills a process that has ignored the signals before",
    needs: "signals",
    async run(context) {
      const sandbox = await context.create();
      const conversation = await context.start(
        sandbox,
        "trap '' INT; trap 'echo trapped' TERM; echo ready; while :; do sleep 0.1; done",
      );
      await conversation.line();
      await context.within(conversation.process.kill("SIGINT"), 'kill("SIGINT")');
      await context.within(conversation.process.kill("SIGTERM"), 'kill("SIGTERM")');
      expectEqual(await conversation.line(), "trapped", "What the process says to SIGTERM");
      await context.within(conversation.process.kill("SIGKILL"), 'kill("SIGKILL")');
      const exit = await context.within(conversation.process.exited, "exited after SIGKILL");
      expectExit(context.provider, exit, "SIGKILL", "The exit after SIGKILL");
    },
  },
  {
    id: "process.kill-group",
    title: "signals children and grandchildren too",
    needs: "signals",
    async run(context) {
      const sandbox = await context.create();
      for (const signal of ["SIGTERM", "SIGKILL"] as const) {
        const mark = processMark();
        const conversation = await context.start(
          sandbox,
          `sh -c 'sh -c "echo ready; sleep 300; true" & echo ready; sleep 300; true' & echo ready; sleep 300; true`,
          { env: mark.env },
        );
        for (let line = 0; line < 3; line++) await conversation.line();
        await expectSomeInside(context, sandbox, mark, 6);
        await context.within(conversation.process.kill(signal), `kill("${signal}")`);
        await context.within(conversation.process.exited, `exited after ${signal}`);
        await expectNoneInside(context, sandbox, mark, `After ${signal} to a tree`);
      }
    },
  },
  {
    id: "process.kill-setsid",
    title: "kills children that have left the process group",
    needs: "signals",
    async run(context) {
      const sandbox = await context.create();
      const mark = processMark();
      const conversation = await context.start(
        sandbox,
        `setsid sh -c 'setsid sh -c "echo ready; exec sleep 300" & echo ready; exec sleep 300' & wait`,
        { env: mark.env },
      );
      for (let line = 0; line < 2; line++) await conversation.line();
      await expectSomeInside(context, sandbox, mark, 2);
      await context.within(conversation.process.kill(), "kill()");
      await context.within(conversation.process.exited, "exited after kill()");
      await expectNoneInside(context, sandbox, mark, "After kill() of a tree with sessions of its own");
    },
  },
  {
    id: "process.kill-orphans",
    title: "kills the children that a process has left behind",
    needs: "signals",
    async run(context) {
      const sandbox = await context.create();
      const mark = processMark();
      const conversation = await context.start(
        sandbox,
        "sleep 300 & setsid sh -c ': > apart; exec sleep 300' & " +
          "until [ -e apart ]; do sleep 0.05; done; echo ready; exit 0",
        { env: mark.env },
      );
      await conversation.line();
      await expectSomeInside(context, sandbox, mark, 2);
      await context.within(conversation.process.exited, "exited");
      await context.within(conversation.process.kill(), "kill() after the exit");
      await expectNoneInside(context, sandbox, mark, "After kill() of a process whose children live on");
    },
  },
  {
    id: "process.kill-fork-storm",
    title: "kills a tree that goes on forking meanwhile",
    needs: "signals",
    async run(context) {
      const sandbox = await context.create();
      const mark = processMark();
      // Bounded, should nobody end it: four shells that start 200 children each, half of them in sessions of their own.
      const spawner =
        "n=0; while [ $n -lt 100 ]; do sleep 60 & setsid sleep 60 & n=$((n + 1)); sleep 0.01; done; wait";
      const conversation = await context.start(
        sandbox,
        `for shell in 1 2 3; do sh -c '${spawner}' & done; setsid sh -c '${spawner}' & echo ready; ${spawner}`,
        { env: mark.env },
      );
      await conversation.line();
      // Killed amid its growth.
      await expectSomeInside(context, sandbox, mark, 20);
      await context.within(conversation.process.kill(), "kill() of a forking tree");
      await context.within(conversation.process.exited, "exited after kill()");
      await expectNoneInside(context, sandbox, mark, "After kill() of a forking tree");
    },
  },
  {
    id: "process.kill-spares-others",
    title: "leaves the other processes of the sandbox alone",
    needs: "signals",
    async run(context) {
      const sandbox = await context.create();
      const script = 'echo ready; while read -r line; do echo "got $line"; done; exec sleep 300';
      const doomed = await context.start(sandbox, script);
      const spared = await context.start(sandbox, script);
      for (const conversation of [doomed, spared]) await conversation.line();
      await context.within(doomed.process.kill(), "kill()");
      await context.within(doomed.process.exited, "exited after kill()");
      const answer = spared
        .send("word\n")
        .then(() => spared.line())
        .catch(describeError);
      expectEqual(await answer, "got word", "What the other process answers");
    },
  },
  {
    id: "process.kill-after-exit",
    title: "takes killing a process that has ended for done",
    needs: "signals",
    async run(context) {
      const sandbox = await context.create();
      const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "exit 2"], stdin: "ignore" });
      await context.within(process.exited, "exited");
      for (const signal of ["SIGTERM", "SIGKILL", "SIGINT"] as const) {
        await context.within(process.kill(signal), `kill("${signal}") after the exit`);
      }
      expectEqual(await process.exited, { code: 2, signal: null }, "The exit, asked for again");
      expectTrue(
        (await context.text(sandbox, "echo alive")) === "alive\n",
        "Expected the sandbox to live on.",
      );
    },
  },
];
