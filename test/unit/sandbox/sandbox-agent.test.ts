import { describe, expect, it, vi } from "vitest";
import { deferred } from "../../../src/kit/deferred.ts";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import type { Progress, SandboxProvider } from "../../../src/spec/sandbox.ts";
import { memorySandbox, type MemoryProgram } from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { echo } from "../session/support.ts";

const agent = scriptedBackend();
const programs = { "scripted-agent": scriptedAgent(echo) };

/** A provider whose CLI has to be installed first, which waits for `release` and may fail. */
function installing(): {
  readonly provider: ReturnType<typeof memorySandbox>;
  readonly release: (exitCode: number) => void;
  readonly started: Promise<unknown>;
  readonly startedAgain: Promise<unknown>;
  readonly installations: () => number;
} {
  let count = 0;
  let release: (exitCode: number) => void = () => undefined;
  const starts = [deferred<undefined>(), deferred<undefined>()] as const;
  const shell: MemoryProgram = async ({ argv, write, killed }) => {
    if (argv[2]?.includes("npm install") !== true) {
      await write("playpen:state=/state\nplaypen:npm=1\nplaypen:node=v20.0.0\n");
      return 0;
    }
    starts[count++]?.resolve(undefined);
    const exitCode = await new Promise<number>((resolve) => {
      release = resolve;
      killed.addEventListener("abort", () => {
        resolve(137);
      });
    });
    await write("playpen:executable=scripted-agent\n");
    return exitCode;
  };
  return {
    provider: memorySandbox({ programs: { ...programs, "/bin/sh": shell } }),
    release: (exitCode) => {
      release(exitCode);
    },
    started: starts[0].promise,
    startedAgain: starts[1].promise,
    installations: () => count,
  };
}

async function warningsDuring(use: () => Promise<void>): Promise<readonly string[]> {
  const warnings: string[] = [];
  const listener = (warning: Error): number => warnings.push(warning.name);
  process.on("warning", listener);
  await use();
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", listener);
  return warnings;
}

