import { docker } from "playpen/docker";
import { type Progress, SandboxAgentError } from "playpen";
import { expect, it, onTestFinished } from "vitest";
import { describeWith } from "../../../image/engines.ts";
import { type EngineProxy, startEngineProxy } from "./engine-proxy.ts";
import { createSandbox, engine, labels, ownContainers, run, settings, waitUntil } from "./harness.ts";
import { type RegistryOptions, startRegistry } from "./registry.ts";

const reason = new Error("the user has left");

async function proxied(): Promise<EngineProxy> {
  const proxy = await startEngineProxy();
  onTestFinished(() => proxy.cut());
  return proxy;
}

async function registry(options: RegistryOptions) {
  const started = await startRegistry(options);
  onTestFinished(async () => {
    await started.close();
    await engine
      .getImage(started.image)
      .remove({ force: true })
      .catch(() => undefined);
  });
  return started;
}

/** A layer with a shell and nothing else. */
async function shellLayer(): Promise<Uint8Array> {
  const sandbox = await createSandbox({ user: "0:0" });
  const pack = await sandbox.spawn({
    argv: ["/bin/sh", "-c", `cd / && tar -c -h -f - bin/sh $(ldd /bin/sh | grep -o '/[^ ]*' | cut -c2-)`],
    stdin: "ignore",
  });
  const layer = await new Response(pack.stdout).arrayBuffer();
  expect(await pack.exited).toEqual({ code: 0, signal: null });
  return new Uint8Array(layer);
}

async function noneLeft(): Promise<void> {
  await waitUntil("no container to be left", async () => (await ownContainers()).length === 0, 5000);
}

const spec = { env: {}, labels };

