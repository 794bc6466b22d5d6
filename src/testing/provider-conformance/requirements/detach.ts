import { setTimeout as delay } from "node:timers/promises";
import { labelNames } from "../../../sandbox/labels.ts";
import { expectEqual, expectRejection, expectTrue } from "../expectations.ts";
import { expectNoneOnHost, expectSomeInside, processMark } from "../process-marks.ts";
import type { ProviderRequirement } from "../requirement.ts";
import { listedIds } from "./sandbox.ts";

const dayMs = 86_400_000;

export const detachRequirements: readonly ProviderRequirement[] = [
  {
    id: "sandbox.detach-connect",
    title: "connects to a detached sandbox, with its files, labels and processes",
    needs: "detach",
    async run(context) {
      const first = await context.create({ env: { STAGE: "first" } });
      const mark = processMark();
      await first.files.write("kept", "text");
      const conversation = await context.start(first, "setsid sleep 300 <&- >/dev/null 2>&1 & echo ready", {
        env: mark.env,
      });
      await conversation.line();
      await conversation.process.exited;
      await context.within(first.detach({ ttlMs: dayMs }), "detach()");
      const env = { STAGE: "second" };
      const second = context.track(
        await context.within(context.provider.connect(first.id, { env }), "connect()"),
      );
      expectEqual(second.id, first.id, "id of the connected sandbox");
      expectEqual(second.cwd, first.cwd, "cwd of the connected sandbox");
      for (const [name, value] of Object.entries(context.labels)) {
        expectEqual(second.labels[name], value, `labels["${name}"] of the connected sandbox`);
      }
      expectEqual(await second.files.readText("kept"), "text", "A file written before detach()");
      expectEqual(
        await context.text(second, "echo $STAGE"),
        "second\n",
        "The environment given to connect()",
      );
      await expectSomeInside(context, second, mark, 1);
      await context.within(second.destroy(), "destroy() of the connected sandbox");
      expectEqual(await listedIds(context.provider, context.labels), [], "list() after destroy()");
      await expectNoneOnHost(context, mark, "After destroy() of the connected sandbox");
    },
  },
  {
    id: "sandbox.detach-closes",
    title: "rejects what is asked of a handle that was detached",
    needs: "detach",
    async run(context) {
      const sandbox = await context.create();
      await context.within(sandbox.detach({ ttlMs: dayMs }), "detach()");
      const connected = context.track(await context.provider.connect(sandbox.id, { env: {} }));
      const what = "spawn() after detach()";
      const spawned = sandbox.spawn({ argv: ["/bin/sh", "-c", "true"] });
      await context.within(expectRejection(spawned, ["sandbox_closed"], what), what);
      await connected.destroy();
    },
  },
  {
    id: "sandbox.detach-dispose",
    title: "leaves a detached sandbox alone when the handle that let go of it is destroyed",
    needs: "detach",
    async run(context) {
      const sandbox = await context.create();
      await context.within(sandbox.detach({ ttlMs: dayMs }), "detach()");
      await context.within(sandbox.destroy(), "destroy() of the detached handle");
      expectEqual(await listedIds(context.provider, context.labels), [sandbox.id], "list() afterwards");
      const connected = context.track(await context.provider.connect(sandbox.id, { env: {} }));
      expectEqual(await context.text(connected, "echo alive"), "alive\n", "A process in it");
    },
  },
  {
    id: "sandbox.detach-renews-expiry",
    title: "has the new end of a detached sandbox in its labels, where it declares so",
    needs: "detach",
    async run(context) {
      if (context.provider.capabilities.renewsExpiry !== true) return;
      const name = labelNames.expiresAt;
      const labels = { ...context.labels, [name]: new Date(0).toISOString() };
      const sandbox = await context.create({ labels });
      // What is written is the same minute, if not the same millisecond.
      const least = Date.now() + dayMs - 60_000;
      await context.within(sandbox.detach({ ttlMs: dayMs }), "detach()");
      const connected = context.track(await context.provider.connect(sandbox.id, { env: {} }));
      const told = [connected.labels[name]];
      for await (const info of context.provider.list({ labels: context.labels }))
        told.push(info.labels[name]);
      expectEqual(told.length, 2, "How often it is told of by connect() and list()");
      for (const expiry of told) {
        const isRight = Date.parse(expiry ?? "") >= least;
        expectTrue(
          isRight,
          `labels["${name}"] after detach(): expected a day from now, saw ${String(expiry)}.`,
        );
      }
      await connected.destroy();
    },
  },
  {
    id: "sandbox.detach-expires",
    title: "ends a detached sandbox with all it holds when its time is over",
    needs: "detach",
    async run(context) {
      const sandbox = await context.create();
      const mark = processMark();
      const conversation = await context.start(sandbox, "setsid sleep 300 >/dev/null 2>&1 & echo ready", {
        env: mark.env,
      });
      await conversation.line();
      const ttlMs = 2000;
      await context.within(sandbox.detach({ ttlMs }), "detach()");
      expectEqual(await listedIds(context.provider, context.labels), [sandbox.id], "list() after detach()");
      const end = performance.now() + ttlMs + context.patienceMs;
      while ((await listedIds(context.provider, context.labels)).length > 0) {
        if (performance.now() > end) {
          throw new Error(`Expected the sandbox to be gone after ${ttlMs} ms, but it is still listed.`);
        }
        await delay(100);
      }
      const what = "connect() after the end";
      const connected = context.provider.connect(sandbox.id, { env: {} });
      await context.within(expectRejection(connected, ["sandbox_not_found"], what), what);
      await expectNoneOnHost(context, mark, "After the end of a detached sandbox");
    },
  },
];
