import { createHash, randomUUID } from "node:crypto";
import { readAll } from "../conversation.ts";
import { expectEqual, expectTrue } from "../expectations.ts";
import { memoryWatch } from "../held-memory.ts";
import type { ProviderRequirement } from "../requirement.ts";
import { sampleBytes, sha256 } from "../sample-data.ts";
import { tarArchive, tarEnd, tarHeader, tarPadding } from "../tar-archive.ts";
import { expectFileFailed } from "./files.ts";

const megabyte = 1024 * 1024;
const largeMegabytes = 100;
/** Far from the 100 MB that would show when all was held. */
const maxHeldBytes = 16 * megabyte;

const program = "#!/bin/sh\necho runs\n";
const entries = [
  { path: "./" },
  { path: "./file", data: sampleBytes(100_000) },
  { path: "./empty", data: new Uint8Array() },
  { path: "./program", data: new TextEncoder().encode(program), mode: 0o755 },
  { path: "./secret", data: sampleBytes(10), mode: 0o600 },
  { path: "./empty folder/" },
  { path: "./inner/" },
  { path: "./inner/$(odd) 'name' ü", data: sampleBytes(1000) },
  { path: "./.hidden", data: sampleBytes(20) },
  { path: "./link", linkTarget: "inner" },
];

/** Everything about a folder that a round trip must keep. */
const describeFolder = `
cd "$1" || exit 1
export LC_ALL=C
find . -type f -exec sha256sum {} + | sort
find . -type f -perm -100 | sort
find . -type f -perm 600 | sort
find . -type d | sort
find . -type l | sort
readlink link
./program
`;

function streamOf(bytes: Uint8Array, chunkSize = 1000): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.byteLength) controller.close();
      else controller.enqueue(bytes.slice(offset, (offset += chunkSize)));
    },
  });
}

