import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { local } from "../../../../providers/local/index.ts";
import type { Sandbox } from "../../../../src/kit.ts";
import { run } from "./harness.ts";

let top: string;
let sandbox: Sandbox;

beforeAll(async () => {
  top = await mkdtemp(join(homedir(), ".local-streams-"));
});

afterAll(async () => {
  await rm(top, { recursive: true });
});

const megabyte = 1024 * 1024;

/** Hashes a stream while a timer watches how much memory the process takes. */
async function hashSlowly(
  stream: ReadableStream<Uint8Array>,
): Promise<{ hash: string; bytes: number; grownBytes: number }> {
  const hash = createHash("sha256");
  const before = process.memoryUsage.rss();
  let [bytes, peak, chunks] = [0, before, 0];
  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.byteLength;
    if (++chunks % 100 === 0) await delay(1);
    peak = Math.max(peak, process.memoryUsage.rss());
  }
  return { hash: hash.digest("hex"), bytes, grownBytes: peak - before };
}

describe.each(["bubblewrap", "none"] as const)("isolation %s", (isolation) => {
  beforeEach(async () => {
    sandbox = await local({ isolation, root: join(top, "root") }).create({ env: {}, labels: {} });
  });

  afterEach(async () => {
    await sandbox.destroy();
  });

  it("delivers 100 MB to a slow reader, exactly, without holding them", async () => {
    const { stdout } = await run(sandbox, "head -c 104857600 /dev/urandom > big; sha256sum big");
    const process = await sandbox.spawn({ argv: ["cat", "big"] });
    const { hash, bytes, grownBytes } = await hashSlowly(process.stdout);
    expect(bytes).toBe(100 * megabyte);
    expect(hash).toBe(stdout.slice(0, 64));
    expect(grownBytes).toBeLessThan(60 * megabyte);
    expect(await process.exited).toEqual({ code: 0, signal: null });
  });

  it("names the limit that arguments are beyond", async () => {
    await expect(sandbox.spawn({ argv: ["/bin/echo", "x".repeat(megabyte)] })).rejects.toMatchObject({
      code: "spawn_failed",
      message: expect.stringContaining("/bin/echo could not be started: the system refused") as unknown,
      remedy: expect.stringContaining("128 KiB") as unknown,
    });
  });

  it("keeps what was written before the exit for a reader who comes later", async () => {
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "seq 1 5000; echo error >&2; exit 3"] });
    expect(await process.exited).toEqual({ code: 3, signal: null });
    await delay(50);
    expect((await new Response(process.stdout).text()).split("\n")).toHaveLength(5001);
    expect(await new Response(process.stderr).text()).toBe("error\n");
  });

  it("tells the exit while a child that was left behind holds the pipes open", async () => {
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "sleep 300 & echo $!; exit 4"] });
    expect(await process.exited).toEqual({ code: 4, signal: null });
    const reader = process.stdout.getReader();
    expect((await reader.read()).done).toBe(false);
    const end = reader.read();
    await process.kill();
    expect((await end).done).toBe(true);
  });

  it("takes a folder in and gives it out, 100 MB large, without holding it", async () => {
    await run(
      sandbox,
      "mkdir -p from/sub; head -c 104857600 /dev/urandom > from/big; echo small > from/sub/small",
    );
    const expected = (await run(sandbox, "cd from; sha256sum big sub/small")).stdout;
    const before = process.memoryUsage.rss();
    await sandbox.files.upload("to/there", await sandbox.files.download("from"));
    expect(process.memoryUsage.rss() - before).toBeLessThan(60 * megabyte);
    expect((await run(sandbox, "cd to/there; sha256sum big sub/small")).stdout).toBe(expected);
  });

  it("refuses files outside its folders, also by a link and while links change", async () => {
    await writeFile(join(top, "outside"), "secret");
    for (const path of ["/etc/passwd", join(top, "outside"), "../state.json", "../../x"]) {
      await expect(sandbox.files.readText(path)).rejects.toMatchObject({ code: "file_failed" });
      await expect(sandbox.files.write(path, "text")).rejects.toMatchObject({ code: "file_failed" });
    }
    await symlink(top, join(sandbox.cwd, "way"));
    await expect(sandbox.files.readText("way/outside")).rejects.toMatchObject({ code: "file_failed" });
    await expect(sandbox.files.remove("way/outside")).rejects.toMatchObject({ code: "file_failed" });
    await run(sandbox, "rm way; mkdir real");
    const before = await readdir(top);
    const flapping = await sandbox.spawn({
      argv: ["/bin/sh", "-c", `while :; do mv real aside; ln -s '${top}' real; rm real; mv aside real; done`],
      stdin: "ignore",
    });
    for (let round = 0; round < 200; round++) {
      await sandbox.files.write("real/planted", "text").catch(() => undefined);
    }
    await flapping.kill();
    expect(await readdir(top)).toEqual(before);
  });

  it("names the caller's own paths in errors, and no descriptor of the library's", async () => {
    const missing = await sandbox.files.readText("missing.txt").catch((error: unknown) => error);
    expect(missing).toMatchObject({ reason: "Cannot read missing.txt: ENOENT: no such file or directory" });
    await sandbox.files.write("it's a file.txt", "text");
    const moved = await sandbox.files.move("it's a file.txt", ".").catch((error: unknown) => error);
    expect(String(moved)).not.toContain("/proc/self");
    const listed = await sandbox.files.list("it's a file.txt").catch((error: unknown) => error);
    expect(listed).toMatchObject({ reason: "Cannot list it's a file.txt: ENOTDIR: not a directory" });
  });

  it("does not wait for a FIFO that an agent has put in the place of a file", async () => {
    await run(sandbox, "mkfifo pipe");
    await expect(sandbox.files.read("pipe")).rejects.toMatchObject({ code: "file_failed" });
  });

  it("removes folders that an agent has locked", async () => {
    await run(sandbox, 'mkdir -p locked/inner "$HOME/locked/inner"; chmod 000 locked "$HOME/locked"');
    await sandbox.destroy();
    expect(await readdir(join(top, "root"))).toEqual([]);
  });
});
