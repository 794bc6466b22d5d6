import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Sandbox, SandboxProvider } from "playpen/kit";
import { podman } from "playpen/podman";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repositoryRoot } from "../../../../scripts/subpaths.ts";
import { describeWith } from "../../../image/engines.ts";
import { type PodmanService, podmanImage, startPodmanService } from "../../../image/podman.ts";

const owner = `podman-tests.${String(process.pid)}.${randomUUID()}`;
const labels = { "playpen.owner": owner };
const run = promisify(execFile);

async function ids(provider: SandboxProvider): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { id } of provider.list({ labels })) found.push(id);
  return found;
}

async function output(sandbox: Sandbox, script: string): Promise<string> {
  const child = await sandbox.spawn({ argv: ["/bin/sh", "-c", script], stdin: "ignore" });
  return new Response(child.stdout).text();
}

describeWith(["podman"], "Podman, both ways", () => {
  let service: PodmanService;
  beforeAll(async () => {
    service = await startPodmanService();
  });
  afterAll(() => service.stop());
  const byCommand = podman({ image: podmanImage, cli: true, network: "none" });
  const bySocket = () => podman({ image: podmanImage, socketPath: service.socketPath, network: "none" });

  it("connects by the command to what the socket made, and the other way round", async () => {
    for (const [first, second] of [
      [bySocket(), byCommand],
      [byCommand, bySocket()],
    ] as const) {
      const sandbox = await first.create({ env: {}, labels });
      await sandbox.files.write("kept", "text");
      await sandbox.detach({ ttlMs: 600_000 });
      expect(await ids(second)).toEqual([sandbox.id]);
      const connected = await second.connect(sandbox.id, { env: { STAGE: "second" } });
      expect(connected.labels).toMatchObject(labels);
      expect(await output(connected, 'cat kept; echo " $STAGE"')).toBe("text second\n");
      await connected.destroy();
      expect(await ids(first)).toEqual([]);
    }
  });

  it("starts by one way from a snapshot made by the other", async () => {
    const sandbox = await byCommand.create({ env: {}, labels });
    const name = randomUUID();
    await sandbox.files.write("kept", "text");
    const { id } = await sandbox.snapshot({ name });
    await sandbox.destroy();
    try {
      expect((await bySocket().snapshots?.find(name))?.id).toContain(id);
      const second = await bySocket().create({ env: {}, labels, snapshot: id });
      expect(await output(second, "cat kept")).toBe("text");
      await second.destroy();
    } finally {
      await bySocket().snapshots?.remove(id);
    }
    expect(await byCommand.snapshots?.find(name)).toBeUndefined();
  });

  it("shows no variable in the container's configuration or in an argument", async () => {
    const word = `secret-${randomUUID()}`;
    const sandbox = await byCommand.create({ env: { SECRET: word }, labels });
    try {
      const child = await sandbox.spawn({ argv: ["/bin/sh", "-c", "echo $SECRET; read -r _"] });
      const first = await child.stdout.getReader().read();
      expect(Buffer.from(first.value ?? []).toString()).toBe(`${word}\n`);
      expect((await run("podman", ["inspect", sandbox.id])).stdout).not.toContain(word);
      expect((await run("ps", ["-ww", "-eo", "args"], { maxBuffer: 2 ** 28 })).stdout).not.toContain(word);
    } finally {
      await sandbox.destroy();
    }
  });

  it("hears of the end of a process that has closed its outputs and goes on", async () => {
    for (const provider of [bySocket(), byCommand]) {
      const sandbox = await provider.create({ env: {}, labels });
      const script = "exec > made 2>&1; echo written; while [ ! -e go ]; do sleep 0.1; done; exit 3";
      const child = await sandbox.spawn({ argv: ["/bin/sh", "-c", script], stdin: "ignore" });
      // Longer than the end of a connection is taken for that of its process.
      await output(sandbox, "sleep 1; touch go");
      expect(await child.exited).toEqual({ code: 3, signal: null });
      expect(await sandbox.files.readText("made")).toBe("written\n");
      await sandbox.destroy();
    }
  });

  it("has a sandbox by the command end with its host, also when that is killed", async () => {
    const program = fileURLToPath(new URL("programs/host.ts", import.meta.url));
    const args = ["--import", "tsx", program, podmanImage, owner];
    const host = spawn(process.execPath, args, { cwd: repositoryRoot, stdio: ["ignore", "pipe", "inherit"] });
    const [id] = (await once(createInterface({ input: host.stdout }), "line")) as [string];
    expect(await ids(byCommand)).toEqual([id]);
    host.kill("SIGKILL");
    const deadline = performance.now() + 15_000;
    while ((await ids(byCommand)).length > 0) {
      expect(performance.now()).toBeLessThan(deadline);
      await delay(50);
    }
  });
});
