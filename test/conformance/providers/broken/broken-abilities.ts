import type {
  CanExpose,
  CanExtend,
  CanFork,
  CanMeasure,
  CanOpenTerminal,
  CanPause,
  CanSnapshot,
  CanWatchFiles,
  Sandbox,
  SandboxProvider,
} from "playpen/kit";
import type { BrokenProvider } from "./broken-provider.ts";
import { type Break, breakProvider, breakSandbox } from "./change.ts";

type Able = Sandbox &
  CanSnapshot &
  CanPause &
  CanFork &
  CanExpose &
  CanOpenTerminal &
  CanExtend &
  CanMeasure &
  CanWatchFiles;

/** Changes a sandbox of the provider that has the abilities. */
function breakAbility(change: (sandbox: Able, provider: SandboxProvider) => Partial<Able>): Break {
  return breakSandbox((sandbox, provider) => change(sandbox as Able, provider));
}

export const brokenAbilities: readonly BrokenProvider[] = [
  {
    id: "ability.present-as-declared",
    how: "declares an ability that its sandboxes do not have",
    make: breakProvider(({ capabilities }) => ({ capabilities: { ...capabilities, abilities: ["pause"] } })),
    seen: /Whether the sandbox created has pause\(\).*declares "pause": expected true, saw false/,
  },
  {
    id: "ability.present-as-declared",
    how: "has a method that only refuses",
    make: breakSandbox(
      () => ({ fork: () => Promise.reject(new Error("Not supported.")) }) as Partial<Sandbox>,
    ),
    seen: /Whether the sandbox created has fork\(\).*does not declare "fork": expected false, saw true/,
  },
  {
    id: "ability.present-as-declared",
    how: "has no store of its snapshots",
    base: "able",
    make: breakProvider(() => ({ snapshots: undefined }) as unknown as Partial<SandboxProvider>),
    seen: /Whether there are `snapshots`/,
  },
  {
    id: "ability.after-destroy",
    how: "measures what is gone",
    base: "able",
    make: breakAbility(() => ({ metrics: () => Promise.resolve({ processes: 0 }) })),
    seen: /metrics\(\) after destroy\(\): .*but it resolved/,
  },
  {
    id: "ability.pause",
    how: "refuses new processes only, and lets the others run",
    base: "able",
    make: (provider) => {
      const paused = new Set<string>();
      return breakAbility((sandbox) => ({
        spawn: (command, options) =>
          paused.has(sandbox.id) ? Promise.reject(new Error("Paused.")) : sandbox.spawn(command, options),
        pause: () => Promise.resolve(void paused.add(sandbox.id)),
        resume: () => Promise.resolve(void paused.delete(sandbox.id)),
      }))(provider);
    },
    seen: /expected a SandboxAgentError, saw Error: Paused/,
  },
  {
    id: "ability.pause",
    how: "stops no process",
    base: "able",
    make: breakAbility((sandbox) => {
      let isPaused = false;
      return {
        spawn: (command, options) =>
          isPaused ? new Promise(() => undefined) : sandbox.spawn(command, options),
        pause: () => Promise.resolve(void (isPaused = true)),
        resume: () => Promise.resolve(void (isPaused = false)),
      };
    }),
    seen: /What a process counted .* over a pause: expected \d+ at most/,
  },
  {
    id: "ability.fork",
    how: "hands out the sandbox itself",
    base: "able",
    make: breakAbility((sandbox) => ({ fork: () => Promise.resolve(sandbox) })),
    seen: /id of the fork: expected another/,
  },
  {
    id: "ability.fork",
    how: "forks without the files",
    base: "able",
    make: breakAbility((sandbox, provider) => ({
      fork: (options) => provider.create({ env: {}, labels: { ...sandbox.labels, ...options?.labels } }),
    })),
    seen: /kept/,
  },
  {
    id: "ability.extend",
    how: "does nothing at extend()",
    base: "able",
    make: breakAbility(() => ({ extend: () => Promise.resolve() })),
    seen: /list\(\) when the first time is over: .* saw \[\]/,
  },
  {
    id: "ability.metrics",
    how: "measures in gigabytes",
    base: "able",
    make: breakAbility(() => ({ metrics: () => Promise.resolve({ memoryBytes: 1.5 }) })),
    seen: /memoryBytes: expected bytes, saw 1.5/,
  },
  {
    id: "ability.snapshot",
    how: "copies the files when the snapshot is used",
    base: "able",
    make: breakAbility((sandbox) => ({
      snapshot: async (options) => {
        await sandbox.files.write("folder/kept", "too late\n", { mode: 0o755 });
        return sandbox.snapshot(options);
      },
    })),
    seen: /What the snapshot has kept: .*too late/,
  },
  {
    id: "ability.snapshot-find",
    how: "finds the oldest snapshot of a name",
    base: "able",
    make: breakProvider((provider) => {
      const { snapshots } = provider;
      if (snapshots === undefined) throw new Error("There are no snapshots.");
      let first: Awaited<ReturnType<typeof snapshots.find>>;
      return {
        create: async (spec, options) => {
          const sandbox = (await provider.create(spec, options)) as Able;
          const snapshot: Able["snapshot"] = async (taken) => {
            const made = await sandbox.snapshot(taken);
            first ??= made;
            return made;
          };
          return new Proxy(sandbox, {
            get: (target, name) => {
              const value: unknown = name === "snapshot" ? snapshot : Reflect.get(target, name, target);
              return typeof value === "function"
                ? (...args: unknown[]) => Reflect.apply(value, target, args) as unknown
                : value;
            },
          });
        },
        snapshots: {
          find: () => Promise.resolve(first),
          remove: (id) => snapshots.remove(id),
        },
      };
    }),
    seen: /after two snapshots of that name/,
  },
  {
    id: "ability.snapshot-remove",
    how: "forgets the name only",
    base: "able",
    make: (provider) => {
      const { snapshots } = provider;
      if (snapshots === undefined) throw new Error("There are no snapshots.");
      const removed: string[] = [];
      return breakProvider(() => ({
        create: async (spec, options) => {
          const sandbox = await provider.create(spec, options);
          for (const id of removed) await snapshots.remove(id);
          return sandbox;
        },
        snapshots: {
          find: async (name) => {
            const found = await snapshots.find(name);
            return found === undefined || removed.includes(found.id) ? undefined : found;
          },
          remove: (id) => Promise.resolve(void removed.push(id)),
        },
      }))(provider);
    },
    seen: /create\(\) from a snapshot that is gone: .*but it resolved/,
  },
  {
    id: "ability.expose",
    how: "gives another address each time",
    base: "able",
    make: breakAbility((sandbox) => {
      let count = 0;
      return {
        expose: async (port) => {
          const { url } = await sandbox.expose(port);
          return count++ === 0 ? { url } : { url: url.replace("127.0.0.1", "localhost") };
        },
      };
    }),
    seen: /url of the same port again/,
  },
  {
    id: "ability.expose",
    how: "gives an address where nobody answers",
    base: "able",
    hangs: true,
    make: breakAbility(() => ({ expose: () => Promise.resolve({ url: "http://127.0.0.1:1" }) })),
    seen: /A request to http:\/\/127.0.0.1:1 brought/,
  },
  {
    id: "ability.terminal",
    how: "drops the size",
    base: "able",
    hangs: true,
    make: breakAbility((sandbox) => ({
      terminal: ({ columns: _columns, rows: _rows, ...options } = {}) => sandbox.terminal(options),
    })),
    seen: /for the terminal's size\./,
  },
  {
    id: "ability.terminal",
    how: "does nothing at resize()",
    base: "able",
    hangs: true,
    make: breakAbility((sandbox) => ({
      terminal: async (options) => ({
        ...(await sandbox.terminal(options)),
        resize: () => Promise.resolve(),
      }),
    })),
    seen: /The output ended where 40 120 was expected/,
  },
  {
    id: "ability.terminal-kill",
    how: "hangs up instead of ending what runs",
    base: "able",
    hangs: true,
    make: breakAbility((sandbox) => ({
      terminal: async (options) => ({
        ...(await sandbox.terminal(options)),
        kill: () => Promise.resolve(),
      }),
    })),
    seen: /for the end of the terminal/,
  },
  {
    id: "ability.watch",
    how: "tells of the folder itself only, not of those below",
    base: "able",
    hangs: true,
    make: breakAbility((sandbox) => ({
      async *watch(path, options) {
        for await (const change of sandbox.watch(path, options)) {
          if (!change.path.slice(path.length + 1).includes("/")) yield change;
        }
      },
    })),
    seen: /"created" of .*below\/deeper\/file/,
  },
];
