import { type SpritesOptions, sprites } from "playpen/sprites";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type SpritesStandIn, startSprites } from "../../stand-ins/sprites/index.ts";
import { describeOtherHost } from "./describe-other-host.ts";
import { brokenConnection, cloudLeftovers, describeRealAgent, outage } from "./describe-real-agent.ts";
import { describeVendorFailures } from "./describe-vendor-failures.ts";

let standIn: SpritesStandIn;
beforeAll(async () => {
  standIn = await startSprites();
});
afterAll(() => standIn.stop());
afterEach(() => {
  standIn.server.faults.clear();
});

const spec = { env: {}, labels: {} };
const provider = (options: SpritesOptions = {}) =>
  sprites({ baseUrl: standIn.url, token: standIn.token, ...options });

describe("what the service may answer", () => {
  describeVendorFailures({
    server: () => standIn.server,
    provider: () => provider({ requestTimeoutMs: 700 }),
    creation: { method: "POST", path: "/v1/sprites" },
    count: () => standIn.sprites.size,
    variables: ["SPRITES_TOKEN", "SPRITE_TOKEN"],
    bare: () => sprites({ baseUrl: standIn.url }),
    credential: () => ({ SPRITE_TOKEN: standIn.token }),
    at: (baseUrl) => provider({ baseUrl }),
  });

  it.each([
    [401, "provider_authentication_failed"],
    [404, "sandbox_lost"],
    [500, "provider_failed"],
  ])("starts no process when a WebSocket is refused with %i", async (status, code) => {
    const sandbox = await provider().create(spec);
    standIn.server.faults.nextStatus(status, { on: ({ method }) => method === "UPGRADE" });
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code });
    await sandbox.destroy();
  });

  it("removes the sprite when its working directory cannot be made", async () => {
    const created = provider({ cwd: "/proc/none" }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "file_failed" });
    expect(standIn.sprites.size).toBe(0);
  });

  it("refuses sizes that the service refuses", async () => {
    const created = provider({ cpus: 64 }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "sandbox_create_failed" });
    expect(standIn.sprites.size).toBe(0);
  });
});

describe("a command", () => {
  it("is in no address, and neither are its variables", async () => {
    const sandbox = await provider({ env: { OF_PROVIDER: "secret-a" } }).create({
      env: { OF_BOX: "secret-b" },
      labels: {},
    });
    const from = standIn.addresses.length;
    const process = await sandbox.spawn({
      argv: ["/bin/sh", "-c", "echo $OF_PROVIDER $OF_BOX $OF_PROCESS; : secret-d"],
      env: { OF_PROCESS: "secret-c", LARGE: "x".repeat(100_000) },
    });
    expect(await new Response(process.stdout).text()).toBe("secret-a secret-b secret-c\n");
    const addresses = standIn.addresses.slice(from);
    expect(addresses).toHaveLength(1);
    expect(addresses[0]).not.toContain("secret");
    expect(addresses[0]?.length).toBeLessThan(1000);
    await sandbox.destroy();
  });

  it("ends with the code of its sandbox when the connection is cut", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "300"] });
    const since = performance.now();
    standIn.server.cutConnections();
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    expect(performance.now() - since).toBeLessThan(5000);
    // The sprite itself is still there.
    const next = await sandbox.spawn({ argv: ["echo", "alive"], stdin: "ignore" });
    expect(await new Response(next.stdout).text()).toBe("alive\n");
    await sandbox.destroy();
  });

  it("is ended by the service some time after its host was lost", async () => {
    const own = await startSprites({ runAfterDisconnectMs: 300 });
    const sandbox = await provider({ baseUrl: own.url }).create(spec);
    await sandbox.spawn({ argv: ["sleep", "300"] });
    const [sprite] = own.sprites.values();
    expect(await sprite?.machine.processes()).not.toEqual([]);
    own.server.cutConnections();
    await expect.poll(() => sprite?.machine.processes(), { timeout: 10_000 }).toEqual([]);
    await own.stop();
  });

  it("does not make the host's globals more", async () => {
    const before = Object.getOwnPropertyNames(globalThis);
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({ argv: ["true"] });
    await process.exited;
    await sandbox.destroy();
    expect(Object.getOwnPropertyNames(globalThis)).toEqual(before);
  });
});

