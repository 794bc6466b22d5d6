import { describe, expect, it } from "vitest";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import { memorySandbox, type MemoryProgram } from "../../../src/testing/memory-sandbox.ts";

const killed = async (process: Parameters<MemoryProgram>[0]): Promise<number> =>
  new Promise((resolve) => {
    process.killed.addEventListener("abort", () => {
      resolve(1);
    });
  });

const provider = memorySandbox({
  programs: {
    cat: async (process) => {
      for await (const chunk of process.stdin) await process.write(chunk);
      return 0;
    },
    env: async (process) => {
      await process.write(JSON.stringify({ ...process.env, cwd: process.cwd }));
      return 0;
    },
    fail: async (process) => {
      await process.writeError("no\n");
      return 3;
    },
    hang: killed,
    flood: async (process) => {
      for (;;) await process.write(Buffer.alloc(1024, "x"));
    },
    deaf: async (process) => {
      await process.stdin.cancel();
      return 0;
    },
    "cut-character": async (process) => {
      await process.write(Uint8Array.of(0xe2, 0x82));
      await process.write(Uint8Array.of(0xac));
      return 0;
    },
  },
});

async function withBox<Result>(use: (box: SandboxAgent) => Promise<Result>): Promise<Result> {
  await using box = await SandboxAgent.start({ sandbox: provider, env: { A: "box", B: "box" } });
  const result = await use(box);
  expect(provider.runningProcesses).toBe(0);
  return result;
}

describe("box.exec", () => {
  it("gives the output and the exit code", async () => {
    await withBox(async (box) => {
      expect(await box.exec(["fail"])).toEqual({ exitCode: 3, stdout: "", stderr: "no\n" });
      expect((await box.exec(["cut-character"])).stdout).toBe("€");
      expect(await box.exec(["cat"])).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    });
  });

  it("gives environment, working directory and input to the command", async () => {
    await withBox(async (box) => {
      const { stdout } = await box.exec(["env"], { env: { B: "mine" }, cwd: "/tmp" });
      expect(JSON.parse(stdout)).toEqual({ A: "box", B: "mine", cwd: "/tmp" });
      expect((await box.exec(["cat"], { input: "héllo" })).stdout).toBe("héllo");
      const large = new Uint8Array(3 * 1024 * 1024).fill(65);
      expect((await box.exec(["cat"], { input: large })).stdout).toHaveLength(large.length);
    });
  });

  it("does not mind a command that closes its input", async () => {
    await withBox(async (box) => {
      const input = new Uint8Array(1024 * 1024);
      expect(await box.exec(["deaf"], { input })).toMatchObject({ exitCode: 0 });
    });
  });

  it("kills a command that takes too long", async () => {
    await withBox(async (box) => {
      await expect(box.exec(["hang"], { timeoutMs: 20 })).rejects.toMatchObject({
        code: "exec_timeout",
        details: { command: "hang", timeoutMs: 20 },
      });
    });
  });

  it("kills a command that prints too much", async () => {
    await withBox(async (box) => {
      await expect(box.exec(["flood"], { maxOutputBytes: 10_000 })).rejects.toMatchObject({
        code: "output_too_large",
        details: { command: "flood", maxBytes: 10_000 },
      });
    });
  });

  it("kills a command that is aborted, and rejects with the reason", async () => {
    await withBox(async (box) => {
      const reason = new Error("enough");
      const controller = new AbortController();
      const running = box.exec(["hang"], { signal: controller.signal });
      running.catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      expect(provider.runningProcesses).toBe(1);
      controller.abort(reason);
      await expect(running).rejects.toBe(reason);
      await expect(box.exec(["hang"], { signal: controller.signal })).rejects.toBe(reason);
    });
  });

  it("ends with the box, which can run nothing afterwards", async () => {
    const box = await SandboxAgent.start({ sandbox: provider });
    const running = box.exec(["hang"]);
    await new Promise((resolve) => setImmediate(resolve));
    await box.destroy();
    expect(await running).toMatchObject({ exitCode: 137 });
    await expect(box.exec(["env"])).rejects.toMatchObject({
      code: "sandbox_closed",
      details: { id: box.id },
    });
  });

  it("rejects when the sandbox is lost, and for a program that is not there", async () => {
    const box = await SandboxAgent.start({ sandbox: provider });
    await expect(box.exec(["nothing"])).rejects.toMatchObject({
      code: "spawn_failed",
      details: { command: "nothing" },
    });
    const running = box.exec(["hang"]);
    running.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    provider.lose(box.sandbox.id);
    await expect(running).rejects.toMatchObject({ code: "sandbox_lost" });
    await box.destroy();
  });
});
