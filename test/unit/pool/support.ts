import { setImmediate as nextTurnOfLoop } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { SandboxPool } from "../../../src/pool/sandbox-pool.ts";
import type { SandboxPoolOptions } from "../../../src/pool/pool-options.ts";
import type { PoolEvent } from "../../../src/pool/pool-event.ts";
import type { ProcessMode } from "../../../src/spec/backend.ts";
import type { CreateOptions, Sandbox, SandboxProvider, SandboxSpec } from "../../../src/spec/sandbox.ts";
import { memorySandbox, type MemoryProcess } from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { echo } from "../session/support.ts";

/** What a provider is made to do wrong, or slowly. Each is called before the real thing happens. */
export interface Faults {
  create?: (spec: SandboxSpec, signal: AbortSignal | undefined) => Promise<unknown> | undefined;
  /** Fails the start of the agent's process. */
  agent?: (process: MemoryProcess) => number | undefined;
  destroy?: (id: string) => Promise<unknown> | undefined;
}

/** A provider of in-memory sandboxes that counts them from outside: from the call that makes one to its end. */
export interface CountingProvider extends SandboxProvider {
  /** Being made, living, or being removed. */
  readonly existing: number;
  readonly mostEver: number;
  readonly mostCreatedAtOnce: number;
  readonly created: number;
  /** Sandboxes and processes that are there. */
  readonly left: number;
  lose(id: string): void;
  /** Ends the agent's process in a sandbox, as a crash does. */
  crash(id: string): void;
}

export function countingProvider(faults: Faults = {}): CountingProvider {
  const crashes = new Map<string, () => void>();
  const inner = memorySandbox({
    programs: {
      "scripted-agent": async (process) => {
        const exitCode = faults.agent?.(process);
        if (exitCode !== undefined) return exitCode;
        const crashed = new Promise<number>((resolve) => {
          crashes.set(process.env["SANDBOX"] ?? "", () => {
            resolve(1);
          });
        });
        return Promise.race([scriptedAgent(echo)(process), crashed]);
      },
    },
  });
  let creating = 0;
  let mostCreating = 0;
  let most = 0;
  let created = 0;
  const living = new Set<string>();
  const count = (): void => {
    most = Math.max(most, creating + living.size);
    mostCreating = Math.max(mostCreating, creating);
  };
  return {
    ...inner,
    get existing() {
      return creating + living.size;
    },
    get mostEver() {
      return most;
    },
    get mostCreatedAtOnce() {
      return mostCreating;
    },
    get created() {
      return created;
    },
    get left() {
      return inner.liveSandboxes + inner.runningProcesses;
    },
    lose: (id) => {
      inner.lose(id);
    },
    crash: (id) => crashes.get(id)?.(),
    async create(spec: SandboxSpec, options: CreateOptions = {}): Promise<Sandbox> {
      creating++;
      count();
      try {
        await faults.create?.(spec, options.signal);
        const name = String(++created);
        const sandbox = await inner.create({ ...spec, env: { ...spec.env, SANDBOX: name } }, options);
        crashes.set(sandbox.id, () => crashes.get(name)?.());
        const destroy = sandbox.destroy.bind(sandbox);
        sandbox.destroy = async () => {
          await faults.destroy?.(sandbox.id);
          await destroy();
          living.delete(sandbox.id);
        };
        living.add(sandbox.id);
        return sandbox;
      } finally {
        creating--;
        count();
      }
    },
  };
}

export interface PoolScene {
  readonly pool: SandboxPool;
  readonly provider: CountingProvider;
  readonly events: readonly PoolEvent[];
}

/** A pool over in-memory sandboxes, closed at the end of the test. */
export function openPool(
  options: Partial<SandboxPoolOptions> & { readonly faults?: Faults; readonly mode?: ProcessMode } = {},
): PoolScene {
  const { faults, mode = "session", ...rest } = options;
  const provider = countingProvider(faults);
  const events: PoolEvent[] = [];
  const pool = new SandboxPool({
    sandbox: provider,
    agent: scriptedBackend({ mode }),
    backoff: { initialMs: 5, maxMs: 20 },
    onEvent: (event) => {
      events.push(event);
    },
    ...rest,
  });
  onTestFinished(() => pool.close().catch(() => undefined));
  return { pool, provider, events };
}

/** Waits for what comes about by itself. */
export async function until(holds: () => boolean, limitMs = 5_000): Promise<void> {
  const since = performance.now();
  while (!holds()) {
    if (performance.now() - since > limitMs) throw new Error("It did not come about.");
    await nextTurnOfLoop();
  }
}

/** Lets everything happen that can happen without time passing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurnOfLoop();
}