describe("SandboxAgent.start", () => {
  it("leaves no sandbox behind when onProgress throws, and does not fail for it", async () => {
    const provider = memorySandbox({ programs });
    const warnings = await warningsDuring(async () => {
      const onProgress = (): never => {
        throw Object.create(null) as Error;
      };
      const box = await SandboxAgent.start({ sandbox: provider, onProgress });
      await box.destroy();
    });
    expect(provider.liveSandboxes).toBe(0);
    expect(warnings).toEqual(["PlaypenListenerWarning"]);
  });

  it("rejects with signal.reason at every step, and leaves nothing behind", async () => {
    const provider = memorySandbox({ programs });
    const reason = new Error("enough");
    await expect(SandboxAgent.start({ sandbox: provider, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    for (const step of ["create", "ready"]) {
      const controller = new AbortController();
      const late: SandboxProvider = {
        ...provider,
        create: async (spec) => {
          const sandbox = await provider.create(spec);
          if (step === "create") controller.abort(reason);
          return sandbox;
        },
      };
      const onProgress = (): void => {
        controller.abort(reason);
      };
      await expect(SandboxAgent.start({ sandbox: late, signal: controller.signal, onProgress })).rejects.toBe(
        reason,
      );
    }
    expect(provider.liveSandboxes).toBe(0);
  });

  it("starts nothing without a credential", async () => {
    const provider = memorySandbox({ programs });
    const credentials = { anyOf: [["NO_SUCH_KEY"], ["A_REGION", "A_TOKEN"]], forwarded: [], secret: [] };
    await expect(
      SandboxAgent.start({ sandbox: provider, agent: scriptedBackend({ credentials }) }),
    ).rejects.toMatchObject({
      code: "credential_missing",
      reason: "scripted needs a credential: NO_SUCH_KEY or A_REGION and A_TOKEN.",
      details: { variables: ["NO_SUCH_KEY", "A_REGION", "A_TOKEN"] },
    });
    expect(provider.liveSandboxes).toBe(0);
  });

  it("wants a decision about permissions where nothing isolates the agent", async () => {
    const provider = memorySandbox({ programs });
    const open = { ...provider, capabilities: { ...provider.capabilities, isolation: "none" as const } };
    await expect(SandboxAgent.start({ sandbox: open, agent })).rejects.toThrow(TypeError);
    await using box = await SandboxAgent.start({ sandbox: open, agent, permissions: "deny-all" });
    expect(box.sessions).toEqual([]);
  });
});

describe("box.createSession", () => {
  it("installs once for sessions that want it at the same time, and tells each", async () => {
    const { provider, release, started, installations } = installing();
    const seen: Progress[] = [];
    await using box = await SandboxAgent.start({
      sandbox: provider,
      agent,
      onProgress: (item) => seen.push(item),
    });
    const creating = [box.createSession(), box.createSession()];
    await started;
    release(0);
    const sessions = await Promise.all(creating);
    expect(installations()).toBe(1);
    expect(seen.filter(({ phase }) => phase === "install")).toHaveLength(2);
    for (const session of sessions) {
      void session.close();
      const phases: unknown[] = [];
      for await (const event of session.events({ from: 1 })) {
        if (event.type === "sandbox.progress") phases.push(event.phase);
      }
      expect(phases).toEqual(["install", "install"]);
    }
  });

  it("aborted by one of two does not take the installation from the other", async () => {
    const { provider, release, started, installations } = installing();
    await using box = await SandboxAgent.start({ sandbox: provider, agent });
    const controller = new AbortController();
    const reason = new Error("enough");
    const first = box.createSession({ signal: controller.signal });
    first.catch(() => undefined);
    const second = box.createSession();
    await started;
    controller.abort(reason);
    await expect(first).rejects.toBe(reason);
    release(0);
    expect((await (await second).prompt("hi")).text).toBe("you said hi");
    expect(installations()).toBe(1);
  });

  it("aborted by all ends the installation, and the next one starts anew", async () => {
    const { provider, release, started, installations } = installing();
    await using box = await SandboxAgent.start({ sandbox: provider, agent });
    const controller = new AbortController();
    const both = [0, 1].map(() => box.createSession({ signal: controller.signal }));
    await started;
    controller.abort(new Error("enough"));
    for (const creating of both) await expect(creating).rejects.toThrow("enough");
    expect(provider.runningProcesses).toBe(0);
    const again = box.createSession();
    await vi.waitUntil(() => installations() === 2);
    release(0);
    expect((await again).status).toBe("idle");
  });

  it("tries again after a failed installation", async () => {
    const { provider, release, started, startedAgain } = installing();
    await using box = await SandboxAgent.start({ sandbox: provider, agent });
    const first = box.createSession();
    await started;
    release(1);
    await expect(first).rejects.toMatchObject({ code: "cli_install_failed" });
    const second = box.createSession();
    await startedAgain;
    release(0);
    expect((await second).status).toBe("idle");
  });

  it("rejects when the box is destroyed during the installation", async () => {
    const { provider, started } = installing();
    const box = await SandboxAgent.start({ sandbox: provider, agent });
    const creating = box.createSession();
    creating.catch(() => undefined);
    await started;
    await box.destroy();
    await expect(creating).rejects.toMatchObject({ code: "sandbox_closed" });
    expect(provider.runningProcesses).toBe(0);
  });

  it("aborted at the handshake leaves no process", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const provider = memorySandbox({
      programs: {
        "scripted-agent": scriptedAgent(async (input) => {
          if (input.type === "open") controller.abort(reason);
          return Promise.resolve(true);
        }),
      },
    });
    await using box = await SandboxAgent.start({ sandbox: provider, agent });
    await expect(box.createSession({ signal: controller.signal })).rejects.toBe(reason);
    expect(provider.runningProcesses).toBe(0);
    expect(box.sessions).toEqual([]);
  });

  it("tells why the agent did not start", async () => {
    const provider = memorySandbox({
      programs: {
        "scripted-agent": async (process) => {
          await process.writeError("unknown flag");
          return 2;
        },
      },
    });
    await using box = await SandboxAgent.start({ sandbox: provider, agent });
    await expect(box.createSession()).rejects.toMatchObject({
      code: "session_start_failed",
      details: { exitCode: 2, stderr: "unknown flag" },
    });
  });
});

describe("the end of a box", () => {
  it("can be asked for again and again, also where it failed", async () => {
    const provider = memorySandbox({ programs });
    const box = await SandboxAgent.start({ sandbox: provider, agent });
    const session = await box.createSession();
    const failing = vi.spyOn(box.sandbox, "destroy").mockRejectedValueOnce(new Error("no connection"));
    await expect(box.destroy()).rejects.toThrow("no connection");
    failing.mockRestore();
    await Promise.all([box.destroy(), box.destroy()]);
    await box.destroy();
    expect(session.status).toBe("closed");
    expect(provider.liveSandboxes).toBe(0);
  });

  it("is not begun by a detach that the provider cannot do", async () => {
    const provider = memorySandbox({ programs });
    await using box = await SandboxAgent.start({ sandbox: provider, agent });
    const session = await box.createSession();
    await expect(box.detach()).rejects.toMatchObject({ code: "unsupported" });
    expect((await session.prompt("still here")).status).toBe("completed");
  });

  it("by detach ends running turns, and a failed detach leaves a box that can be used and destroyed", async () => {
    const provider = memorySandbox({
      programs: {
        "scripted-agent": scriptedAgent(async (input, { say }) => {
          if (input.type === "interrupt") await say({ events: [{ type: "turn.interrupted", by: "host" }] });
        }),
      },
    });
    const detachable = { ...provider, capabilities: { ...provider.capabilities, detach: "native" as const } };
    const box = await SandboxAgent.start({ sandbox: detachable, agent });
    const session = await box.createSession();
    const turn = session.prompt("go", { reject: false });
    const detaching = box.detach({ ttlMs: 1000 });
    detaching.catch(() => undefined);
    const creating = box.createSession();
    await expect(creating).rejects.toMatchObject({ code: "sandbox_closed" });
    await expect(detaching).rejects.toMatchObject({ code: "unsupported" });
    expect((await turn).status).toBe("interrupted");
    expect((await box.createSession()).status).toBe("idle");
    const again = box.detach();
    again.catch(() => undefined);
    await box.destroy();
    await expect(again).rejects.toMatchObject({ code: "unsupported" });
    expect(provider.liveSandboxes).toBe(0);
  });

  it("by detach keeps the sandbox, and destroy does nothing any more", async () => {
    const provider = memorySandbox({ programs });
    const detachable = { ...provider, capabilities: { ...provider.capabilities, detach: "native" as const } };
    const box = await SandboxAgent.start({ sandbox: detachable, agent });
    vi.spyOn(box.sandbox, "detach").mockResolvedValue();
    await box.detach();
    await box.destroy();
    expect(provider.liveSandboxes).toBe(1);
    const again = await SandboxAgent.connect({ sandbox: provider, id: box.id, agent });
    expect((await (await again.createSession()).prompt("hi")).text).toBe("you said hi");
    await again.destroy();
    expect(provider.liveSandboxes).toBe(0);
  });
});
