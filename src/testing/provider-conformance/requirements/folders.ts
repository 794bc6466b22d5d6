import { expectEqual, expectTrue } from "../expectations.ts";
import type { ProviderRequirement } from "../requirement.ts";
import { expectFileFailed } from "./files.ts";

export const folderRequirements: readonly ProviderRequirement[] = [
  {
    id: "files.stat",
    title: "tells type, size, mode and time of a file and of a folder",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      await context.text(
        sandbox,
        "printf 12345 > file; chmod 640 file; TZ=UTC touch -t 200102030405.06 file; mkdir folder; chmod 750 folder",
      );
      const expected = {
        path: `${sandbox.cwd}/file`,
        type: "file",
        size: 5,
        modifiedAt: 981_173_106_000,
        mode: 0o640,
      };
      expectEqual<unknown>({ ...(await sandbox.files.stat("file")) }, expected, "stat() of a file");
      const folder = await sandbox.files.stat("folder");
      expectEqual([folder?.type, folder?.mode], ["directory", 0o750], "Type and mode of a folder");
      expectEqual(folder?.path, `${sandbox.cwd}/folder`, "Path of a folder");
    },
  },
  {
    id: "files.stat-nothing",
    title: "resolves stat to undefined where nothing is",
    needs: "files",
    async run(context) {
      const { files, cwd } = await context.create();
      await files.write("file", "text");
      for (const path of ["not there", "not there/either", "file/below", `${cwd}/not there`]) {
        const found = await context.within(files.stat(path), `stat() of ${path}`);
        expectEqual(found, undefined, `stat() of ${path}`);
      }
    },
  },
  {
    id: "files.list",
    title: "lists what is in a folder with its details, hidden files and links too",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      const { files, cwd } = sandbox;
      await context.text(
        sandbox,
        "mkdir -p folder/inner; cd folder; printf 12345 > file; chmod 600 file; TZ=UTC touch -t 200102030405.06 file; : > .hidden; ln -s nowhere link; : > inner/deep; mkfifo pipe",
      );
      const found = [...(await files.list("folder"))].sort((a, b) => (a.path < b.path ? -1 : 1));
      expectEqual(
        found.map(({ path, type }) => `${path} ${type}`),
        [
          `${cwd}/folder/.hidden file`,
          `${cwd}/folder/file file`,
          `${cwd}/folder/inner directory`,
          `${cwd}/folder/link symlink`,
          `${cwd}/folder/pipe other`,
        ],
        "Paths and types in list()",
      );
      const file = found.find(({ path }) => path.endsWith("/file"));
      expectEqual(
        [file?.size, file?.mode, file?.modifiedAt],
        [5, 0o600, 981_173_106_000],
        "Size, mode and time of a file in list()",
      );
      await files.mkdir("empty");
      expectEqual(await files.list("empty"), [], "list() of an empty folder");
    },
  },
  {
    id: "files.list-failures",
    title: "rejects listing what is not there, or is no folder, with file_failed",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      await files.write("file", "text");
      for (const path of ["not there", "file"]) {
        await expectFileFailed(context, ["list"], path, files.list(path));
      }
    },
  },
  {
    id: "files.list-many",
    title: "lists 3,000 files",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      const script =
        'mkdir many; cd many; seq 1 3000 | sed "s/^/a file with quite a long name, number /" | tr "\\n" "\\0" | xargs -0 touch';
      await context.text(sandbox, script);
      const found = await context.within(sandbox.files.list("many"), "list() of 3,000 files");
      expectEqual(new Set(found.map(({ path }) => path)).size, 3000, "Different paths in list()");
    },
  },
  {
    id: "files.mkdir",
    title: "makes a folder with all that leads to it, and takes an existing one for done",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      await files.mkdir("a/b c/d");
      expectEqual((await files.stat("a/b c/d"))?.type, "directory", "What mkdir() made");
      await files.write("a/b c/d/file", "text");
      await files.mkdir("a/b c/d");
      expectEqual(await files.readText("a/b c/d/file"), "text", "A file in a folder that was made again");
      await expectFileFailed(context, ["mkdir"], "a/b c/d/file", files.mkdir("a/b c/d/file"));
    },
  },
  {
    id: "files.remove",
    title: "removes a file, a folder with all it holds, and nothing where nothing is",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      const { files } = sandbox;
      await context.text(
        sandbox,
        "mkdir -p folder/inner; : > folder/inner/deep; : > folder/.hidden; : > file; : > kept",
      );
      await files.remove("file");
      await files.remove("folder");
      for (const path of ["not there", "not there/either", "file"]) {
        await context.within(files.remove(path), `remove() of ${path}, which is not there`);
      }
      const left = (await files.list(".")).map(({ path }) => path);
      expectEqual(left, [`${sandbox.cwd}/kept`], "What is left");
    },
  },
  {
    id: "files.remove-link",
    title: "removes a link, and not what it leads to",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      await context.text(
        sandbox,
        "mkdir kept doomed; : > kept/file; ln -s kept link; ln -s ../kept doomed/link",
      );
      await sandbox.files.remove("link");
      await sandbox.files.remove("doomed");
      expectEqual(await context.text(sandbox, "ls; ls kept"), "kept\nfile\n", "What is left");
    },
  },
  {
    id: "files.move",
    title: "moves files and folders, and replaces the file that is there",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      await files.write("file", "text", { mode: 0o600 });
      await files.write("folder/inner/deep", "deep");
      await files.write("other", "old");
      await files.move("file", "moved");
      expectEqual(await files.readText("moved"), "text", "A file that was moved");
      expectEqual((await files.stat("moved"))?.mode, 0o600, "Its mode");
      expectTrue(
        (await files.stat("file")) === undefined,
        "Expected nothing at the place a file was moved from.",
      );
      await files.move("folder", "renamed");
      expectEqual(await files.readText("renamed/inner/deep"), "deep", "A file in a folder that was moved");
      await files.move("moved", "other");
      expectEqual(await files.readText("other"), "text", "A file that was moved onto another one");
    },
  },
  {
    id: "files.move-failures",
    title: "rejects moving what is not there with file_failed",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      await expectFileFailed(context, ["move"], "not there", files.move("not there", "elsewhere"));
      expectEqual(await files.stat("elsewhere"), undefined, "What is at the target afterwards");
    },
  },
];