export const archiveRequirements: readonly ProviderRequirement[] = [
  {
    id: "files.upload",
    title: "unpacks a tar stream, cut anywhere, into a folder that it creates",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      await context.within(
        sandbox.files.upload("not there/yet", streamOf(tarArchive(entries), 777)),
        "upload()",
      );
      const found = await context.text(sandbox, describeFolder, { args: [`${sandbox.cwd}/not there/yet`] });
      const files = entries.filter((entry) => entry.data !== undefined);
      for (const { path, data = new Uint8Array() } of files) {
        expectTrue(found.includes(`${sha256(data)}  ${path}\n`), `${path} did not arrive as it was.`);
      }
      expectEqual(
        found.split("\n").slice(files.length).join("\n"),
        "./program\n./secret\n.\n./empty folder\n./inner\n./link\ninner\nruns\n",
        "Executable files, secret files, folders, links, the target of the link, and what the program says",
      );
    },
  },
  {
    id: "files.download",
    title: "packs the content of a folder into a tar stream that unpacks to the same",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      await sandbox.files.upload("first", streamOf(tarArchive(entries)));
      const tar = await context.within(sandbox.files.download("first"), "download()");
      await context.within(sandbox.files.upload("second", tar), "upload() of a download()");
      const describe = (name: string): Promise<string> =>
        context.text(sandbox, describeFolder, { args: [`${sandbox.cwd}/${name}`] });
      expectEqual(
        await describe("second"),
        await describe("first"),
        "A folder after download() and upload()",
      );
    },
  },
  {
    id: "files.upload-large",
    title: "uploads 100 MB without holding them in memory",
    needs: "files",
    timeoutMs: 240_000,
    async run(context) {
      const sandbox = await context.create();
      const hash = createHash("sha256");
      const block = sampleBytes(megabyte);
      const size = largeMegabytes * megabyte;
      const memory = await memoryWatch(maxHeldBytes, "During upload() of 100 MB");
      let sent = 0;
      const tar = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            controller.enqueue(tarHeader("large", { type: "0", size, mode: 0o644 }));
          },
          async pull(controller) {
            if (sent === largeMegabytes) {
              controller.enqueue(Buffer.concat([tarPadding(size), tarEnd]));
              controller.close();
              return;
            }
            sent += 1;
            // No two blocks are alike.
            block.writeUInt32LE(sent, 0);
            const chunk = Uint8Array.from(block);
            hash.update(chunk);
            controller.enqueue(chunk);
            if (sent % 10 === 0) await memory.measure();
          },
        },
        { highWaterMark: 1 },
      );
      await context.within(sandbox.files.upload("folder", tar), "upload() of 100 MB", 150_000);
      memory.check();
      const found = await context.text(sandbox, "sha256sum < folder/large");
      expectEqual(found.slice(0, 64), hash.digest("hex"), "sha256 of the file, inside");
    },
  },
  {
    id: "files.download-large",
    title: "downloads 100 MB without holding them in memory",
    needs: "files",
    timeoutMs: 240_000,
    async run(context) {
      const sandbox = await context.create();
      const make = `mkdir folder; seq 1 20000000 | head -c ${largeMegabytes * megabyte} > folder/large; sha256sum < folder/large`;
      const expected = (await context.text(sandbox, make)).slice(0, 64);
      const memory = await memoryWatch(maxHeldBytes, "During download() of 100 MB");
      const tar = await context.within(sandbox.files.download("folder"), "download()");
      let length = 0;
      const watched = tar.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          async transform(chunk, controller) {
            if (
              Math.floor((length + chunk.byteLength) / (10 * megabyte)) > Math.floor(length / (10 * megabyte))
            ) {
              await memory.measure();
            }
            length += chunk.byteLength;
            controller.enqueue(chunk);
          },
        }),
      );
      await context.within(
        sandbox.files.upload("copy", watched),
        "upload() of a download() of 100 MB",
        150_000,
      );
      memory.check();
      const found = await context.text(sandbox, "sha256sum < copy/large");
      expectEqual(found.slice(0, 64), expected, "sha256 of the copied file");
      expectTrue(
        length > largeMegabytes * megabyte,
        `Expected more than 100 MB of tar, saw ${length} bytes.`,
      );
    },
  },
  {
    id: "files.upload-failures",
    title: "rejects what is no tar, a broken source, and a file in the folder's place with file_failed",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      await files.write("file", "text");
      const upload = (path: string, tar: ReadableStream<Uint8Array>): Promise<void> =>
        expectFileFailed(context, ["upload"], path, files.upload(path, tar));
      await upload("garbage", streamOf(sampleBytes(100_000)));
      await upload("cut short", streamOf(tarArchive(entries).subarray(0, 50_000)));
      await upload("file", streamOf(tarArchive(entries)));
      const broken = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.error(new Error("The source broke."));
        },
      });
      await upload("broken", broken);
      expectEqual(await files.readText("file"), "text", "The file in the folder's place");
    },
  },
  {
    id: "files.upload-escape",
    title: "lets no entry of a tar stream lead out of the folder that it is unpacked into",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      const data = new TextEncoder().encode("escaped\n");
      const name = `escaped-${randomUUID()}`;
      const escapes = [
        [{ path: `../${name}-up`, data }],
        [{ path: `inner/../../${name}-deep`, data }],
        [{ path: `/tmp/${name}-absolute`, data }],
      ];
      for (const archive of escapes) {
        // It may be refused, or be unpacked below the folder.
        const uploaded = sandbox.files.upload("folder", streamOf(tarArchive(archive))).catch(() => undefined);
        await context.within(uploaded, "upload()");
      }
      const found = await context.text(sandbox, `find . .. /tmp -maxdepth 1 -name '${name}*'`);
      expectEqual(found, "", "Files that got out of the folder");
    },
  },
  {
    id: "files.download-failures",
    title: "rejects downloading what is not there, or is no folder, with file_failed",
    needs: "files",
    async run(context) {
      const { files } = await context.create();
      await files.write("file", "text");
      for (const path of ["not there", "file"]) {
        const read = async (): Promise<Buffer> => readAll(await files.download(path));
        await expectFileFailed(context, ["download"], path, read());
      }
    },
  },
  {
    id: "files.download-cancel",
    title: "ends a download when its reader leaves, and goes on working",
    needs: "files",
    async run(context) {
      const sandbox = await context.create();
      await context.text(
        sandbox,
        `mkdir folder; seq 1 20000000 | head -c ${largeMegabytes * megabyte} > folder/large`,
      );
      const reader = (await sandbox.files.download("folder")).getReader();
      await context.within(reader.read(), "the first chunk of download()");
      await context.within(reader.cancel(), "cancel() of download()");
      await sandbox.files.remove("folder");
      expectEqual(await sandbox.files.list("."), [], "list() afterwards");
    },
  },
];
