import { docker } from "playpen/docker";
import { SandboxAgentError } from "playpen";
import { expect, it, onTestFinished } from "vitest";
import { describeWith } from "../../../image/engines.ts";
import { containerExists, engine, labels, run, settings } from "./harness.ts";

async function create(options: Parameters<typeof docker>[0] = {}) {
  const provider = docker(settings(options));
  const sandbox = await provider.create({ env: { STAGE: "one" }, labels });
  onTestFinished(() => sandbox.destroy());
  return { provider, sandbox };
}

async function refusal(promise: Promise<unknown>): Promise<SandboxAgentError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (SandboxAgentError.is(error, "unsupported")) return error;
  throw new Error("It was not refused.", { cause: error });
}

const canConnect = (address: string): string =>
  `node -e 'require("net").connect(53, "${address}").on("connect", () => process.exit(0))` +
  `.on("error", (error) => { console.log(error.code); process.exit(error.code === "ECONNREFUSED" ? 0 : 1) })'`;

describeWith(["docker", "test-image"], "what a container can do beside the rest", () => {
  it("lets processes go on after a pause, with what they had in memory", async () => {
    const { sandbox } = await create();
    const child = await sandbox.spawn({
      argv: ["/bin/sh", "-c", 'word=kept; echo ready; read -r line; echo "$word $line"'],
    });
    const reader = child.stdout.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("ready\n");
    await sandbox.pause();
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toThrow(/paused/);
    await sandbox.resume();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("line\n"));
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("kept line\n");
  });

  it("destroys a paused container", async () => {
    const { sandbox } = await create();
    await sandbox.pause();
    await sandbox.destroy();
    expect(await containerExists(sandbox.id)).toBe(false);
  });

  it("takes a running process's network away, and gives it back", async () => {
    const { sandbox } = await create({ network: "bridge" });
    const { NetworkSettings: facts } = await engine.getContainer(sandbox.id).inspect();
    const gateway = Object.values(facts.Networks)[0]?.Gateway ?? "";
    const reaches = async (): Promise<number | null> => (await run(sandbox, canConnect(gateway))).exit.code;
    expect(await reaches()).toBe(0);
    await sandbox.setNetworkPolicy("deny-all");
    expect((await run(sandbox, canConnect(gateway))).stdout).toBe("ENETUNREACH\n");
    expect((await run(sandbox, "tail -n +2 /proc/net/route")).stdout).toBe("");
    await sandbox.setNetworkPolicy("deny-all");
    await sandbox.setNetworkPolicy("allow-all");
    expect(await reaches()).toBe(0);
  });

  it("refuses a list of hosts, and a network that it does not have", async () => {
    const { sandbox } = await create({ network: "none" });
    const listed = await refusal(sandbox.setNetworkPolicy({ allow: ["example.com"] }));
    expect(listed.message).toContain("all or nothing");
    await sandbox.setNetworkPolicy("deny-all");
    expect((await refusal(sandbox.setNetworkPolicy("allow-all"))).remedy).toContain('network: "bridge"');
    expect((await refusal(sandbox.expose(3000))).remedy).toContain('docker({ network: "bridge" })');
  });

  it("publishes the ports that it was created with", async () => {
    const { sandbox } = await create({ network: "bridge", ports: [3000] });
    const { url } = await sandbox.expose(3000);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const server = await sandbox.spawn({
      argv: [
        "node",
        "-e",
        'require("http").createServer((_, r) => r.end("hello")).listen(3000, () => console.log("up"))',
      ],
    });
    await server.stdout.getReader().read();
    expect(await (await fetch(url)).text()).toBe("hello");
  });

  it("removes the image of a fork with the fork, and keeps no variable in it", async () => {
    const { sandbox } = await create();
    const fork = await sandbox.fork();
    onTestFinished(() => fork.destroy());
    const { Image: image, Config: config } = await engine.getContainer(fork.id).inspect();
    expect(JSON.stringify(config)).not.toContain("STAGE");
    expect(JSON.stringify(await engine.getImage(image).inspect())).not.toContain("STAGE");
    expect((await run(fork, 'echo "$STAGE"')).stdout).toBe("one\n");
    await fork.destroy();
    await expect(engine.getImage(image).inspect()).rejects.toMatchObject({ statusCode: 404 });
  });

  it("keeps a snapshot that a sandbox stands on, and says so", async () => {
    const { provider, sandbox } = await create();
    const { id } = await sandbox.snapshot();
    onTestFinished(() => provider.snapshots?.remove(id));
    const second = await provider.create({ env: {}, labels, snapshot: id });
    try {
      await expect(provider.snapshots?.remove(id)).rejects.toMatchObject({
        code: "provider_failed",
        remedy: "Destroy the sandboxes that were made of it, then try again.",
      });
    } finally {
      await second.destroy();
    }
  });
});
