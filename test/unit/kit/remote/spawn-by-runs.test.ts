import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type RemoteCommand, type RemoteMachine, RemoteSandbox, type ShortRun } from "playpen/kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let folder: string;
/** Where such programs keep something in between. */
const places = new Set<string>();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "runs-"));
  places.clear();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function kept(): readonly string[] {
  return [...places].flatMap((path) => [path, `${path}-in`]).filter((path) => existsSync(path));
}

interface Vendor {
  /** What came of each command; the last word of its script's name. */
  readonly ran: string[];
  readonly sandbox: RemoteSandbox;
}

/** A vendor whose commands are ordinary processes of this machine, and only run to their end. */
function vendor(change: {
  readonly maxAnswerBytes?: number;
  readonly maxInputBytes?: number;
  readonly env?: { readonly [name: string]: string };
  readonly answer?: (result: ShortRun) => ShortRun;
}): Vendor {
  const {
    maxAnswerBytes = 1000,
    maxInputBytes = 1000,
    env = {},
    answer = (result: ShortRun) => result,
  } = change;
  const ran: string[] = [];
  const withInput = async (command: RemoteCommand, input?: Uint8Array): Promise<ShortRun> => {
    ran.push(command.argv.find((word) => word.startsWith("playpen-"))?.slice("playpen-".length) ?? "rm");
    for (const word of command.argv) if (word.startsWith("/tmp/.playpen-")) places.add(word);
    const [program, ...args] = command.argv;
    const child = spawn(program, args, { env: { PATH: process.env["PATH"], ...command.env } });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const code = new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? 137)));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return answer({ code: await code, stdout, stderr });
  };
  const run = (command: RemoteCommand): Promise<ShortRun> => withInput(command);
  const machine: RemoteMachine = {
    provider: "cloud",
    id: "box-1",
    cwd: folder,
    labels: {},
    env,
    traits: { environment: "native", stdin: "fifo", users: "none" },
    start: () => Promise.reject(new Error("A process was started.")),
    run,
    shortRuns: { run, withInput, maxAnswerBytes, maxInputBytes },
    destroy: () => Promise.resolve(),
  };
  return { ran, sandbox: new RemoteSandbox(machine) };
}

const bytes = Uint8Array.from({ length: 4500 }, (_, index) => (index * 7) % 256);

describe("operations on files by commands that run to their end", () => {
  it("take one command each where they are small", async () => {
    const { sandbox, ran } = vendor({});
    await sandbox.files.write("inner/file", "text");
    expect(await sandbox.files.readText("inner/file")).toBe("text");
    expect((await sandbox.files.stat("inner/file"))?.size).toBe(4);
    await sandbox.files.write("empty", "");
    expect(await sandbox.files.read("empty")).toEqual(Buffer.alloc(0));
    await sandbox.files.remove("inner");
    expect(ran).toEqual(["run", "run", "run", "run", "run", "run"]);
    expect(kept()).toEqual([]);
  });

  it("take some more where they are large, and keep nothing", async () => {
    const { sandbox, ran } = vendor({});
    await sandbox.files.write("file", bytes, { mode: 0o600 });
    expect(ran).toEqual(["keep", "keep", "keep", "keep", "run"]);
    expect(await readFile(join(folder, "file"))).toEqual(Buffer.from(bytes));
    ran.length = 0;
    expect(Buffer.from(await sandbox.files.read("file"))).toEqual(Buffer.from(bytes));
    expect(ran).toEqual(["run", "more", "more", "more", "more", "rm"]);
    expect(kept()).toEqual([]);
  });

  it("ask again for what an answer has not brought", async () => {
    const cut = ({ stdout, ...rest }: ShortRun): ShortRun => ({ ...rest, stdout: stdout.slice(0, 603) });
    const { sandbox, ran } = vendor({ answer: cut });
    await writeFile(join(folder, "file"), bytes);
    expect(Buffer.from(await sandbox.files.read("file"))).toEqual(Buffer.from(bytes));
    expect(ran.length).toBeGreaterThan(9);
    expect(kept()).toEqual([]);
  });

  it("fail where what is missing cannot be asked for", async () => {
    const cut = ({ stdout, ...rest }: ShortRun): ShortRun => ({ ...rest, stdout: stdout.slice(0, 603) });
    const { sandbox } = vendor({ maxAnswerBytes: 10_000, answer: cut });
    await writeFile(join(folder, "file"), bytes);
    await expect(sandbox.files.read("file")).rejects.toMatchObject({ code: "file_failed" });
  });

  it("keep nothing of what was given when the vendor fails on the way", async () => {
    let left = 3;
    const { sandbox } = vendor({
      answer: (result) => {
        left -= 1;
        if (left === 0) throw new Error("The vendor failed.");
        return result;
      },
    });
    await expect(sandbox.files.write("file", bytes)).rejects.toThrow("The vendor failed.");
    expect(places.size).toBeGreaterThan(0);
    await expect.poll(kept).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  it("say what the program has said", async () => {
    const { sandbox } = vendor({});
    await expect(sandbox.files.read("not there")).rejects.toMatchObject({
      code: "file_failed",
      message: expect.stringContaining("No such file") as string,
    });
    await expect(sandbox.files.write("/proc/none/file", bytes)).rejects.toMatchObject({
      code: "file_failed",
    });
    expect(kept()).toEqual([]);
  });

  it("have the variables of the sandbox", async () => {
    const { sandbox } = vendor({ env: { PATH: "/nowhere" } });
    await expect(sandbox.files.read("file")).rejects.toMatchObject({ code: "file_failed" });
  });

  it("leave the old file, and nothing else, when writing is aborted on the way", async () => {
    const controller = new AbortController();
    const { sandbox, ran } = vendor({
      maxInputBytes: 500_000,
      answer: (result) => {
        controller.abort(new Error("Enough."));
        return result;
      },
    });
    await writeFile(join(folder, "file"), "old");
    const written = sandbox.files.write("file", Buffer.alloc(5_000_000), { signal: controller.signal });
    await expect(written).rejects.toThrow("Enough.");
    expect(await readFile(join(folder, "file"), "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["file"]);
    expect(ran.length).toBeLessThan(5);
    await expect.poll(kept).toEqual([]);
  });

  it("keep nothing of a long output when reading is aborted", async () => {
    const controller = new AbortController();
    const { sandbox } = vendor({
      answer: (result) => {
        controller.abort(new Error("Enough."));
        return result;
      },
    });
    await writeFile(join(folder, "file"), bytes);
    await expect(sandbox.files.read("file", { signal: controller.signal })).rejects.toThrow("Enough.");
    await expect.poll(kept).toEqual([]);
  });

  it("are refused once the sandbox is destroyed", async () => {
    const { sandbox, ran } = vendor({});
    await sandbox.destroy();
    await expect(sandbox.files.read("file")).rejects.toMatchObject({ code: "sandbox_closed" });
    expect(ran).toEqual([]);
  });
});

describe("archives", () => {
  it("go through processes all the same", async () => {
    const { sandbox } = vendor({});
    await expect(sandbox.files.download(".")).rejects.toThrow("A process was started.");
    const tar = new Response("no tar").body ?? new ReadableStream<Uint8Array>();
    await expect(sandbox.files.upload(".", tar)).rejects.toThrow("A process was started.");
  });
});
