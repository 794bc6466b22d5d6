import { spawn as spawnProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SandboxAgentError } from "playpen";
import {
  type SandboxFiles,
  type SandboxProcess,
  filesFromSpawn,
  readableFromNode,
  writableFromNode,
} from "playpen/kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

type Spawn = Parameters<typeof filesFromSpawn>[0];

let folder: string;
let files: SandboxFiles;
let started: SandboxProcess[];

/** The smallest provider there can be: processes of this machine. */
const spawn: Spawn = async ({ argv: [program, ...args], cwd, env, stdin }) => {
  const child = spawnProcess(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: [stdin === "ignore" ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on("exit", (code, signal) => resolve({ code, signal }));
  });
  const result: SandboxProcess = {
    stdin: child.stdin === null ? new WritableStream() : writableFromNode(child.stdin),
    stdout: readableFromNode(child.stdout!),
    stderr: readableFromNode(child.stderr!),
    exited,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
  started.push(result);
  return result;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "files-from-spawn-"));
  started = [];
  files = filesFromSpawn(spawn, { cwd: folder });
});
afterEach(async () => {
  // No operation leaves a process behind.
  await Promise.all(started.map(({ exited }) => exited));
  await rm(folder, { recursive: true, force: true });
});

async function failure(promise: Promise<unknown>) {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!SandboxAgentError.is(error, "file_failed")) throw error;
  return error;
}

const oddNames = [
  "a b",
  "-rf",
  "--",
  "-",
  "line\nbreak",
  "quote'\"`",
  "$(id)",
  "*",
  "äöü 日本語 😀",
  "back\\slash",
];