describe("a sprite", () => {
  it("is found by its labels where lists do not tell them, over several pages", async () => {
    const own = await startSprites({ listsLabels: false });
    const other = provider({ baseUrl: own.url, labels: { kind: "ü = 1 / 2" } });
    const made = await Promise.all(Array.from({ length: 52 }, () => other.create(spec)));
    const found: string[] = [];
    for await (const { id } of other.list({ labels: { kind: "ü = 1 / 2" } })) found.push(id);
    expect(found.sort()).toEqual(made.map(({ id }) => id).sort());
    await own.stop();
  });

  it("is nobody else's: others are neither listed nor connected to", async () => {
    await fetch(`${standIn.url}/v1/sprites`, {
      method: "POST",
      headers: { authorization: `Bearer ${standIn.token}` },
      body: JSON.stringify({ name: "playpen-by-hand" }),
    });
    const listed: string[] = [];
    for await (const { id } of provider().list()) listed.push(id);
    expect(listed).toEqual([]);
    await expect(provider().connect("playpen-by-hand", { env: {} })).rejects.toMatchObject({
      code: "sandbox_not_found",
    });
    await expect(provider().connect("../other", { env: {} })).rejects.toMatchObject({
      code: "sandbox_not_found",
    });
    await fetch(`${standIn.url}/v1/sprites/playpen-by-hand`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${standIn.token}` },
    });
  });

  it("goes back to a checkpoint, and its processes end", async () => {
    const sandbox = await provider().create(spec);
    await sandbox.files.write("kept", "before");
    const checkpoint = await sandbox.checkpoint({ comment: "first" });
    expect(checkpoint).toMatchObject({ id: "v1", comment: "first" });
    expect(await sandbox.checkpoints()).toEqual([checkpoint]);
    await sandbox.files.write("kept", "after");
    const process = await sandbox.spawn({ argv: ["sleep", "300"] });
    await sandbox.restore(checkpoint.id);
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    expect(await sandbox.files.readText("kept")).toBe("before");
    await expect(sandbox.restore("v9")).rejects.toMatchObject({ code: "sandbox_not_found" });
    await sandbox.destroy();
  });

  it("has its network policy set in the vendor's words", async () => {
    const sandbox = await provider().create(spec);
    const sprite = standIn.sprites.get(sandbox.id);
    await sandbox.setNetworkPolicy({ allow: ["github.com", "*.npmjs.org"] });
    expect(sprite?.rules).toEqual([
      { domain: "github.com", action: "allow" },
      { domain: "*.npmjs.org", action: "allow" },
      { domain: "*", action: "deny" },
    ]);
    await sandbox.setNetworkPolicy("deny-all");
    expect(sprite?.rules).toEqual([{ domain: "*", action: "deny" }]);
    await sandbox.setNetworkPolicy("allow-all");
    expect(sprite?.rules).toEqual([{ domain: "*", action: "allow" }]);
    await sandbox.destroy();
  });

  it("has an address of its own, which is for all only where that was asked for", async () => {
    const closed = await provider().create(spec);
    const open = await provider({ publicUrl: true }).create(spec);
    expect(closed.url).toContain(closed.id);
    expect(standIn.sprites.get(closed.id)?.settings.auth).toBe("sprite");
    expect(standIn.sprites.get(open.id)?.settings.auth).toBe("public");
    await Promise.all([closed.destroy(), open.destroy()]);
  });

  it("lets go of the ports that it made reachable", async () => {
    const sandbox = await provider().create(spec);
    const { url } = await sandbox.expose(9);
    await sandbox.destroy();
    await expect(fetch(url)).rejects.toThrow();
  });
});

describeOtherHost({
  name: "sprites",
  options: () => ({ baseUrl: standIn.url, token: standIn.token }),
  provider,
  packages: [
    { name: "@fly/sprites", range: "^0.1.0", others: ["0.0.1"] },
    { name: "ws", range: "^8.18.0", others: ["7.5.0"] },
  ],
  count: () => standIn.sprites.size,
});

describeRealAgent("a real agent in a sprite", {
  provider,
  watch: cloudLeftovers(() => standIn.sprites),
  cuts: [brokenConnection(() => standIn.server), outage(() => standIn.server)],
});
