import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { docker } from "playpen/docker";
import { expect, it, onTestFinished, vi } from "vitest";
import { describeWith } from "../../../image/engines.ts";
import { Relay } from "../../../stand-ins/kit/relay.ts";
import { countInside, createSandbox, engine, lines, run, settings } from "./harness.ts";

describeWith(["docker", "test-image"], "a process in a container", () => {
  it("is signalled once for each kill()", async () => {
    const sandbox = await createSandbox();
    const script = `trap 'echo INT' INT; trap 'echo TERM; exit 5' TERM; echo ready; while :; do sleep 0.05; done`;
    const child = await sandbox.spawn({ argv: ["/bin/sh", "-c", script] });
    const output = lines(child);
    expect((await output.next()).value).toBe("ready");
    await child.kill("SIGINT");
    expect((await output.next()).value).toBe("INT");
    await child.kill("SIGTERM");
    expect((await output.next()).value).toBe("TERM");
    expect(await child.exited).toEqual({ code: 5, signal: null });
  });

  it("is killed with 50 children that go on forking", async () => {
    const sandbox = await createSandbox();
    const words = "sleep 299";
    const spawner = `n=0; while [ $n -lt 20 ]; do ${words} & setsid ${words} & n=$((n + 1)); sleep 0.2; done; wait`;
    const child = await sandbox.spawn({
      argv: [
        "/bin/sh",
        "-c",
        `n=0; while [ $n -lt 50 ]; do (${spawner}) & n=$((n + 1)); done; echo ready; wait`,
      ],
    });
    expect((await lines(child).next()).value).toBe("ready");
    while ((await countInside(sandbox, words)) < 50);
    await child.kill();
    expect(await child.exited).toEqual({ code: null, signal: "SIGKILL" });
    expect(await countInside(sandbox, words)).toBe(0);
  });

  it("is found without its environment, and as another user than its parent", async () => {
    const sandbox = await createSandbox({ user: "0:0" });
    const bare = await sandbox.spawn({ argv: ["env", "-i", "/bin/sleep", "298"] });
    // A moment passes until the program has replaced the one that was started.
    while ((await countInside(sandbox, "/bin/sleep 298")) === 0);
    await bare.kill("SIGTERM");
    expect(await bare.exited).toEqual({ code: null, signal: "SIGTERM" });
    const other = await sandbox.spawn({
      argv: [
        "/bin/sh",
        "-c",
        "setsid setpriv --reuid 4711 --regid 4712 --clear-groups sleep 297 & echo ready; wait",
      ],
    });
    expect((await lines(other).next()).value).toBe("ready");
    while ((await countInside(sandbox, "sleep 297")) === 0);
    await other.kill();
    await other.exited;
    expect(await countInside(sandbox, "sleep 297")).toBe(0);
  });

  it("runs as the user asked for, who owns the working directory that was made for it", async () => {
    const sandbox = await createSandbox({ user: "4711:4712", cwd: "/srv/made/for it" });
    expect((await run(sandbox, "id -u; id -g; : > file; ls; pwd")).stdout).toBe(
      "4711\n4712\nfile\n/srv/made/for it\n",
    );
    const missing = sandbox.spawn({ argv: ["true"], user: "ghost" });
    await expect(missing).rejects.toMatchObject({ code: "spawn_failed" });
    await expect(missing).rejects.toThrow("unable to find user ghost");
  });

  it("hands over 20 MB of random bytes unchanged, in both directions at once", async () => {
    const sandbox = await createSandbox();
    const child = await sandbox.spawn({
      argv: ["/bin/sh", "-c", "head -c 20000000 /dev/urandom | tee copy; sha256sum < copy >&2; sha256sum"],
    });
    const input = Buffer.alloc(5_000_000, "input");
    const writer = child.stdin.getWriter();
    const written = writer.write(input).then(() => writer.close());
    const hash = createHash("sha256");
    let length = 0;
    let tail = Buffer.alloc(0);
    for await (const chunk of child.stdout) {
      const fresh = chunk.subarray(0, Math.max(0, 20_000_000 - length));
      hash.update(fresh);
      length += chunk.length;
      tail = Buffer.concat([tail, chunk.subarray(fresh.length)]);
    }
    await written;
    const stderr = await new Response(child.stderr).text();
    expect(stderr.slice(0, 64)).toBe(hash.digest("hex"));
    expect(tail.toString().slice(0, 64)).toBe(createHash("sha256").update(input).digest("hex"));
  });

  it("loses nothing of the last output when its reader is slower than the engine's patience", async () => {
    const sandbox = await createSandbox();
    // Just what socket, engine and pipes hold differs between machines; one of these ends while the engine still has
    // a part of its output.
    const sizes = Array.from({ length: 16 }, (_, index) => 1_300_000 + index * 40_000);
    await Promise.all(
      sizes.map(async (size) => {
        const child = await sandbox.spawn({
          argv: ["head", "-c", String(size), "/dev/zero"],
          stdin: "ignore",
        });
        await delay(5000);
        let length = 0;
        for await (const chunk of child.stdout) length += chunk.length;
        expect(length).toBe(size);
        expect(await child.exited).toEqual({ code: 0, signal: null });
      }),
    );
  });

  it("ends with an error when the container is removed under it", async () => {
    const sandbox = await createSandbox();
    const child = await sandbox.spawn({ argv: ["/bin/sh", "-c", "echo ready; exec sleep 300"] });
    const unread = await sandbox.spawn({ argv: ["yes"] });
    const output = lines(child);
    expect((await output.next()).value).toBe("ready");
    await engine.getContainer(sandbox.id).remove({ force: true });
    expect((await output.next()).done).toBe(true);
    await expect(child.exited).rejects.toMatchObject({ code: "sandbox_lost", details: { id: sandbox.id } });
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "sandbox_lost" });
    await child.kill();
    await sandbox.destroy();
    // What nobody reads cannot be seen to end; the sandbox's end ends it.
    await expect(unread.exited).rejects.toMatchObject({ code: "sandbox_lost" });
  });

  it("ends with an error when the sandbox is destroyed, whether its output is read or not", async () => {
    const sandbox = await createSandbox();
    const children = await Promise.all(
      [["yes"], ["sleep", "300"], ["/bin/sh", "-c", "exec yes >&2"]].map(([program = "", ...args]) =>
        sandbox.spawn({ argv: [program, ...args] }),
      ),
    );
    await Promise.all([sandbox.destroy(), sandbox.destroy()]);
    for (const child of children) {
      await expect(child.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    }
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "sandbox_closed" });
  });

  it("may close its outputs and go on, and is heard of when it ends", async () => {
    const sandbox = await createSandbox();
    const script = "exec > made 2>&1; echo written; while [ ! -e go ]; do sleep 0.1; done; exit 3";
    const child = await sandbox.spawn({ argv: ["/bin/sh", "-c", script], stdin: "ignore" });
    // Longer than the end of a connection is taken for that of its process.
    await run(sandbox, "sleep 1; cat made; touch go");
    expect(await child.exited).toEqual({ code: 3, signal: null });
    expect(await sandbox.files.readText("made")).toBe("written\n");
  });

  it.each(["end", "reset"] as const)(
    "is lost when its connection comes to an end by %s, though the container lives on",
    async (kind) => {
      const relay = await new Relay({ path: "/var/run/docker.sock" }).start();
      onTestFinished(() => relay.stop());
      const { id } = await createSandbox();
      const provider = docker(settings({ host: `tcp://127.0.0.1:${relay.port}` }));
      const sandbox = await provider.connect(id, { env: {} });
      const child = await sandbox.spawn({ argv: ["/bin/sh", "-c", "echo ready; exec sleep 300"] });
      await lines(child).next();
      const terminal = await sandbox.terminal({ argv: ["sleep", "300"] });
      const since = performance.now();
      relay.cut(kind);
      await expect(child.exited).rejects.toMatchObject({ code: "sandbox_lost" });
      await expect(terminal.exited).rejects.toMatchObject({ code: "sandbox_lost" });
      expect(performance.now() - since).toBeLessThan(5000);
      expect((await run(sandbox, "echo alive")).stdout).toBe("alive\n");
    },
  );

  it("cannot be started in a paused container, which says so", async () => {
    const sandbox = await createSandbox();
    await engine.getContainer(sandbox.id).pause();
    await expect(sandbox.spawn({ argv: ["true"] })).rejects.toThrow("paused");
    await engine.getContainer(sandbox.id).unpause();
    // The engine learns of both changes a second time, from its runtime, and meanwhile may think it paused again.
    const alive = await vi.waitFor(() => run(sandbox, "echo alive"), { timeout: 10_000 });
    expect(alive.stdout).toBe("alive\n");
  });
});