describeWith(["docker", "test-image"], "the creation of a container", () => {
  it("pulls a missing image with progress, and runs as its user", async () => {
    const { image } = await registry({ layer: await shellLayer(), user: "4711" });
    const seen: Progress[] = [];
    const provider = docker(settings({ image, cwd: "/" }));
    const sandbox = await provider.create(spec, { onProgress: (progress) => seen.push(progress) });
    onTestFinished(() => sandbox.destroy());
    const pulls = seen.filter(({ phase }) => phase === "pull");
    expect(pulls.at(-1)?.fraction).toBe(1);
    expect(seen.at(-1)?.phase).toBe("create");
    const child = await sandbox.spawn({
      argv: [
        "/bin/sh",
        "-c",
        'while read -r name one rest; do [ "$name" = Uid: ] && echo "$one"; done < /proc/self/status',
      ],
    });
    expect(await new Response(child.stdout).text()).toBe("4711\n");
    // It is there now, and is not asked for again.
    seen.length = 0;
    const second = await provider.create(spec, { onProgress: (progress) => seen.push(progress) });
    await second.destroy();
    expect(seen.map(({ phase }) => phase)).toEqual(["create"]);
  });

  it("says that an image cannot be had", async () => {
    const missing = docker(settings({ image: "127.0.0.1:1/none/such:1" })).create(spec);
    await expect(missing).rejects.toMatchObject({
      code: "image_unavailable",
      details: { image: "127.0.0.1:1/none/such:1" },
    });
    const never = docker(settings({ image: "playpen-no-such-image:1", pull: "never" })).create(spec);
    await expect(never).rejects.toThrow("pull: never");
    await expect(never).rejects.toMatchObject({ code: "image_unavailable" });
  });

  it("ends a pull that is aborted", async () => {
    const { image, layerAsked } = await registry({ layer: Buffer.alloc(8_000_000, "x"), isStuck: true });
    const controller = new AbortController();
    const created = docker(settings({ image })).create(spec, { signal: controller.signal });
    await Promise.race([layerAsked, created]);
    controller.abort(reason);
    await expect(created).rejects.toBe(reason);
    await noneLeft();
  });

  it("says that an image has no shell", async () => {
    const { image } = await registry({ layer: Buffer.alloc(10_240) });
    for (const init of [true, false]) {
      const created = docker(settings({ image, init })).create(spec);
      await expect(created).rejects.toMatchObject({ code: "sandbox_create_failed" });
      await expect(created).rejects.toThrow("has no /bin/sh");
    }
    await noneLeft();
  });

  it("passes on what the engine or the main process says about a failure", async () => {
    for (const [options, words] of [
      [{ network: "no-such-network" }, "no-such-network"],
      [{ mounts: [{ source: "/no/such/folder", target: "/x" }] }, "/no/such/folder"],
      [{ cwd: "/etc/passwd/below" }, "mkdir"],
      [{ user: "ghost", cwd: "/made" }, "ghost"],
    ] as const) {
      const created = docker(settings(options)).create(spec);
      await expect(created).rejects.toMatchObject({ code: "sandbox_create_failed" });
      await expect(created).rejects.toThrow(words);
    }
    await noneLeft();
  });

  it.each([
    ["the ping", "GET /_ping"],
    ["the look at the image", "GET /images/"],
    ["the creation", "POST /containers/create"],
    ["the attachment", "attach"],
    ["the start", "/start"],
  ])("leaves nothing when it is aborted during %s", async (_what, request) => {
    for (const moment of ["before", "after"] as const) {
      const proxy = await proxied();
      const controller = new AbortController();
      proxy.onRequest = (line) => {
        if (!line.includes(request)) return;
        if (moment === "before") controller.abort(reason);
        else setImmediate(() => controller.abort(reason));
      };
      const provider = docker(settings({ socketPath: proxy.socketPath }));
      await expect(provider.create(spec, { signal: controller.signal })).rejects.toBe(reason);
      expect(proxy.requests.some((line) => line.includes(request))).toBe(true);
      await noneLeft();
      await proxy.cut();
    }
  });

  it.each(["GET /_ping", "GET /images/", "POST /containers/create"])(
    "is not held up by an engine that does not answer to %s when it is aborted",
    async (request) => {
      const proxy = await proxied();
      const controller = new AbortController();
      proxy.onRequest = (line) => {
        if (!line.startsWith(request)) return;
        controller.abort(reason);
        return new Promise(() => undefined);
      };
      const provider = docker(settings({ socketPath: proxy.socketPath }));
      await expect(provider.create(spec, { signal: controller.signal })).rejects.toBe(reason);
    },
  );

  it("leaves nothing when the engine goes away, and finds it again", async () => {
    const proxy = await proxied();
    const provider = docker(settings({ socketPath: proxy.socketPath }));
    proxy.onRequest = async (line) => {
      if (line.includes("/start")) await proxy.cut();
    };
    const error: unknown = await provider.create(spec).catch((reason: unknown) => reason);
    expect(SandboxAgentError.is(error, "provider_unavailable")).toBe(true);
    // The engine was told to create it, and nobody could tell it to remove it; a start does not come any more.
    for (const id of await ownContainers()) await engine.getContainer(id).remove({ force: true });
    const check = await provider.check();
    expect(check.available).toBe(false);
  });

  it("loses a sandbox, with its processes and its container, when the connection to the engine breaks", async () => {
    const proxy = await proxied();
    const provider = docker(settings({ socketPath: proxy.socketPath }));
    const sandbox = await provider.create(spec);
    const child = await sandbox.spawn({ argv: ["/bin/sh", "-c", "echo ready; exec sleep 300"] });
    const reader = child.stdout.getReader();
    await reader.read();
    await proxy.cut();
    await expect(child.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    // A connection that is closed in order looks like the end of the output; that it was none, `exited` tells.
    expect((await reader.read()).done).toBe(true);
    await expect(child.stdin.getWriter().write(Buffer.from("x"))).rejects.toThrow();
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "sandbox_lost" });
    await expect(child.kill()).rejects.toMatchObject({ code: "sandbox_lost" });
    await expect(sandbox.destroy()).rejects.toMatchObject({ code: "sandbox_lost" });
    await expect(provider.create(spec)).rejects.toMatchObject({ code: "provider_unavailable" });
    await noneLeft();
  });

  it("takes two requests for one process, and one for its exit", async () => {
    const proxy = await proxied();
    const provider = docker(settings({ socketPath: proxy.socketPath }));
    const sandbox = await provider.create(spec);
    onTestFinished(() => sandbox.destroy());
    const before = proxy.requests.length;
    expect((await run(sandbox, "exit 3")).exit.code).toBe(3);
    expect(proxy.requests.slice(before).map((line) => line.replaceAll(/[0-9a-f]{64}/g, "ID"))).toEqual([
      "POST /containers/ID/exec",
      "POST /exec/ID/start",
      "GET /exec/ID/json",
    ]);
    await sandbox.destroy();
    await noneLeft();
  });
});
