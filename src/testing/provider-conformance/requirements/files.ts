import { expectBytes, expectEqual, expectRejection, expectTrue, outcomeOf } from "../expectations.ts";
import type { ProviderContext, ProviderRequirement } from "../requirement.ts";
import { oddNames, sampleBytes, sha256 } from "../sample-data.ts";

const megabyte = 1024 * 1024;

export async function expectFileFailed(
  context: ProviderContext,
  operations: readonly string[],
  path: string,
  attempt: Promise<unknown>,
): Promise<void> {
  const what = `files.${operations[0] ?? ""}(${JSON.stringify(path)})`;
  const error = await context.within(expectRejection(attempt, ["file_failed"], what), what);
  const { details } = error;
  expectTrue(
    operations.includes(details.operation),
    `${what}: expected details.operation ${operations.join(" or ")}, saw ${details.operation}.`,
  );
  expectEqual(details.path, path, `${what}: details.path`);
  expectTrue(error.message.includes(path), `${what}: expected the message to name it, saw ${error.message}`);
}

export const fileRequirements: readonly ProviderRequirement[] = [
  {
    id: "files.write-read",
    title: "writes and reads text and bytes unchanged, also empty ones",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      for (const text of ["", "plain", "line\r\nbreaks\n", "äöü 日本語 😀 \u0000 \ufeff"]) {
        await files.write("text", text);
        expectEqual(Buffer.from(await files.read("text")).toString(), text, "read() of a text");
      }
      await files.write("text", "äöü 日本語 😀");
      expectEqual(await files.readText("text"), "äöü 日本語 😀", "readText()");
      for (const bytes of [new Uint8Array(), sampleBytes(256), sampleBytes(5 * megabyte)]) {
        await files.write("bytes", bytes);
        expectBytes(await files.read("bytes"), bytes, "read() of bytes");
      }
    },
  },
  {
    id: "files.shared-with-processes",
    title: "has the files that processes have, and lets them change what it wrote",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      const data = sampleBytes(megabyte);
      await sandbox.files.write("folder/from host", data);
      const hash = await context.text(sandbox, "sha256sum < 'folder/from host'");
      expectEqual(hash.slice(0, 64), sha256(data), "sha256 of a written file, inside");
      await context.text(sandbox, "printf inside > 'folder/from inside'");
      expectEqual(await sandbox.files.readText("folder/from inside"), "inside", "A file of a process");
      await context.text(sandbox, "printf changed > 'folder/from host'");
      expectEqual(
        await sandbox.files.readText("folder/from host"),
        "changed",
        "A file that a process changed",
      );
      await sandbox.files.mkdir("made");
      await context.text(sandbox, "rm 'folder/from host' && mv folder made/ && rm -r made");
    },
  },
  {
    id: "files.relative-paths",
    title: "takes relative paths from the working directory, in every method",
    needs: "files",
    async run(context) {
      const { files, cwd } = await context.create();
      await files.write("folder/file", "text");
      expectEqual(await files.readText(`${cwd}/folder/file`), "text", "A file written by its relative path");
      await files.write(`${cwd}/folder/other`, "more");
      expectEqual(await files.readText("folder/other"), "more", "A file written by its absolute path");
      expectEqual(await files.readText("./folder/../folder/other"), "more", "A path with dots in it");
      expectEqual((await files.list("folder")).length, 2, "Files in the folder");
      expectEqual((await files.list(".")).length, 1, 'Files in "."');
      expectTrue(
        (await files.stat("folder/file")) !== undefined,
        "stat() by the relative path found nothing.",
      );
      await files.move("folder/file", "moved");
      expectEqual(await files.readText(`${cwd}/moved`), "text", "A file moved by its relative path");
      await files.mkdir("made");
      expectEqual((await files.stat(`${cwd}/made`))?.type, "directory", "A folder made by its relative path");
      await files.remove("made");
      expectEqual(await files.stat(`${cwd}/made`), undefined, "A folder removed by its relative path");
    },
  },
  {
    id: "files.odd-names",
    timeoutMs: 180_000,
    title: "takes any name: blanks, quotes, line breaks, unicode, a leading dash, $(), globs",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      const { files, cwd } = sandbox;
      const each = (use: (name: string, shown: string) => Promise<void>): Promise<unknown> =>
        Promise.all(oddNames.map((name) => use(name, JSON.stringify(name))));
      for (const name of oddNames) {
        await files.write(name, `of ${name}`);
        expectEqual(await files.readText(name), `of ${name}`, `read() of ${JSON.stringify(name)}`);
      }
      const paths = oddNames.map((name) => `${cwd}/${name}`);
      const script = 'for path do cat < "$path"; echo; done';
      const inside = await context.text(sandbox, script, { args: paths });
      expectEqual(inside, oddNames.map((name) => `of ${name}\n`).join(""), "What a process reads in them");
      const listed = (await files.list(".")).map(({ path }) => path);
      expectEqual(listed.sort(), [...paths].sort(), "list() of a folder with them");
      await each(async (name, shown) => {
        expectEqual((await files.stat(name))?.type, "file", `stat() of ${shown}`);
        await files.mkdir(`folder/${name}`);
        await files.move(name, `folder/${name}/${name}`);
        expectEqual(await files.readText(`folder/${name}/${name}`), `of ${name}`, `move() of ${shown}`);
        await files.remove(`folder/${name}`);
      });
      expectEqual(await files.list("folder"), [], "list() of a folder that they were removed from");
      await files.remove("folder");
      expectEqual(await files.list("."), [], "What is left in the working directory");
    },
  },
  {
    id: "files.write-creates-folders",
    title: "creates missing folders when it writes",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      await files.write("a/b c/d/file", "text");
      expectEqual(await files.readText("a/b c/d/file"), "text", "A file in folders that were missing");
    },
  },
  {
    id: "files.write-mode",
    title: "writes with mode 0644, or with the one given, and replaces what is there",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      const modeOf = async (path: string): Promise<string> =>
        `0o${((await sandbox.files.stat(path))?.mode ?? 0).toString(8)}`;
      await sandbox.files.write("usual", "long text");
      expectEqual(await modeOf("usual"), "0o644", "Mode of a file written without one");
      await sandbox.files.write("secret", "text", { mode: 0o600 });
      expectEqual(await modeOf("secret"), "0o600", "Mode of a file written with 0600");
      await sandbox.files.write("program", "#!/bin/sh\necho runs\n", { mode: 0o755 });
      expectEqual(await modeOf("program"), "0o755", "Mode of a file written with 0755");
      expectEqual(await context.text(sandbox, "./program"), "runs\n", "Output of the program written");
      await sandbox.files.write("usual", "short", { mode: 0o700 });
      expectEqual(await sandbox.files.readText("usual"), "short", "A file that was replaced");
      expectEqual(await modeOf("usual"), "0o700", "Mode of a file that was replaced");
    },
  },
  {
    id: "files.write-atomic",
    title: "writes a file at once: whoever reads it meanwhile sees the old one or the new one",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      const versions = ["a", "b"].map((letter) => Buffer.alloc(2 * megabyte, letter));
      await sandbox.files.write("file", versions[0] ?? "");
      const reader = await context.start(
        sandbox,
        "echo ready; until [ -e stop ]; do sha256sum < file; done | sort | uniq -c; echo end",
      );
      await reader.line();
      for (let round = 1; round <= 20; round++) {
        await context.within(sandbox.files.write("file", versions[round % 2] ?? ""), "write()");
      }
      await context.text(sandbox, ": > stop");
      const lines = (await reader.rest()).toString().trimEnd().split("\n").slice(0, -1);
      const legal = versions.map(sha256);
      for (const line of lines) {
        const hash = line.trim().split(/\s+/)[1] ?? "";
        expectTrue(
          legal.includes(hash),
          `Expected whole files only, but a reader saw a part: ${line.trim()}`,
        );
      }
      const names = (await sandbox.files.list(".")).map(({ path }) => path.split("/").at(-1)).sort();
      expectEqual(names, ["file", "stop"], "What the writing has left in the folder");
    },
  },
  {
    id: "files.read-failures",
    title: "rejects reading what is not there, or is a folder, with file_failed",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      await files.mkdir("folder");
      for (const path of ["not there", "folder", "not there/either"]) {
        await expectFileFailed(context, ["read"], path, files.read(path));
        await expectFileFailed(context, ["readText", "read"], path, files.readText(path));
      }
    },
  },
  {
    id: "files.write-failures",
    title: "rejects writing over a folder, or below a file, with file_failed",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      await files.write("folder/file", "text");
      await expectFileFailed(context, ["write"], "folder", files.write("folder", "text"));
      await expectFileFailed(
        context,
        ["write"],
        "folder/file/below",
        files.write("folder/file/below", "text"),
      );
      expectEqual(await files.readText("folder/file"), "text", "What was there before");
      expectEqual((await files.list("folder")).length, 1, "Files in the folder");
    },
  },
  {
    id: "files.parallel",
    title: "does 30 operations at once without mixing them up",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      const work = Array.from({ length: 30 }, async (_, index) => {
        const path = `folder ${index % 3}/file ${index}`;
        await files.write(path, `content ${index}`);
        expectEqual(await files.readText(path), `content ${index}`, path);
        if (index % 2 === 0) await files.remove(path);
      });
      await context.within(Promise.all(work), "30 operations at once", 4 * context.patienceMs);
      const left = await Promise.all([0, 1, 2].map((index) => files.list(`folder ${index}`)));
      expectEqual(left.flat().length, 15, "Files left when every second one was removed");
    },
  },
  {
    id: "files.write-late-abort",
    title: "leaves the old file or the new one, and no other, when writing is aborted",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      const [before, after] = [Buffer.alloc(1000, "a"), Buffer.alloc(20 * megabyte, "b")];
      for (const delayMs of [0, 1, 5, 20]) {
        await files.write("file", before);
        const controller = new AbortController();
        const reason = new Error(`aborted after ${delayMs} ms`);
        const written = outcomeOf(files.write("file", after, { signal: controller.signal }));
        const timer = setTimeout(() => controller.abort(reason), delayMs);
        const outcome = await context.within(written, "write(), aborted meanwhile");
        clearTimeout(timer);
        const found = sha256(await files.read("file"));
        if (outcome.status === "resolved") {
          expectEqual(found, sha256(after), "sha256 of a file whose write() resolved");
        } else {
          expectTrue(
            outcome.reason === reason,
            "write(), aborted: expected a rejection with signal.reason itself.",
          );
          expectTrue(
            [before, after].map(sha256).includes(found),
            "Expected a whole file after an abort, saw a part.",
          );
        }
        expectEqual((await files.list(".")).length, 1, "Files after write() was aborted");
      }
    },
  },
];
