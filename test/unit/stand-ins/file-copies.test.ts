import { existsSync, readlinkSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileCopies } from "../../stand-ins/kit/file-copies.ts";

let root = "";
let from = "";
let copies: FileCopies;

/** What the copies have left in the folder that they are made in. */
async function left(): Promise<readonly string[]> {
  return readdir(join(root, "copies"));
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "file-copies-"));
  from = join(root, "from");
  await mkdir(from);
  await mkdir(join(root, "copies"));
  copies = new FileCopies(join(root, "copies"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("FileCopies", () => {
  it("copies a folder as it is: content, modes, links", async () => {
    await mkdir(join(from, "sub"));
    await writeFile(join(from, "sub", "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
    await symlink("sub/run.sh", join(from, "link"));
    await symlink("/nowhere", join(from, "dangling"));
    const copy = await copies.make(from);
    expect(await readFile(join(copy, "sub", "run.sh"), "utf8")).toBe("#!/bin/sh\n");
    expect(statSync(join(copy, "sub", "run.sh")).mode & 0o777).toBe(0o755);
    expect(readlinkSync(join(copy, "link"))).toBe("sub/run.sh");
    expect(readlinkSync(join(copy, "dangling"))).toBe("/nowhere");
  });

  it("removes one copy and keeps the others", async () => {
    const [first, second] = [await copies.make(from), await copies.make(from)];
    await copies.remove(first);
    expect([existsSync(first), existsSync(second)]).toEqual([false, true]);
    await copies.remove(first);
    await copies.stop();
    expect(await left()).toEqual([]);
  });

  it("copies what is left where files vanish meanwhile", async () => {
    await writeFile(join(from, "stays"), "here");
    const isOver = new AbortController();
    const churn = async (): Promise<void> => {
      while (!isOver.signal.aborted) {
        const names = Array.from({ length: 50 }, (_, at) => join(from, `temporary-${at}`));
        await Promise.all(names.map((name) => writeFile(name, "")));
        await Promise.all(names.map((name) => rm(name)));
      }
    };
    const churned = churn();
    for (let round = 0; round < 20; round++) {
      expect(await readFile(join(await copies.make(from), "stays"), "utf8")).toBe("here");
    }
    isOver.abort();
    await churned;
  });

  it("leaves nothing of a copy that failed", async () => {
    await expect(copies.make(join(root, "not-there"))).rejects.toThrow("No such file");
    expect(await left()).toEqual([]);
  });

  it("waits at its end for a copy under way, and makes no more", async () => {
    for (let at = 0; at < 100; at++) await writeFile(join(from, String(at)), "text");
    const underWay = copies.make(from);
    const outcome = expect(underWay).rejects.toThrow("stopped");
    await copies.stop();
    expect(await left()).toEqual([]);
    await outcome;
    await expect(copies.make(from)).rejects.toThrow("stopped");
    expect(await left()).toEqual([]);
  });

  it("waits at its end for a removal under way", async () => {
    const copy = await copies.make(from);
    const removal = copies.remove(copy);
    await copies.stop();
    expect(await left()).toEqual([]);
    await removal;
  });
});
