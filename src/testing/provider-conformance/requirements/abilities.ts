import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { SandboxAgentError } from "../../../errors/sandbox-agent-error.ts";
import type { SandboxAbility } from "../../../spec/sandbox-abilities.ts";
import type { Sandbox } from "../../../spec/sandbox.ts";
import { abilityMethods, declaresAbility, hasMethod, isAbility, withAbility } from "../ability-of.ts";
import { describeError, expectEqual, expectRejection, expectTrue, outcomeOf } from "../expectations.ts";
import type { ProviderContext, ProviderRequirement } from "../requirement.ts";
import { listedIds } from "./sandbox.ts";

const abilities = Object.keys(abilityMethods).filter(isAbility);

/** Abilities of the sandbox itself; those that have more to them have files of their own. */
export const abilityRequirements: readonly ProviderRequirement[] = [
  {
    id: "ability.present-as-declared",
    title: "gives its sandboxes the methods of the abilities that it declares, and of no other",
    async run(context) {
      const { provider } = context;
      const declared: readonly string[] = provider.capabilities.abilities ?? [];
      const unknown = declared.filter((name) => !isAbility(name));
      expectEqual(unknown, [], "Names in capabilities.abilities that are no abilities");
      expectEqual(new Set(declared).size, declared.length, "Different names in capabilities.abilities");
      expectEqual(
        provider.snapshots !== undefined,
        declaresAbility(provider, "snapshot"),
        "Whether there are `snapshots`, for a provider with these abilities",
      );
      const sandbox = await context.create();
      expectMethods(context, sandbox, "the sandbox created");
      if (declared.length === 0 || provider.capabilities.detach === "none") return;
      await context.within(sandbox.detach({ ttlMs: 600_000 }), "detach()");
      const connected = context.track(await provider.connect(sandbox.id, { env: {} }));
      expectMethods(context, connected, "the sandbox connected to");
    },
  },
  {
    id: "ability.after-destroy",
    title: "rejects every ability of a destroyed sandbox with sandbox_closed",
    async run(context) {
      const { provider } = context;
      if ((provider.capabilities.abilities ?? []).length === 0) return;
      const sandbox = await context.create();
      await context.within(sandbox.destroy(), "destroy()");
      for (const ability of abilities.filter((name) => declaresAbility(provider, name))) {
        for (const [method, use] of Object.entries(uses[ability](sandbox))) {
          const what = `${method}() after destroy()`;
          await context.within(expectRejection(use(), ["sandbox_closed"], what), what);
        }
      }
    },
  },
  {
    id: "ability.pause",
    title: "stops the processes at pause(), starts none, and goes on at resume()",
    needs: "pause",
    async run(context) {
      const sandbox = withAbility(await context.create(), "pause");
      const counter = await context.start(sandbox, `(${countScript}) <&- >/dev/null 2>&1 & echo started`);
      await counter.line();
      await counter.process.exited;
      const count = async (): Promise<number> => Number(await context.text(sandbox, "cat count"));
      while ((await context.text(sandbox, "cat count 2>/dev/null || echo 0")).trim() === "0") await delay(20);
      const runningSince = performance.now();
      const before = await count();
      await context.within(sandbox.pause(), "pause()");
      const pausedAt = performance.now();
      await expectNoneStarted(sandbox);
      await delay(Math.max(0, pausedMs - (performance.now() - pausedAt)));
      const resumedAt = performance.now();
      await context.within(sandbox.resume(), "resume()");
      const after = await count();
      const runningMs = pausedAt - runningSince + (performance.now() - resumedAt);
      const most = Math.ceil(runningMs / tickMs) + 2;
      expectTrue(
        after - before <= most,
        `What a process counted at every ${String(tickMs)} ms, over a pause: expected ${String(most)} at most, ` +
          `saw ${String(after - before)}.`,
      );
      await context.within(sandbox.pause(), "a second pause()");
      await context.within(sandbox.resume(), "a second resume()");
      expectEqual(await context.text(sandbox, "echo alive"), "alive\n", "A process after resume()");
    },
  },
  {
    id: "ability.fork",
    title: "forks a sandbox into two that go their own ways, with the files and labels of the first",
    needs: "fork",
    async run(context) {
      const sandbox = withAbility(await context.create(), "fork");
      await sandbox.files.write("kept", "text");
      const labels = { "conformance.fork": "yes" };
      const fork = context.track(await context.within(sandbox.fork({ labels }), "fork()"));
      expectTrue(fork.id !== sandbox.id, "id of the fork: expected another than that of the first.");
      for (const [name, value] of Object.entries({ ...context.labels, ...labels })) {
        expectEqual(fork.labels[name], value, `labels["${name}"] of the fork`);
      }
      expectEqual(await listedIds(context.provider, labels), [fork.id], "list() by the label of the fork");
      expectEqual(await context.text(fork, "cat kept"), "text", "A file written before fork(), in the fork");
      await context.text(fork, "echo fork > own");
      await context.text(sandbox, "echo first > own");
      expectEqual(await context.text(fork, "cat own"), "fork\n", "What the fork has in its file `own`");
      expectEqual(await context.text(sandbox, "cat own"), "first\n", "What the first has in its file `own`");
      await context.within(fork.destroy(), "destroy() of the fork");
      expectEqual(await listedIds(context.provider, context.labels), [sandbox.id], "list() after that");
      expectEqual(await context.text(sandbox, "cat kept"), "text", "A file of the first after that");
    },
  },
  {
    id: "ability.extend",
    title: "puts off the end of a sandbox at extend()",
    needs: "extend",
    async run(context) {
      const ttlMs = 3000;
      const sandbox = withAbility(await context.create({ ttlMs }), "extend");
      const created = performance.now();
      await context.within(sandbox.extend(600_000), "extend()");
      await delay(Math.max(0, ttlMs + 1500 - (performance.now() - created)));
      expectEqual(
        await listedIds(context.provider, context.labels),
        [sandbox.id],
        "list() when the first time is over",
      );
      expectEqual(await context.text(sandbox, "echo alive"), "alive\n", "A process when it is over");
    },
  },
  {
    id: "ability.metrics",
    title: "measures the sandbox in the units that the contract names",
    needs: "metrics",
    async run(context) {
      const sandbox = withAbility(await context.create(), "metrics");
      const metrics = await context.within(sandbox.metrics(), "metrics()");
      const known = ["cpus", "memoryBytes", "memoryLimitBytes", "diskBytes", "processes"];
      const named = Object.entries(metrics).filter(([, value]) => value !== undefined);
      expectTrue(named.length > 0, "metrics(): expected at least one measure, saw none.");
      for (const [name, value] of named) {
        expectTrue(known.includes(name), `metrics(): expected only ${known.join(", ")}, saw ${name}.`);
        const isNumber = typeof value === "number" && Number.isFinite(value) && value >= 0;
        expectTrue(isNumber, `metrics().${name}: expected a number from 0, saw ${String(value)}.`);
      }
      const { memoryBytes = 1, memoryLimitBytes = Infinity } = metrics;
      // A shell takes more than that; so this tells bytes from kilobytes and from a share.
      expectTrue(
        memoryBytes === 0 || memoryBytes === 1 || memoryBytes > 65_536,
        `metrics().memoryBytes: expected bytes, saw ${String(memoryBytes)}.`,
      );
      expectTrue(
        memoryBytes <= memoryLimitBytes,
        `metrics(): expected memoryBytes (${String(memoryBytes)}) within memoryLimitBytes (${String(memoryLimitBytes)}).`,
      );
    },
  },
];

