import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AgentBackend, type PoolEvent, SandboxPool, type SandboxPoolOptions } from "playpen";
import { type ModelServer, startModelServer } from "playpen/testing";
import { describeWith } from "../../image/engines.ts";
import { hostCliDirectory, hostCliFolder, testImage } from "../../image/paths.ts";
import { places } from "../agents/places.ts";
import { claudeScene } from "../agents/scenes/claude.ts";
import { eventually, startHost } from "./host-program.ts";

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(async () => {
  await server.close();
});

/** Tells this file's containers and processes from those of tests that run at the same time. */
const label = `pool-${String(process.pid)}`;

function containers(): readonly string[] {
  const { stdout } = spawnSync("docker", ["ps", "--all", "--quiet", "--filter", `label=test=${label}`], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return stdout.split("\n").filter((line) => line !== "");
}

/** The agents' processes of one test, on this machine and in its containers. */
function agentProcesses(mark: string): readonly number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const environment = readFileSync(`/proc/${name}/environ`, "utf8").split("\0");
      return environment.includes(`POOL_MARK=${mark}`) ? [Number(name)] : [];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

function killAll(mark: string): void {
  for (const processId of agentProcesses(mark)) {
    try {
      process.kill(processId, "SIGKILL");
    } catch {
      // It went with another one.
    }
  }
}

interface WatchedPool extends AsyncDisposable {
  readonly pool: SandboxPool;
  readonly events: readonly PoolEvent[];
  /** What its sandboxes have told of their progress. */
  readonly phases: readonly string[];
  readonly mark: string;
}

let pools = 0;

for (const place of places) {
  const open = (options: Partial<SandboxPoolOptions> = {}): WatchedPool => {
    const mark = `${label}-${String(++pools)}`;
    const events: PoolEvent[] = [];
    const phases: string[] = [];
    const connection = { url: server.url, key: "test-key-of-the-pool", ...place.command("claude") };
    const pool = new SandboxPool({
      sandbox: place.provider(),
      agent: claudeScene.backend(connection),
      permissions: "allow-all",
      labels: { test: label },
      session: { env: { POOL_MARK: mark } },
      onEvent: (event) => {
        events.push(event);
      },
      onProgress: ({ phase }) => {
        phases.push(phase);
      },
      ...options,
    });
    return {
      ...{ pool, events, phases, mark },
      [Symbol.asyncDispose]: async () => {
        await pool.close();
        expect(agentProcesses(mark)).toEqual([]);
        if (place.name === "docker") expect(containers()).toEqual([]);
      },
    };
  };
  const isWarm = ({ pool }: WatchedPool): boolean => pool.stats.idle === pool.size;

  describeWith(place.engines, `a pool of sandboxes in ${place.name}`, () => {
    it("hands out an agent that runs already", async () => {
      await using scene = open({ size: 1, maxSize: 2 });
      await eventually(() => isWarm(scene), 60_000);
      const before = agentProcesses(scene.mark);
      expect(before).not.toEqual([]);
      const taken = await scene.pool.take();
      // Nothing was waited for that has to be made: how long it takes is measured by the benchmark of the pool.
      const [created, ...others] = scene.events.filter(({ type }) => type === "sandbox.created");
      expect(others).toEqual([]);
      if (created?.type !== "sandbox.created") throw new Error("No sandbox was made.");
      expect(created.id).toBe(taken.box.id);
      expect((await taken.session.prompt("!text Ready at once.")).text).toBe("Ready at once.");
      // It was that process which answered.
      expect(agentProcesses(scene.mark)).toEqual(expect.arrayContaining([...before]));
      await eventually(() => isWarm(scene), 60_000);
      await taken[Symbol.asyncDispose]();
      await eventually(() => scene.pool.stats.ending === 0, 10_000);
      expect(scene.pool.stats).toMatchObject({ idle: 1, taken: 0, failures: 0 });
    });

    it("notices that an agent has ended while it waited, and hands out another", async () => {
      await using scene = open({ size: 1, maxSize: 2 });
      await eventually(() => isWarm(scene), 60_000);
      const [created] = scene.events;
      killAll(scene.mark);
      await eventually(() => scene.events.some((event) => event.type === "sandbox.evicted"), 10_000);
      await using taken = await scene.pool.take();
      expect(created).toMatchObject({ type: "sandbox.created" });
      expect(created).not.toMatchObject({ id: taken.box.id });
      expect((await taken.session.prompt("!text Another one.")).text).toBe("Another one.");
    });

    const moments: readonly (readonly [string, (scene: WatchedPool) => boolean])[] = [
      ["have been asked for", () => true],
      ["are being made", ({ phases }) => phases.includes("create")],
      ["are ready for their agents", ({ phases }) => phases.includes("ready")],
      ["have agents that shake hands", ({ mark }) => agentProcesses(mark).length > 0],
    ];
    it.each(moments)(
      "leaves nothing behind when it is closed while sandboxes %s",
      async (_what, isReached) => {
        await using scene = open({ size: 2, concurrency: 2 });
        const waiting = scene.pool.take();
        waiting.catch(() => undefined);
        await eventually(() => isReached(scene), 60_000);
        const closed = scene.pool.close();
        await waiting.then(
          // It was quicker than the close.
          () => undefined,
          (error: unknown) => {
            expect(error).toMatchObject({ code: "pool_closed" });
          },
        );
        await closed;
      },
    );

    const parameters = (mark: string): { readonly [name: string]: string } => ({
      ...{ place: place.name, modelUrl: server.url, label, mark },
      ...(place.name === "docker"
        ? { image: testImage() }
        : { command: `${hostCliDirectory()}/claude`, cliFolder: hostCliFolder() }),
    });

    it("lets its host end by itself once it is closed", async () => {
      const mark = `${label}-${String(++pools)}`;
      const host = startHost("pooling", { ...parameters(mark), end: "close" });
      await host.step("closed");
      expect(await host.ended).toBe(0);
      expect(agentProcesses(mark)).toEqual([]);
    });

    it("leaves nothing behind when its host is killed", async () => {
      const mark = `${label}-${String(++pools)}`;
      const host = startHost("pooling", parameters(mark));
      expect(await host.step("taken")).toMatchObject({ text: "taken" });
      await host.step("warm");
      expect(agentProcesses(mark).length).toBeGreaterThanOrEqual(3);
      host.process.kill("SIGKILL");
      expect(await host.ended).toBe("SIGKILL");
      // Within a second on a quiet machine; this one may be busy with other tests.
      await eventually(() => agentProcesses(mark).length === 0, 10_000);
      if (place.name === "docker") await eventually(() => containers().length === 0, 10_000);
    });

    if (place.name === "docker") {
      describe("a container that somebody removes while it waits", () => {
        const inTurns = (): AgentBackend =>
          claudeScene.backend({ url: server.url, key: "test-key-of-the-pool", mode: "turn" });

        /** Removes the one that would be handed out next. */
        const removeOne = (): string => {
          const oldest = containers().at(-1) ?? "none";
          spawnSync("docker", ["rm", "--force", oldest], { timeout: 20_000 });
          return oldest;
        };

        const takeAll = async ({ pool, events }: WatchedPool, removed: string): Promise<void> => {
          const taken = [await pool.take(), await pool.take(), await pool.take()];
          expect(taken.filter(({ box }) => box.sandbox.id.startsWith(removed))).toEqual([]);
          const id = expect.stringContaining(removed) as string;
          expect(events).toContainEqual({ type: "sandbox.evicted", id, reason: "died" });
          for (const { session } of taken) {
            expect((await session.prompt("!text Alive.")).text).toBe("Alive.");
          }
        };

        it("is noticed by the end of the agent's process, without being asked", async () => {
          await using scene = open({ size: 2, maxSize: 3 });
          await eventually(() => isWarm(scene), 60_000);
          const removed = removeOne();
          await eventually(() => scene.events.some((event) => event.type === "sandbox.evicted"), 5_000);
          await takeAll(scene, removed);
        });

        it("is not handed out in the same moment either, where each is asked before", async () => {
          await using scene = open({ size: 2, maxSize: 3, checkOnTake: true });
          await eventually(() => isWarm(scene), 60_000);
          await takeAll(scene, removeOne());
        });

        it("is not handed out where a process is started for each turn", async () => {
          await using scene = open({ size: 2, maxSize: 3, agent: inTurns() });
          await eventually(() => isWarm(scene), 60_000);
          await takeAll(scene, removeOne());
        });
      });
    }
  });
}

describe("a pool that is not closed", () => {
  it("lets its host end by itself when nobody waits, though it would try again later", async () => {
    const host = startHost("pooling-in-vain", {});
    await host.step("failed");
    expect(await host.step("refused")).toMatchObject({ code: "sandbox_create_failed" });
    expect(await host.ended).toBe(0);
  });
});
