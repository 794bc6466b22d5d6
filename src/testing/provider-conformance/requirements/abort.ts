import { setTimeout as delay } from "node:timers/promises";
import { expectAbort, expectEqual, expectTrue, outcomeOf } from "../expectations.ts";
import { expectNoneInside, expectSomeInside, processMark } from "../process-marks.ts";
import type { ProviderContext, ProviderRequirement } from "../requirement.ts";
import { listedIds } from "./sandbox.ts";

/** `undefined` aborts before anything asynchronous can have happened. */
const delaysMs = [undefined, 0, 1, 2, 5, 10, 20, 50, 100, 200] as const;

/** Aborts an operation at different moments; the one that succeeds all the same is handed to `undo`. */
async function abortAtDifferentMoments<Value>(
  context: ProviderContext,
  what: string,
  operation: (signal: AbortSignal) => Promise<Value>,
  undo: (value: Value) => Promise<unknown>,
): Promise<void> {
  for (const delayMs of delaysMs) {
    const controller = new AbortController();
    const reason = new Error(`aborted after ${delayMs ?? "no"} ms`);
    const outcome = outcomeOf(operation(controller.signal));
    if (delayMs !== undefined) await Promise.race([delay(delayMs), outcome]);
    controller.abort(reason);
    const result = await context.within(outcome, `${what}, ${reason.message}`);
    if (result.status === "resolved") {
      await context.within(undo(result.value), `the end of what ${what} gave`);
      expectTrue(delayMs !== undefined, `${what}: expected a rejection when aborted right after the call.`);
    } else {
      await expectAbort(Promise.reject(result.reason), reason, `${what}, ${reason.message}`);
    }
  }
}

async function expectNothingListed(context: ProviderContext, what: string): Promise<void> {
  const end = performance.now() + context.patienceMs;
  for (;;) {
    const ids = await listedIds(context.provider, context.labels);
    if (ids.length === 0) return;
    if (performance.now() > end)
      throw new Error(`${what}: expected no sandbox to be left, saw ${ids.join(", ")}.`);
    await delay(100);
  }
}

export const abortRequirements: readonly ProviderRequirement[] = [
  {
    id: "sandbox.create-abort-before",
    title: "creates nothing when the signal is aborted already",
    async run(context) {
      const reason = new Error("aborted before");
      const created = context.create({}, { signal: AbortSignal.abort(reason) });
      await context.within(expectAbort(created, reason, "create()"), "create() with an aborted signal");
      await expectNothingListed(context, "create() with an aborted signal");
    },
  },
  {
    id: "sandbox.create-abort-during",
    title: "leaves nothing when it is aborted while it creates",
    async run(context) {
      await abortAtDifferentMoments(
        context,
        "create()",
        (signal) => context.create({}, { signal }),
        (sandbox) => sandbox.destroy(),
      );
      await expectNothingListed(context, "create(), aborted meanwhile");
    },
  },
  {
    id: "process.spawn-abort-before",
    title: "starts nothing when the signal is aborted already",
    async run(context) {
      const sandbox = await context.create();
      const reason = new Error("aborted before");
      const signal = AbortSignal.abort(reason);
      const spawned = sandbox.spawn({ argv: ["/bin/sh", "-c", ": > started"] }, { signal });
      await context.within(expectAbort(spawned, reason, "spawn()"), "spawn() with an aborted signal");
      const found = await context.text(sandbox, "sleep 0.2; ls");
      expectEqual(found, "", "Files that the process has left");
    },
  },
  {
    id: "process.spawn-abort-during",
    title: "leaves no process when it is aborted while it starts one",
    async run(context) {
      const sandbox = await context.create();
      const mark = processMark();
      await abortAtDifferentMoments(
        context,
        "spawn()",
        (signal) =>
          sandbox.spawn(
            { argv: ["/bin/sh", "-c", "setsid sleep 300 & exec sleep 300"], env: mark.env },
            { signal },
          ),
        async (process) => {
          await expectSomeInside(context, sandbox, mark, 1);
          await process.kill();
          await process.exited;
        },
      );
      await expectNoneInside(context, sandbox, mark, "spawn(), aborted meanwhile");
    },
  },
  {
    id: "files.abort",
    title: "does nothing to a file when the signal is aborted already",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      await files.write("kept", "old");
      const reason = new Error("aborted before");
      const options = { signal: AbortSignal.abort(reason) };
      const attempts = {
        read: () => files.read("kept", options),
        readText: () => files.readText("kept", options),
        write: () => files.write("kept", "new", options),
        list: () => files.list(".", options),
        stat: () => files.stat("kept", options),
        mkdir: () => files.mkdir("folder", options),
        remove: () => files.remove("kept", options),
        move: () => files.move("kept", "moved", options),
        upload: () => files.upload("folder", new Blob([]).stream(), options),
        download: () => files.download(".", options),
      };
      for (const [operation, attempt] of Object.entries(attempts)) {
        const what = `files.${operation}() with an aborted signal`;
        await context.within(expectAbort(attempt(), reason, what), what);
      }
      expectEqual(await files.readText("kept"), "old", "The file afterwards");
      expectEqual((await files.list(".")).length, 1, "Files in the working directory afterwards");
    },
  },
];
