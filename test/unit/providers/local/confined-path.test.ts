import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfinedFolders } from "../../../../providers/local/confined-path.ts";

const reading = { follow: true, forWriting: false };

let top: string;
let confined: ConfinedFolders;

beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), "confined-")));
  for (const name of ["work/sub", "temporary", "outside", "shared"]) {
    await mkdir(join(top, name), { recursive: true });
  }
  await writeFile(join(top, "outside/secret"), "secret");
  confined = new ConfinedFolders(
    [
      { inside: "/project", host: join(top, "work"), writable: true },
      { inside: "/scratch", host: join(top, "temporary"), writable: true },
      { inside: "/project/shared", host: join(top, "shared"), writable: false },
    ],
    "/project",
  );
});

afterEach(async () => {
  await rm(top, { recursive: true });
});

async function placeOf(path: string, options = reading): Promise<string> {
  await using location = await confined.locate(path, options);
  return location.inside;
}

describe("ConfinedFolders", () => {
  it("takes relative paths from the working directory", async () => {
    expect(await placeOf("sub/../sub/file")).toBe("/project/sub/file");
    expect(await placeOf(".")).toBe("/project");
    expect(await placeOf("/scratch/x")).toBe("/scratch/x");
  });

  it.each(["..", "../outside/secret", "/", "/etc/passwd", "/projects", "sub/../../x"])(
    "refuses %s",
    async (path) => {
      await expect(placeOf(path)).rejects.toThrow("outside the sandbox's folders");
    },
  );

  it("refuses a link that leads outside, at the end and on the way", async () => {
    await symlink(join(top, "outside"), join(top, "work/way"));
    await symlink("../outside/secret", join(top, "work/end"));
    await expect(placeOf("way/secret")).rejects.toThrow("outside the sandbox's folders");
    await expect(placeOf("end")).rejects.toThrow("outside the sandbox's folders");
    await expect(placeOf("way/new", { follow: true, forWriting: true })).rejects.toThrow("outside");
    // The link itself may be looked at and removed.
    expect(await placeOf("end", { follow: false, forWriting: true })).toBe("/project/end");
  });

  it("follows links as paths of the sandbox", async () => {
    await symlink("/scratch", join(top, "work/to-scratch"));
    await symlink("sub", join(top, "work/to-sub"));
    expect(await placeOf("to-scratch/file")).toBe("/scratch/file");
    expect(await placeOf("to-sub/file")).toBe("/project/sub/file");
  });

  it("gives up on links that lead in a circle", async () => {
    await symlink("round", join(top, "work/round"));
    await expect(placeOf("round/file")).rejects.toThrow("too many links");
  });

  it("refuses to write where the sandbox may only read", async () => {
    expect(await placeOf("shared/file")).toBe("/project/shared/file");
    await expect(placeOf("shared/file", { follow: true, forWriting: true })).rejects.toThrow("read-only");
  });

  it("stays in the folder it has opened when that is exchanged for a link", async () => {
    await using location = await confined.locate("sub/file", reading);
    await rm(join(top, "work/sub"), { recursive: true });
    await symlink(join(top, "outside"), join(top, "work/sub"));
    await expect(writeFile(location.path, "text")).rejects.toThrow("ENOENT");
  });
});
