import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { SandboxAgent, type SandboxProvider } from "playpen";
import { claude } from "playpen/claude";
import { startModelServer } from "playpen/testing";
import { expect, it, onTestFinished, vi } from "vitest";
import { describeWith } from "../../image/engines.ts";
import { hostCliDirectory } from "../../image/paths.ts";
import type { StandInServer } from "../../stand-ins/kit/http-server.ts";
import type { StandInMachine } from "../../stand-ins/kit/machines.ts";
import { cutTurn } from "./cut-turn.ts";

/** Tells what is left of a sandbox; an empty list once it is gone. */
export type Leftovers = () => readonly unknown[] | Promise<readonly unknown[]>;

/** A way in which a sandbox may get out of reach while a turn runs. */
export interface Cut {
  /** Follows "when …" in the test's title. */
  readonly when: string;
  readonly cut: (box: SandboxAgent) => void | Promise<void>;
  /** Whether the vendor lets the library go on where it was; otherwise the turn ends with `sandbox_lost`. */
  readonly goesOn?: boolean;
  /** Whether the sandbox was made by another handle, and only taken up by the one that is cut. */
  readonly isTakenUp?: boolean;
  /** What it takes for the sandbox to be removed. */
  readonly restore?: () => void | Promise<void>;
}

/** A provider, and how to look behind it. */
export interface RealAgentScene {
  readonly provider: () => SandboxProvider;
  /** The CLI as the sandbox sees it; default: this machine's. */
  readonly command?: string;
  /** Variables of the box. */
  readonly env?: () => { readonly [name: string]: string };
  /** Called while the sandbox is there. */
  readonly watch: (box: SandboxAgent) => Leftovers;
  readonly cuts: readonly Cut[];
}

/** Runs the real CLI of an agent in a provider's sandboxes, also while these get out of reach. */
export function describeRealAgent(name: string, scene: RealAgentScene): void {
  const start = async (url: string, isTakenUp = false): Promise<SandboxAgent> => {
    const options = {
      sandbox: scene.provider(),
      agent: claude({
        baseUrl: url,
        command: scene.command ?? `${hostCliDirectory()}/claude`,
        env: { ANTHROPIC_API_KEY: "sk-ant-api03-test", CLAUDE_CODE_MAX_RETRIES: "1" },
      }),
      permissions: "allow-all",
      env: scene.env?.() ?? {},
    } as const;
    const box = await SandboxAgent.start(options);
    if (!isTakenUp) return box;
    await box.detach({ ttlMs: 600_000 });
    return SandboxAgent.connect({ ...options, id: box.id });
  };

  describeWith(scene.command === undefined ? ["host-clis"] : [], name, () => {
    it("runs a tool, says what came of it, and leaves nothing", async () => {
      await using model = await startModelServer();
      const box = await start(model.url);
      onTestFinished(() => box.destroy());
      const left = scene.watch(box);
      const session = await box.createSession();
      const mark = randomUUID();
      const result = await session.prompt(`!shell echo ${mark} > made\n!text The file is there.`);
      expect(result).toMatchObject({ status: "completed", text: "The file is there." });
      expect(await box.files.readText("made")).toBe(`${mark}\n`);
      expect(await left()).not.toEqual([]);
      await box.destroy();
      expect(await left()).toEqual([]);
    });

    for (const { when, cut, goesOn = false, isTakenUp, restore } of scene.cuts) {
      it(`${goesOn ? "goes on with" : "ends within five seconds, with a code,"} a turn when ${when}`, async () => {
        await using model = await startModelServer();
        const box = await start(model.url, isTakenUp);
        onTestFinished(async () => {
          await restore?.();
          await box.destroy();
        });
        const left = scene.watch(box);
        const session = await box.createSession();
        if (goesOn) {
          const mark = randomUUID();
          const turn = session.prompt(
            `!shell while [ ! -e go ]; do sleep 0.05; done; echo ${mark}\n!text It went on.`,
          );
          const outputs: string[] = [];
          for await (const event of turn) {
            if (event.type === "tool.completed") outputs.push(event.output);
            if (event.type !== "tool.started") continue;
            await cut(box);
            // The next request may be given to a connection that is not known to be cut.
            await vi.waitFor(() => box.files.write("go", ""), { timeout: 5000 });
          }
          expect(await turn).toMatchObject({ status: "completed", text: "It went on." });
          expect(outputs).toEqual([expect.stringContaining(mark)]);
        } else {
          const { code, tookMs } = await cutTurn(session, () => cut(box));
          expect(code).toBe("sandbox_lost");
          expect(tookMs).toBeLessThan(5000);
        }
        await restore?.();
        await box.destroy();
        // What the host cannot reach any more ends by itself, a moment later.
        await expect.poll(left, { timeout: 15_000 }).toEqual([]);
      });
    }
  });
}

/** The connections to a stand-in are cut, and taken again. */
export function brokenConnection(server: () => StandInServer, options: Pick<Cut, "goesOn"> = {}): Cut {
  return { when: "the connection is cut", cut: () => server().cutConnections(), ...options };
}

/** The connections to a stand-in are cut, and none is taken any more. */
export function outage(server: () => StandInServer): Cut {
  return {
    when: "the service gets out of reach",
    cut: () => {
      server().faults.next({ kind: "cut" }, { times: 1000 });
      server().cutConnections();
    },
    restore: () => server().faults.clear(),
  };
}

/** Looks at all of a stand-in's sandboxes, and behind the one of the agent. */
export function cloudLeftovers(
  sandboxes: () => ReadonlyMap<string, { readonly machine: StandInMachine | undefined }>,
): RealAgentScene["watch"] {
  return ({ sandbox: { id } }) => {
    const [[, only] = []] = sandboxes();
    // Some vendors have further names for a sandbox.
    const machine = machineLeftovers((sandboxes().get(id) ?? only)?.machine);
    return async () => [...sandboxes().keys(), ...(await machine())];
  };
}

/** What is left of a sandbox that a stand-in made: its processes and its folder. */
export function machineLeftovers(machine: StandInMachine | undefined): Leftovers {
  if (machine === undefined) throw new Error("The stand-in has made no machine.");
  return async () => [
    ...(await machine.processes()),
    ...(existsSync(machine.folder) ? [machine.folder] : []),
  ];
}