const tickMs = 100;
const pausedMs = 2000;

const countScript = `
count=0
while :; do
  count=$((count + 1))
  echo "$count" > count.new && mv count.new count
  sleep 0.1 || exit
done`;

type Uses = {
  readonly [Name in SandboxAbility]: (sandbox: Sandbox) => {
    readonly [method: string]: () => Promise<unknown>;
  };
};

/** One call of every method, such as would do something to a sandbox that is there. */
const uses: Uses = {
  snapshot: (sandbox) => ({ snapshot: () => withAbility(sandbox, "snapshot").snapshot() }),
  pause: (sandbox) => ({
    pause: () => withAbility(sandbox, "pause").pause(),
    resume: () => withAbility(sandbox, "pause").resume(),
  }),
  fork: (sandbox) => ({ fork: () => withAbility(sandbox, "fork").fork() }),
  expose: (sandbox) => ({ expose: () => withAbility(sandbox, "expose").expose(3000) }),
  terminal: (sandbox) => ({ terminal: () => withAbility(sandbox, "terminal").terminal() }),
  extend: (sandbox) => ({ extend: () => withAbility(sandbox, "extend").extend(60_000) }),
  "network-policy": (sandbox) => ({
    setNetworkPolicy: () => withAbility(sandbox, "network-policy").setNetworkPolicy("deny-all"),
  }),
  metrics: (sandbox) => ({ metrics: () => withAbility(sandbox, "metrics").metrics() }),
  watch: (sandbox) => ({
    watch: async () => {
      for await (const _change of withAbility(sandbox, "watch").watch(sandbox.cwd)) return;
    },
  }),
};

function expectMethods({ provider }: ProviderContext, sandbox: Sandbox, what: string): void {
  for (const ability of abilities) {
    for (const method of abilityMethods[ability]) {
      expectEqual(
        hasMethod(sandbox, method),
        declaresAbility(provider, ability),
        `Whether ${what} has ${method}(), for a provider that ` +
          `${declaresAbility(provider, ability) ? "declares" : "does not declare"} "${ability}"`,
      );
    }
  }
}

/** Either refused at once, or not done before the sandbox goes on. */
async function expectNoneStarted(sandbox: Sandbox): Promise<void> {
  const abort = new AbortController();
  const name = `started-${randomUUID()}`;
  const argv = ["/bin/sh", "-c", `touch ${name}`] as const;
  const started = outcomeOf(sandbox.spawn({ argv, stdin: "ignore" }, { signal: abort.signal }));
  const outcome = await Promise.race([started, delay(pausedMs / 2, undefined)]);
  if (outcome === undefined) {
    // Whatever becomes of it, the requirement does not wait for it.
    abort.abort();
    return;
  }
  if (outcome.status === "resolved") throw new Error("spawn() in a paused sandbox: expected none to start.");
  expectTrue(
    SandboxAgentError.is(outcome.reason),
    `spawn() in a paused sandbox: expected a SandboxAgentError, saw ${describeError(outcome.reason)}.`,
  );
}