describe("filesFromSpawn", () => {
  it.each(oddNames)("takes the name %j in every operation", async (name) => {
    await files.write(`in/${name}`, `of ${name}`);
    expect(await readFile(join(folder, "in", name), "utf8")).toBe(`of ${name}`);
    expect(await files.readText(`in/${name}`)).toBe(`of ${name}`);
    expect(await files.list("in")).toMatchObject([{ path: join(folder, "in", name), type: "file" }]);
    expect(await files.stat(`in/${name}`)).toMatchObject({ path: join(folder, "in", name) });
    await files.move(`in/${name}`, name);
    await files.mkdir(`in/${name}/${name}`);
    expect(await files.list(`in/${name}`)).toMatchObject([{ type: "directory" }]);
    await files.remove(name);
    await files.remove(`in/${name}`);
    expect(await readdir(join(folder, "in"))).toEqual([]);
  });

  it("keeps every byte, and a byte order mark", async () => {
    const bytes = randomBytes(3_000_000);
    await files.write("bytes", bytes);
    expect(Buffer.compare(await files.read("bytes"), bytes)).toBe(0);
    await files.write("text", "\ufeffä\r\n\0");
    expect(await files.readText("text")).toBe("\ufeffä\r\n\0");
    await files.write("empty", "");
    expect(await files.read("empty")).toHaveLength(0);
  });

  it("takes one process for an operation", async () => {
    for (const operation of [
      () => files.write("deep/er/file", "text"),
      () => files.read("deep/er/file"),
      () => files.list("deep"),
      () => files.stat("deep"),
      () => files.move("deep", "other"),
      () => files.remove("other"),
    ]) {
      started = [];
      await operation();
      expect(started).toHaveLength(1);
    }
  });

  it("tells type, size, time and mode", async () => {
    await files.write("file", "12345", { mode: 0o4751 });
    await symlink("nowhere", join(folder, "link"));
    await mkdir(join(folder, ".hidden"));
    const { mtimeMs } = await stat(join(folder, "file"));
    const listed = await files.list(".");
    expect(listed.map(({ path, type }) => [path, type])).toEqual([
      [join(folder, ".hidden"), "directory"],
      [join(folder, "file"), "file"],
      [join(folder, "link"), "symlink"],
    ]);
    expect(listed[1]).toEqual({
      path: join(folder, "file"),
      type: "file",
      size: 5,
      mode: 0o4751,
      modifiedAt: Math.floor(mtimeMs / 1000) * 1000,
    });
    expect((await files.stat("link"))?.type).toBe("symlink");
    expect(await files.stat("none")).toBeUndefined();
    expect(await files.stat("file/below")).toBeUndefined();
  });

  it("names the operation and the path, as it was given, in a failure", async () => {
    await mkdir(join(folder, "folder"));
    await writeFile(join(folder, "file"), "");
    const attempts = [
      ["read", "none", () => files.read("none")],
      ["readText", "folder", () => files.readText("folder")],
      ["write", "folder", () => files.write("folder", "x")],
      ["write", "file/below", () => files.write("file/below", "x")],
      ["list", "file", () => files.list("file")],
      ["mkdir", "file", () => files.mkdir("file")],
      ["move", "none", () => files.move("none", "other")],
      ["move", "file", () => files.move("file", "folder")],
      ["upload", "file", () => files.upload("file", new Blob(["x"]).stream())],
      ["download", "none", () => files.download("none")],
      ["read", "", () => files.read("")],
      ["stat", "nul\0", () => files.stat("nul\0")],
    ] as const;
    for (const [operation, path, attempt] of attempts) {
      const error = await failure(attempt());
      expect(error.details).toEqual({ operation, path });
      expect(error.message).toContain(`files.${operation}(${JSON.stringify(path)})`);
    }
    expect((await failure(files.read("none"))).message).toContain("No such file or directory");
    expect(await readdir(join(folder, "folder"))).toEqual([]);
  });

  it("takes removing nothing for done", async () => {
    await writeFile(join(folder, "file"), "");
    await files.remove("none");
    await files.remove("file/below");
    expect(await readdir(folder)).toEqual(["file"]);
  });

  it("leaves the old file when its input is cut short", async () => {
    await files.write("file", "old");
    const controller = new AbortController();
    const reason = new Error("enough");
    // The abort comes while the data are on their way.
    const slow = filesFromSpawn(
      async (command) => {
        const inner = await spawn(command);
        queueMicrotask(() => controller.abort(reason));
        return inner;
      },
      { cwd: folder },
    );
    const written = slow.write("file", randomBytes(20_000_000), { signal: controller.signal });
    await expect(written).rejects.toBe(reason);
    expect(await readdir(folder)).toEqual(["file"]);
    expect(await files.readText("file")).toBe("old");
  });

  it("rejects with the reason of the signal, before and after the start", async () => {
    const reason = new Error("enough");
    await expect(files.read("x", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(started).toHaveLength(0);
    await makeFifo();
    const controller = new AbortController();
    const read = files.read("fifo", { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(read).rejects.toBe(reason);
  });

  it("carries a folder through download and upload as streams", async () => {
    await files.write("from/deep/a b", randomBytes(1_000_000));
    await files.write("from/run", "#!/bin/sh\n", { mode: 0o755 });
    await files.upload("to/here", await files.download("from"));
    expect(hash(await files.read("to/here/deep/a b"))).toBe(hash(await files.read("from/deep/a b")));
    expect((await files.stat("to/here/run"))?.mode).toBe(0o755);
  });

  it("makes tar wait for the reader of a download", async () => {
    await files.write("from/large", Buffer.alloc(30_000_000, "x"));
    const reader = (await files.download("from")).getReader();
    await reader.read();
    const [tar] = started.slice(-1);
    expect(await Promise.race([tar!.exited, files.stat("from")])).toHaveProperty("size");
    await reader.cancel();
    expect((await tar!.exited).signal).toBe("SIGKILL");
  });

  it("rejects an upload whose source breaks off, or is no archive", async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("the disk is gone"));
      },
    });
    const error = await failure(files.upload("to", broken));
    expect(error.cause).toEqual(new Error("the disk is gone"));
    expect((await failure(files.upload("to", new Blob(["x".repeat(5000)]).stream()))).message).toMatch(/tar/);
  });

  it("does not wait for the rest of a source that nobody takes any more", async () => {
    let isCancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from("x".repeat(20_000)));
      },
      cancel() {
        isCancelled = true;
      },
    });
    await files.write("file", "");
    await failure(files.upload("file", endless));
    expect(isCancelled).toBe(true);
  });

  it("wraps a program that the sandbox does not have", async () => {
    const missing: Spawn = async ({ argv }) => {
      throw new SandboxAgentError("spawn_failed", "not found", { details: { command: argv[0] } });
    };
    const error = await failure(filesFromSpawn(missing, { cwd: "/" }).read("x"));
    expect(error.cause).toHaveProperty("code", "spawn_failed");
  });

  it("passes on that the sandbox is lost", async () => {
    const lost = new SandboxAgentError("sandbox_lost", "gone", { details: { id: "1" } });
    await expect(filesFromSpawn(() => Promise.reject(lost), { cwd: "/" }).read("x")).rejects.toBe(lost);
  });
});

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function makeFifo(): Promise<void> {
  const { exited } = await spawn({ argv: ["mkfifo", join(folder, "fifo")], stdin: "ignore" });
  expect((await exited).code).toBe(0);
}
