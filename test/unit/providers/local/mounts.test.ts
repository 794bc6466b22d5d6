import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planFolders } from "../../../../providers/local/folders.ts";
import { layoutOf } from "../../../../providers/local/layout.ts";
import { planMounts } from "../../../../providers/local/mounts.ts";
import { resolveOptions, type LocalOptions } from "../../../../providers/local/options.ts";

const homeBefore = process.env["HOME"];
const root = "/var/cache/playpen-test";
const layout = layoutOf(root, "0123456789abcdef");
let home: string;

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "mounts-")));
  process.env["HOME"] = home;
});

afterEach(async () => {
  process.env["HOME"] = homeBefore;
  await rm(home, { recursive: true });
});

/** The arguments as lines, each with its operation. */
async function plan(options: LocalOptions = {}, searchPath = "/usr/bin"): Promise<readonly string[]> {
  const settings = resolveOptions(options);
  const { folders } = await planFolders(settings, layout, undefined);
  const args = await planMounts(settings, layout, folders, searchPath, root);
  return args.join(" ").split(/ (?=--)/);
}

describe("planMounts", () => {
  it("masks home folders, sockets and other sandboxes", async () => {
    const lines = await plan();
    for (const path of ["/home", "/root", "/run", "/mnt", "/media", root])
      expect(lines).toContain(`--tmpfs ${path}`);
    expect(lines).toContain(`--bind ${layout.temporary} /tmp`);
    expect(lines.indexOf("--ro-bind /var /var")).toBeLessThan(lines.indexOf(`--tmpfs ${root}`));
    expect(lines.at(-1)).toBe("--remount-ro /");
  });

  it("masks a home folder in an unusual place", async () => {
    process.env["HOME"] = "/usr/share";
    const lines = await plan();
    expect(lines.indexOf("--tmpfs /usr/share")).toBeGreaterThan(lines.indexOf("--ro-bind /usr /usr"));
  });

  it("mounts nothing over everything for a user whose home folder is /", async () => {
    process.env["HOME"] = "/";
    expect(await plan()).not.toContain("--tmpfs /");
  });

  it("shows little more than programs and libraries when the host is hidden", async () => {
    const lines = await plan({ hostFiles: "hidden" });
    expect(lines).toContain("--ro-bind /usr /usr");
    for (const path of ["/etc", "/opt", "/srv", "/var", "/etc/ssl"]) {
      expect(lines).not.toContain(`--ro-bind ${path} ${path}`);
    }
  });

  it("brings the programs of PATH that lie in the home folder, with what they need, and no more", async () => {
    const node = join(home, "versions/node");
    for (const name of ["bin", "lib/node_modules/cli", "share"])
      await mkdir(join(node, name), { recursive: true });
    await writeFile(join(node, "lib/node_modules/cli/cli.js"), "");
    await symlink("../lib/node_modules/cli/cli.js", join(node, "bin/cli"));
    const project = join(home, "project/node_modules");
    await mkdir(join(project, ".bin"), { recursive: true });
    const tools = join(home, "tools");
    await mkdir(join(home, "store/tool-1"), { recursive: true });
    await mkdir(tools);
    await writeFile(join(home, "store/tool-1/tool"), "");
    await symlink(join(home, "store/tool-1/tool"), join(tools, "tool"));
    const searchPath = [join(node, "bin"), join(project, ".bin"), tools, home, "relative", "/usr/bin"].join(
      ":",
    );
    const lines = await plan({}, searchPath);
    const shown = lines
      .filter((line) => line.startsWith(`--ro-bind ${home}`))
      .map((line) => line.split(" ")[1]);
    expect(shown.sort()).toEqual(
      [join(node, "bin"), join(node, "lib"), project, join(home, "store/tool-1/tool"), tools].sort(),
    );
  });

  it("mounts inner folders after outer ones", async () => {
    const project = join(home, "project");
    await mkdir(join(project, ".git"), { recursive: true });
    const lines = await plan({ workspace: project, readOnlyPaths: [join(project, ".git"), home] });
    const order = [`--ro-bind ${home} ${home}`, `--bind ${project} ${project}`, `--ro-bind ${project}/.git`];
    const places = order.map((start) => lines.findIndex((line) => line.startsWith(start)));
    expect(places).toEqual([...places].sort((left, right) => left - right));
    expect(places).not.toContain(-1);
  });
});
