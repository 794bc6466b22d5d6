import { spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type Progress, SandboxAgent, type StartOptions } from "playpen";
import { claude } from "playpen/claude";
import { docker } from "playpen/docker";
import { type ModelServer, startModelServer } from "playpen/testing";
import { describeWith } from "../../image/engines.ts";
import { bareImage, testImage } from "../../image/paths.ts";
import { eventually } from "./host-program.ts";

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(async () => {
  await server.close();
});

/** Tells this file's containers from those of tests that run at the same time. */
const label = `aborts-${String(process.pid)}`;

function containers(): readonly string[] {
  const { stdout } = spawnSync("docker", ["ps", "--all", "--quiet", "--filter", `label=test=${label}`], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return stdout.split("\n").filter((line) => line !== "");
}

function options(image: string): StartOptions {
  return {
    sandbox: docker({ image, network: "host" }),
    agent: claude({ baseUrl: server.url, env: { ANTHROPIC_API_KEY: "test-key-that-is-never-used" } }),
    labels: { test: label },
  };
}

const reason = new Error("the user has left");

describeWith(["docker", "test-image"], "an abort", () => {
  afterEach(() => eventually(() => containers().length === 0, 5_000));

  it("before the start", async () => {
    await expect(
      SandboxAgent.start({ ...options(testImage()), signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });

  it("at any moment of the start", async () => {
    // The moments of a start that the signal may hit: 0 to 300 ms cover it on this machine, whatever its load.
    for (const delayMs of [0, 5, 15, 30, 60, 100, 150, 200, 300]) {
      const controller = new AbortController();
      const timer = setTimeout(() => {
        controller.abort(reason);
      }, delayMs);
      try {
        const box = await SandboxAgent.start({ ...options(testImage()), signal: controller.signal });
        await box.destroy();
      } catch (error) {
        expect(error).toBe(reason);
      }
      clearTimeout(timer);
      await eventually(() => containers().length === 0, 5_000);
    }
  });

  it("while an image is being pulled that is nowhere to be had", async () => {
    const controller = new AbortController();
    const seen: Progress[] = [];
    const started = SandboxAgent.start({
      ...options("playpen-test-no-such-image:never"),
      signal: controller.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (progress.phase === "pull") controller.abort(reason);
      },
    });
    await expect(started).rejects.toBe(reason);
    expect(seen.map((progress) => progress.phase)).toContain("pull");
  });

  it("during the installation of the CLI, the handshake, the queue and the turn", async () => {
    await using box = await SandboxAgent.start(options(bareImage()));
    const installing = new AbortController();
    const session = box.createSession({ signal: installing.signal });
    // npm is at work as soon as its folder is there.
    await box.exec(["sh", "-c", "until ls -d $HOME/.playpen/cli/*.part-* 2>/dev/null; do sleep 0.02; done"], {
      timeoutMs: 60_000,
    });
    installing.abort(reason);
    await expect(session).rejects.toBe(reason);
    await eventually(async () => (await processes(box)).length === 0, 5_000);

    await using ready = await SandboxAgent.start(options(testImage()));
    const handshake = new AbortController();
    const opening = ready.createSession({ signal: handshake.signal });
    await eventually(
      async () => (await processes(ready)).some((line) => line.includes("stream-json")),
      20_000,
    );
    handshake.abort(reason);
    // The handshake may have been over just before; then there is a session, which ends with its box.
    await opening.then(
      (opened) => opened.close(),
      (error: unknown) => {
        expect(error).toBe(reason);
      },
    );
    await eventually(async () => (await processes(ready)).length === 0, 5_000);

    const open = await ready.createSession();
    const controller = new AbortController();
    const running = open.prompt("!slow 20\n!repeat 5000 word", { signal: controller.signal });
    const queued = open.prompt("!text never", { signal: controller.signal });
    for await (const event of open.events({ from: 1 })) if (event.type === "message.delta") break;
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    await expect(queued).rejects.toBe(reason);
    expect(queued.status).toBe("interrupted");
  });
});

/** What runs in the box beside its main process and the question itself. */
async function processes(box: SandboxAgent): Promise<string[]> {
  const script =
    'for f in /proc/[0-9]*/cmdline; do p=${f#/proc/}; p=${p%/cmdline}; [ "$p" = $$ ] || { tr "\\0" " " < $f; echo; }; done 2>/dev/null';
  const { stdout } = await box.exec(["sh", "-c", script]);
  return stdout.split("\n").filter((line) => /claude|npm|node/.test(line));
}
