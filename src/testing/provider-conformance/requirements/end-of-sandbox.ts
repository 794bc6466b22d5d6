import { readAll } from "../conversation.ts";
import { expectEqual, expectRejection, outcomeOf } from "../expectations.ts";
import { expectNoneOnHost, processMark } from "../process-marks.ts";
import type { ProviderRequirement } from "../requirement.ts";
import { listedIds } from "./sandbox.ts";

export const endOfSandboxRequirements: readonly ProviderRequirement[] = [
  {
    id: "sandbox.destroy",
    title: "removes a sandbox from the list, and the way back to it",
    async run(context) {
      const sandbox = await context.create();
      await context.within(sandbox.destroy(), "destroy()");
      expectEqual(await listedIds(context.provider, context.labels), [], "list() after destroy()");
      const connected = context.provider.connect(sandbox.id, { env: {} });
      await context.within(
        expectRejection(connected, ["sandbox_not_found"], "connect() after destroy()"),
        "connect() after destroy()",
      );
    },
  },
  {
    id: "sandbox.destroy-twice",
    title: "takes a second destroy() for done, one after the other and at once",
    async run(context) {
      const [first, second] = [await context.create(), await context.create()];
      await context.within(first.destroy(), "destroy()");
      await context.within(first.destroy(), "the second destroy()");
      await context.within(
        Promise.all([second.destroy(), second.destroy(), second[Symbol.asyncDispose]()]),
        "three destroy() at once",
      );
      expectEqual(await listedIds(context.provider, context.labels), [], "list() after destroy()");
    },
  },
  {
    id: "sandbox.dispose",
    title: "is destroyed at the end of an `await using` block",
    async run(context) {
      {
        await using sandbox = await context.create();
        expectEqual(await context.text(sandbox, "echo alive"), "alive\n", "Output inside the block");
      }
      expectEqual(await listedIds(context.provider, context.labels), [], "list() after the block");
    },
  },
  {
    id: "sandbox.use-after-destroy",
    title: "rejects with a coded error what is asked of a destroyed sandbox",
    async run(context) {
      const sandbox = await context.create();
      await sandbox.files.write("file", "text");
      await sandbox.destroy();
      const gone = ["sandbox_closed", "sandbox_lost"] as const;
      const attempts = [
        ["spawn()", gone, () => sandbox.spawn({ argv: ["/bin/sh", "-c", "true"] })],
        ["files.read()", [...gone, "file_failed"], () => sandbox.files.read("file")],
        ["files.write()", [...gone, "file_failed"], () => sandbox.files.write("file", "text")],
        ["files.list()", [...gone, "file_failed"], () => sandbox.files.list(".")],
      ] as const;
      for (const [name, codes, attempt] of attempts) {
        const what = `${name} after destroy()`;
        await context.within(expectRejection(attempt(), codes, what), what);
      }
    },
  },
  {
    id: "sandbox.destroy-ends-processes",
    title: "ends the streams of running processes within a second, and leaves none of them",
    async run(context) {
      const sandbox = await context.create();
      const mark = processMark();
      const options = { env: mark.env };
      const silent = await context.start(sandbox, "echo ready; exec sleep 300", options);
      const busy = await context.start(sandbox, "echo ready; exec yes", options);
      const stubborn = await context.start(
        sandbox,
        `trap '' HUP INT TERM; setsid sh -c 'echo ready; exec sleep 300' & wait`,
        options,
      );
      const all = [silent, busy, stubborn];
      for (const conversation of all) await conversation.line();
      await context.within(sandbox.destroy(), "destroy() with running processes");
      // A lost connection may fail a stream; what it may not do is to leave it open.
      const ended = all.flatMap((conversation) => [
        outcomeOf(conversation.rest()),
        outcomeOf(readAll(conversation.process.stderr)),
        outcomeOf(conversation.process.exited),
      ]);
      await context.within(Promise.all(ended), "the streams to end after destroy()", 1000);
      await expectNoneOnHost(context, mark, "After destroy()");
    },
  },
  {
    id: "sandbox.destroy-spares-others",
    title: "leaves other sandboxes and their processes alone when one is destroyed",
    async run(context) {
      const [doomed, spared] = [await context.create(), await context.create()];
      const conversation = await context.start(spared, "echo ready; exec cat");
      await conversation.line();
      await context.within(doomed.destroy(), "destroy()");
      await conversation.send("still here\n");
      expectEqual(await conversation.line(), "still here", "What a process in the other sandbox answers");
      expectEqual(await listedIds(context.provider, context.labels), [spared.id], "list() afterwards");
    },
  },
];
