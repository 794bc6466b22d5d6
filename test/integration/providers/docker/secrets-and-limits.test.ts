import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker } from "playpen/docker";
import { expect, it, onTestFinished } from "vitest";
import { describeWith } from "../../../image/engines.ts";
import { createSandbox, engine, labels, lines, run, settings } from "./harness.ts";

describeWith(["docker", "test-image"], "a container", () => {
  it("shows no value of an environment variable to who inspects it", async () => {
    const secrets = { provider: randomUUID(), sandbox: randomUUID(), process: randomUUID() };
    const sandbox = await createSandbox(
      { env: { OF_PROVIDER: secrets.provider } },
      { env: { OF_SANDBOX: secrets.sandbox } },
    );
    const child = await sandbox.spawn({
      argv: ["/bin/sh", "-c", 'echo "$OF_PROVIDER $OF_SANDBOX $OF_PROCESS"; exec cat'],
      env: { OF_PROCESS: secrets.process },
    });
    // The process has them.
    expect((await lines(child).next()).value).toBe(Object.values(secrets).join(" "));
    const container = engine.getContainer(sandbox.id);
    const inspected = await container.inspect();
    const execs = (inspected as { readonly ExecIDs?: readonly string[] }).ExecIDs ?? [];
    expect(execs).toHaveLength(1);
    const seen = JSON.stringify([
      inspected,
      await container.top(),
      await Promise.all(execs.map((id) => engine.getExec(id).inspect())),
    ]);
    for (const secret of Object.values(secrets)) expect(seen).not.toContain(secret);
  });

  it("has the limits and the isolation that were asked for", async () => {
    const sandbox = await createSandbox({ cpus: 0.5, memoryBytes: "200m", pidsLimit: 77 });
    const { HostConfig: config } = await engine.getContainer(sandbox.id).inspect();
    expect(config).toMatchObject({ NanoCpus: 500_000_000, Memory: 200 * 2 ** 20, PidsLimit: 77, Init: true });
    const { stdout } = await run(sandbox, "grep NoNewPrivs /proc/self/status; cat /proc/net/route | wc -l");
    expect(stdout.replaceAll(/\s+/g, " ")).toBe("NoNewPrivs: 1 1 ");
    const capabilities = await run(sandbox, "grep CapBnd /proc/self/status", { user: "0:0" });
    const bounding = BigInt(`0x${capabilities.stdout.split(/\s+/)[1] ?? ""}`);
    for (const [name, bit] of [
      ["NET_RAW", 13n],
      ["MKNOD", 27n],
      ["AUDIT_WRITE", 29n],
    ] as const) {
      expect((bounding >> bit) & 1n, name).toBe(0n);
    }
  });

  it("sees mounts, and changes only those that are writable", async () => {
    const folder = await mkdtemp(join(tmpdir(), "docker-mounts-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, "file"), "of the host");
    const sandbox = await createSandbox({
      user: "0:0",
      mounts: [
        { source: folder, target: "/kept" },
        { source: folder, target: "/open", writable: true },
      ],
    });
    expect((await run(sandbox, "cat /kept/file")).stdout).toBe("of the host");
    expect((await run(sandbox, "echo x > /kept/file")).stderr).toContain("Read-only file system");
    expect((await run(sandbox, "echo x > /open/file && cat /kept/file")).stdout).toBe("x\n");
  });

  it("is listed with its labels, apart from another owner's and from containers of others", async () => {
    const provider = docker(settings({ labels: { team: "tests" } }));
    const own = await createSandbox({ labels: { team: "tests" } });
    const other = await createSandbox(
      {},
      { labels: { ...labels, "playpen.owner": `${labels["playpen.owner"]}2` } },
    );
    const foreign = await engine.createContainer({
      Image: settings().image ?? "",
      Cmd: ["true"],
      Labels: { ...labels },
    });
    onTestFinished(() => foreign.remove({ force: true }));
    const list = async (filter?: { readonly labels: { readonly [name: string]: string } }) => {
      const found = [];
      for await (const info of provider.list(filter)) found.push(info);
      return found;
    };
    const owner = { "playpen.owner": labels["playpen.owner"] };
    expect((await list({ labels: owner })).map(({ id }) => id)).toEqual([own.id]);
    const all = (await list()).map(({ id }) => id);
    expect(all).toContain(other.id);
    expect(all).not.toContain(foreign.id);
    expect((await list({ labels: { ...owner, team: "tests" } }))[0]).toMatchObject({
      running: true,
      labels: { ...labels, team: "tests" },
    });
    expect(await list({ labels: { ...owner, team: "others" } })).toEqual([]);
    await expect(provider.connect(foreign.id, { env: {} })).rejects.toMatchObject({
      code: "sandbox_not_found",
    });
  });
});
