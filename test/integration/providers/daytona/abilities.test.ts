import { daytona } from "playpen/daytona";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { StandInDaytona } from "../../../stand-ins/daytona/index.ts";

const cloud = new StandInDaytona();
beforeAll(() => cloud.start());
afterEach(() => {
  cloud.api.faults.clear();
});
afterAll(() => cloud.stop());

const spec = { env: {}, labels: {} };
const provider = () => daytona(cloud.options);
const on = (method: string, path: RegExp) => ({
  on: (request: { readonly method: string; readonly path: string }) =>
    request.method === method && path.test(request.path),
});

async function factsOf(id: string): Promise<unknown> {
  const response = await fetch(`${cloud.options.apiUrl}/sandbox/${id}`, {
    headers: { authorization: `Bearer ${cloud.apiKey}` },
  });
  return response.json();
}

describe("a fork", () => {
  it("ends as the first does, and is told its labels", async () => {
    const first = await provider().create({ ...spec, labels: { kind: "first", stage: "one" } });
    const fork = await first.fork({ labels: { stage: "two" } });
    expect(await factsOf(fork.id)).toMatchObject({
      autoStopInterval: 15,
      autoDeleteInterval: 0,
      labels: { kind: "first", stage: "two" },
    });
    await first.destroy();
    await fork.destroy();
    expect(cloud.ids).toEqual([]);
  });

  it.each(["autodelete", "autostop", "labels"])("is none where its %s could not be set", async (path) => {
    await using sandbox = await provider().create(spec);
    cloud.api.faults.nextStatus(409, on(path === "labels" ? "PUT" : "POST", new RegExp(`/${path}(/|$)`)));
    await expect(sandbox.fork()).rejects.toMatchObject({ code: "provider_failed" });
    expect(cloud.ids).toEqual([sandbox.id]);
  });

  it("is none when it was not wanted any more", async () => {
    await using sandbox = await provider().create(spec);
    const abort = new AbortController();
    const reason = new Error("not wanted");
    const forked = sandbox.fork({ signal: abort.signal });
    await expect.poll(() => cloud.api.count("POST", /\/fork$/)).toBeGreaterThan(0);
    abort.abort(reason);
    await expect(forked).rejects.toBe(reason);
    await expect.poll(() => cloud.ids).toEqual([sandbox.id]);
  });
});

describe("a snapshot", () => {
  it("is none where the service does not finish it, or refuses it", async () => {
    await using sandbox = await provider().create(spec);
    cloud.api.faults.nextStatus(403, on("GET", /^\/snapshots\//));
    await expect(sandbox.snapshot({ name: "some" })).rejects.toMatchObject({
      code: "provider_authentication_failed",
    });
    cloud.api.faults.nextStatus(400, on("POST", /\/snapshot$/));
    await expect(sandbox.snapshot({ name: "some" })).rejects.toMatchObject({ code: "provider_failed" });
    expect(cloud.snapshots).toEqual([]);
  });

  it("is found by its whole name only", async () => {
    await using sandbox = await provider().create(spec);
    const { snapshots } = provider();
    const ids: string[] = [];
    for (const name of ["agents", "my-agents", "agents-2"]) ids.push((await sandbox.snapshot({ name })).id);
    expect(await snapshots?.find("agents")).toEqual({ id: ids[0] });
    expect(await snapshots?.find("my-agents")).toEqual({ id: ids[1] });
    expect(await snapshots?.find("2")).toBeUndefined();
    for (const id of ids) await snapshots?.remove(id);
    expect(cloud.snapshots).toEqual([]);
  });
});

describe("a terminal", () => {
  it("shows what its program says, and nothing of the shell that it was typed into", async () => {
    await using sandbox = await provider().create(spec);
    const terminal = await sandbox.terminal({ argv: ["echo", "only this"] });
    const chunks: Uint8Array[] = [];
    for await (const chunk of terminal.output) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe("only this\r\n");
    expect(await terminal.exited).toEqual({ code: 0, signal: null });
  });

  it("is lost with its sandbox, and hung up when its input is closed", async () => {
    const sandbox = await provider().create(spec);
    const hungUp = await sandbox.terminal();
    await hungUp.input.close();
    expect(await hungUp.exited).toEqual({ code: null, signal: "SIGHUP" });
    const lost = await sandbox.terminal();
    await cloud.machine(sandbox.id)?.destroy();
    await expect(lost.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    await sandbox.destroy();
  });
});
