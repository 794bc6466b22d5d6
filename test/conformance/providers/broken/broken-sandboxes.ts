import { setTimeout as delay } from "node:timers/promises";
import type { Sandbox } from "playpen/kit";
import { breakCommand, breakProvider, breakSandbox, breakSpec, changed } from "./change.ts";
import type { BrokenProvider } from "./broken-provider.ts";

/** Waits no longer than until the abort, and lets go on what it does not wait for: the usual mistake. */
async function raced<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  promise.catch(() => undefined);
  return Promise.race([
    promise,
    new Promise<never>((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    }),
  ]);
}

export const brokenSandboxes: readonly BrokenProvider[] = [
  {
    id: "provider.name",
    how: "has a slash in its name",
    make: breakProvider(() => ({ name: "folder/1" })),
    seen: /name: expected small letters/,
  },
  {
    id: "provider.capabilities",
    how: "leaves a capability out",
    make: breakProvider(({ capabilities: { stdin: _, ...rest } }) => ({ capabilities: rest as never })),
    seen: /capabilities\.stdin: .* saw undefined/,
  },
  {
    id: "provider.check",
    how: "finds its engine missing",
    make: breakProvider(() => ({
      check: () => Promise.resolve({ available: false, reason: "No engine answers.", remedy: "Start it." }),
    })),
    seen: /saw: No engine answers/,
  },
  {
    id: "provider.connect-unknown",
    how: "rejects with an error of its vendor's",
    make: breakProvider(() => ({ connect: () => Promise.reject(new Error("404 not found")) })),
    seen: /expected a SandboxAgentError with code sandbox_not_found, saw Error: 404/,
  },
  {
    id: "provider.refuses-detach",
    how: "does nothing, silently",
    make: breakSandbox(() => ({ detach: () => Promise.resolve() })),
    seen: /detach\(\) .*but it resolved/,
  },
  {
    id: "provider.refuses-user",
    how: "drops the user, silently",
    make: breakCommand(({ user: _, ...command }) => command),
    seen: /as another user .*but it resolved/,
  },
  {
    id: "sandbox.create",
    how: "loses the labels",
    make: breakSandbox(() => ({ labels: {} })),
    seen: /labels\["conformance.run"\] of the sandbox: .* saw undefined/,
  },
  {
    id: "sandbox.apart",
    how: "hands out one sandbox to all",
    make: (provider) => {
      let only: Promise<Sandbox> | undefined;
      return changed(provider, { create: (spec) => (only ??= provider.create(spec)) });
    },
    seen: /Different ids of 4 sandboxes: expected 4, saw 1/,
  },
  {
    id: "sandbox.cwd-given",
    how: "ignores the working directory asked for",
    make: breakSpec(({ cwd: _, ...spec }) => spec),
    seen: /cwd of the sandbox: expected/,
  },
  {
    id: "sandbox.list",
    how: "lists without labels",
    make: breakProvider((provider) => ({
      async *list(filter) {
        for await (const info of provider.list(filter)) yield { ...info, labels: {} };
      },
    })),
    seen: /list\(\) by label: labels/,
  },
  {
    id: "sandbox.list-filter",
    how: "finds a label by the beginning of its value",
    make: breakProvider((provider) => ({
      async *list(filter) {
        for await (const info of provider.list()) {
          const wanted = Object.entries(filter?.labels ?? {});
          if (wanted.every(([name, value]) => info.labels[name]?.startsWith(value))) yield info;
        }
      },
    })),
    seen: /list\(\) of a part of a value/,
  },
  {
    id: "sandbox.destroy",
    how: "does nothing at destroy()",
    make: breakSandbox(() => ({ destroy: () => Promise.resolve() })),
    seen: /list\(\) after destroy\(\): expected \[\]/,
  },
  {
    id: "sandbox.destroy-twice",
    how: "does not find what it destroyed before",
    make: breakSandbox((sandbox) => {
      let isGone = false;
      return {
        destroy: async () => {
          if (isGone) throw new Error("No such sandbox.");
          isGone = true;
          await sandbox.destroy();
        },
      };
    }),
    seen: /No such sandbox/,
  },
  {
    id: "sandbox.dispose",
    how: "leaves the sandbox at the end of the block",
    make: breakSandbox(() => ({ [Symbol.asyncDispose]: () => Promise.resolve() })),
    seen: /list\(\) after the block: expected \[\]/,
  },
  {
    id: "sandbox.use-after-destroy",
    how: "rejects with a bare error",
    make: breakSandbox((sandbox) => ({
      spawn: async (command, options) => {
        try {
          return await sandbox.spawn(command, options);
        } catch {
          throw new Error("socket hang up");
        }
      },
    })),
    seen: /spawn\(\) after destroy\(\): .* saw Error: socket hang up/,
  },
  {
    id: "sandbox.destroy-ends-processes",
    how: "removes the sandbox from the list only",
    make: breakSandbox(() => ({ destroy: () => Promise.resolve() })),
    seen: /Waited 1000 ms for the streams to end after destroy/,
  },
  {
    id: "sandbox.destroy-spares-others",
    how: "destroys every sandbox of its name",
    make: (provider) => {
      const all = new Set<Sandbox>();
      return breakSandbox((sandbox) => {
        all.add(sandbox);
        return {
          destroy: async () => {
            await Promise.all([...all].map((each) => each.destroy()));
          },
        };
      })(provider);
    },
    seen: /standard input|standard output|ended|EPIPE/i,
  },
  {
    id: "sandbox.detach-connect",
    how: "ends the sandbox at detach()",
    base: "local",
    make: breakSandbox((sandbox) => ({ detach: () => sandbox.destroy() })),
    seen: /sandbox_not_found/,
  },
  {
    id: "sandbox.detach-closes",
    how: "goes on with the handle after detach()",
    base: "local",
    make: breakSandbox((sandbox, provider) => ({
      spawn: async (command) => (await provider.connect(sandbox.id, { env: {} })).spawn(command),
    })),
    seen: /spawn\(\) after detach\(\): .* but it resolved/,
  },
  {
    id: "sandbox.detach-dispose",
    how: "destroys by a handle that has let go",
    base: "local",
    make: breakSandbox((sandbox, provider) => ({
      destroy: async () => (await provider.connect(sandbox.id, { env: {} })).destroy(),
    })),
    seen: /list\(\) afterwards: expected \[ '\w+' \], saw \[\]/,
  },
  {
    id: "sandbox.detach-renews-expiry",
    how: "leaves the label as it was",
    base: "local",
    make: breakProvider((provider) => ({
      list: async function* (filter) {
        for await (const info of provider.list(filter)) {
          yield { ...info, labels: { ...info.labels, "playpen.expires-at": "2000-01-01T00:00:00.000Z" } };
        }
      },
    })),
    seen: /playpen\.expires-at.* expected a day from now, saw 2000/,
  },
  {
    id: "sandbox.detach-expires",
    how: "takes milliseconds for seconds",
    base: "local",
    make: breakSandbox((sandbox) => ({
      detach: ({ ttlMs }) => sandbox.detach({ ttlMs: 1000 * ttlMs }),
    })),
    hangs: true,
    seen: /still listed/,
  },
  {
    id: "sandbox.create-abort-before",
    how: "does not look at the signal",
    make: breakProvider((provider) => ({ create: (spec) => provider.create(spec) })),
    seen: /create\(\): expected a rejection with signal.reason, but it resolved/,
  },
  {
    id: "sandbox.create-abort-during",
    how: "rejects at once, and goes on creating",
    make: breakProvider((provider) => ({
      create: (spec, { signal } = {}) => raced(provider.create(spec), signal),
    })),
    hangs: true,
    seen: /expected no sandbox to be left/,
  },
  {
    id: "process.spawn-abort-before",
    how: "starts the process before it looks at the signal",
    make: breakSandbox((sandbox) => ({
      spawn: async (command, { signal } = {}) => {
        const process = await sandbox.spawn(command);
        signal?.throwIfAborted();
        return process;
      },
    })),
    seen: /Files that the process has left: expected ''/,
  },
  {
    id: "process.spawn-abort-during",
    how: "rejects at once, and goes on starting the process",
    make: breakSandbox((sandbox) => ({
      spawn: (command, { signal } = {}) =>
        raced(
          delay(signal === undefined ? 0 : 10).then(() => sandbox.spawn(command)),
          signal,
        ),
    })),
    hangs: true,
    seen: /expected no process to be left/,
  },
];
