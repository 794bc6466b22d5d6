import { modal } from "playpen/modal";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type ModalStandIn, startModal } from "../../../stand-ins/modal/index.ts";

let standIn: ModalStandIn;
beforeAll(async () => {
  standIn = await startModal();
});
beforeEach(() => {
  vi.stubEnv("MODAL_SERVER_URL", standIn.url);
  vi.stubEnv("MODAL_CONFIG_PATH", "/dev/null");
});
afterEach(() => {
  standIn.faults.clear();
  vi.unstubAllEnvs();
});
afterAll(() => standIn.stop());

const spec = { env: {}, labels: {} };
const provider = () => modal({ tokenId: standIn.tokenId, tokenSecret: standIn.tokenSecret });
const on = (name: string) => ({ on: ({ path }: { readonly path: string }) => path === name });

describe("a snapshot", () => {
  it("is none where it could not be named", async () => {
    await using sandbox = await provider().create(spec);
    standIn.faults.nextStatus(7, on("ImagePublish"));
    await expect(sandbox.snapshot({ name: "some" })).rejects.toMatchObject({
      code: "provider_authentication_failed",
    });
    expect(standIn.snapshots).toEqual([]);
  });

  it("is removed when it was not wanted any more", async () => {
    await using sandbox = await provider().create(spec);
    const abort = new AbortController();
    const reason = new Error("not wanted");
    const taken = sandbox.snapshot({ signal: abort.signal });
    abort.abort(reason);
    await expect(taken).rejects.toBe(reason);
    await expect.poll(() => standIn.calls.at(-1)).toBe("ImageDelete");
    await expect.poll(() => standIn.snapshots).toEqual([]);
  });

  it("is looked for among the library's own names", async () => {
    await using sandbox = await provider().create(spec);
    const { snapshots } = provider();
    const { id } = await sandbox.snapshot({ name: "agents" });
    expect(await snapshots?.find("agents")).toEqual({ id });
    expect(await snapshots?.find("playpen-agents")).toBeUndefined();
    await snapshots?.remove(id);
    expect(standIn.snapshots).toEqual([]);
  });

  it("of a sandbox that has ended is refused as such", async () => {
    await using sandbox = await provider().create(spec);
    await standIn.sandboxes.get(sandbox.id)?.end(137);
    await expect(sandbox.snapshot()).rejects.toMatchObject({ code: "sandbox_lost" });
  });
});

describe("a port", () => {
  it("lets nobody in without the header", async () => {
    await using sandbox = await provider().create(spec);
    const script = `require("node:http").createServer((_, response) => response.end("served"))
      .listen(0, "127.0.0.1", function () { console.log(this.address().port); })`;
    const server = await sandbox.spawn({ argv: [process.execPath, "-e", script], stdin: "ignore" });
    const { value } = await server.stdout.getReader().read();
    const port = Number(Buffer.from(value ?? []).toString());
    const { url, headers } = await sandbox.expose(port);
    expect((await fetch(url)).status).toBe(401);
    expect(await (await fetch(url, { headers: { ...headers } })).text()).toBe("served");
    await expect(sandbox.expose(0)).rejects.toThrow(TypeError);
  });
});

describe("a network policy", () => {
  it("is two lists to the vendor, which takes nothing else", async () => {
    await using sandbox = await provider().create(spec);
    const network = (): unknown => standIn.sandboxes.get(sandbox.id)?.network;
    await sandbox.setNetworkPolicy({
      allow: ["api.anthropic.com", "*.npmjs.org", "10.1.2.3", "10.2.0.0/16"],
    });
    expect(network()).toMatchObject({
      allowedDomains: ["api.anthropic.com", "*.npmjs.org"],
      allowedCidrs: ["10.1.2.3/32", "10.2.0.0/16"],
    });
    await sandbox.setNetworkPolicy("deny-all");
    expect(network()).toMatchObject({ allowedDomains: [], allowedCidrs: [] });
    await sandbox.setNetworkPolicy("allow-all");
    expect(network()).toMatchObject({ allowedDomains: ["*"], allowedCidrs: ["0.0.0.0/0"] });
  });
});

describe("a terminal", () => {
  it("is lost with its sandbox, and hung up when its input is closed", async () => {
    const sandbox = await provider().create(spec);
    const hungUp = await sandbox.terminal();
    await hungUp.input.close();
    expect(await hungUp.exited).toEqual({ code: null, signal: "SIGHUP" });
    const lost = await sandbox.terminal();
    await standIn.sandboxes.get(sandbox.id)?.end(137);
    await expect(lost.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    await sandbox.destroy();
  });
});
