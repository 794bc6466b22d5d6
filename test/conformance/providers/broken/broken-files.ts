import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SandboxAgentError, type FileInfo, type Sandbox } from "playpen/kit";
import { asText, breakFiles, hoarded } from "./change.ts";
import type { BrokenProvider } from "./broken-provider.ts";

/** Runs a line of shell in the sandbox, whatever comes of it. */
async function shell(
  sandbox: Sandbox,
  script: string,
  args: readonly string[],
  input?: Uint8Array | string,
): Promise<string> {
  const process = await sandbox.spawn({
    argv: ["/bin/sh", "-c", script, "sh", ...args],
    stdin: input === undefined ? "ignore" : "pipe",
  });
  if (input !== undefined) {
    const writer = process.stdin.getWriter();
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  }
  return await new Response(process.stdout).text();
}

function nothingThere(operation: string, path: string): SandboxAgentError<"file_failed"> {
  return new SandboxAgentError("file_failed", `Nothing is at ${path}.`, { details: { operation, path } });
}

const emptyStream = (): ReadableStream<Uint8Array> => new Blob([]).stream();

export const brokenFiles: readonly BrokenProvider[] = [
  {
    id: "files.abort",
    how: "does not look at the signal when it writes",
    make: breakFiles((files) => ({ write: (path, data) => files.write(path, data) })),
    seen: /files\.write\(\) with an aborted signal: .* but it resolved/,
  },
  {
    id: "files.write-read",
    how: "takes all files for text",
    make: breakFiles((files) => ({ read: async (path) => asText(await files.read(path)) })),
    seen: /read\(\) of bytes: expected 256 bytes/,
  },
  {
    id: "files.shared-with-processes",
    how: "keeps files where no process sees them",
    make: breakFiles((files, sandbox) => ({
      write: (path, data) => files.write(`${sandbox.cwd}/../${path}`, data),
      read: (path) => files.read(`${sandbox.cwd}/../${path}`),
    })),
    seen: /sha256sum < 'folder\/from host'/,
  },
  {
    id: "files.relative-paths",
    how: "takes relative paths from the folder above",
    make: breakFiles((files) => ({
      write: (path, data) => files.write(path.startsWith("/") ? path : `../${path}`, data),
    })),
    seen: /file_failed .*work\/folder\/file/,
  },
  {
    id: "files.odd-names",
    how: "has a shell expand the names",
    make: breakFiles((_files, sandbox) => ({
      write: async (path, data) => {
        // Its input is read to the end, whatever the name does.
        await shell(sandbox, `text=$(cat); printf %s "$text" > ${path}`, [], data);
      },
    })),
    seen: /two blanks {2}here/,
  },
  {
    id: "files.write-creates-folders",
    how: "writes into existing folders only",
    make: breakFiles((files) => ({
      write: async (path, data) => {
        if ((await files.stat(dirname(path))) === undefined) throw nothingThere("write", path);
        await files.write(path, data);
      },
    })),
    seen: /Nothing is at a\/b c\/d\/file/,
  },
  {
    id: "files.write-mode",
    how: "ignores the mode",
    make: breakFiles((files) => ({ write: (path, data) => files.write(path, data) })),
    seen: /Mode of a file written with 0600: expected '0o600', saw '0o644'/,
  },
  {
    id: "files.write-atomic",
    how: "writes into the file itself",
    make: breakFiles((_files, sandbox) => ({
      write: async (path, data) => {
        const script = 'head -c 1000000 > "$1"; sleep 0.02; cat >> "$1"';
        await shell(sandbox, script, [path], data);
      },
    })),
    seen: /a reader saw a part/,
  },
  {
    id: "files.read-failures",
    how: "reads nothing where nothing is",
    make: breakFiles((files) => ({ read: (path) => files.read(path).catch(() => new Uint8Array()) })),
    seen: /files\.read\("not there"\): .* but it resolved/,
  },
  {
    id: "files.write-failures",
    how: "rejects without naming the path",
    make: breakFiles((files) => ({
      write: (path, data) =>
        files.write(path, data).catch(() => {
          throw nothingThere("write", ".");
        }),
    })),
    seen: /files\.write\("folder"\): details\.path: expected 'folder', saw '\.'/,
  },
  {
    id: "files.parallel",
    how: "has one temporary file for all",
    make: breakFiles((files) => {
      let latest: Uint8Array | string = "";
      return {
        write: async (path, data) => {
          latest = data;
          await delay(1);
          await files.write(path, latest);
        },
      };
    }),
    seen: /folder \d\/file \d+: expected 'content \d+', saw 'content \d+'/,
  },
  {
    id: "files.write-late-abort",
    how: "leaves half a file when it is aborted",
    make: breakFiles((files) => ({
      write: async (path, data, { signal } = {}) => {
        if (signal === undefined || typeof data === "string") return files.write(path, data);
        await files.write(path, data.subarray(0, data.byteLength / 2));
        await delay(30);
        signal.throwIfAborted();
        return files.write(path, data);
      },
    })),
    seen: /Expected a whole file after an abort, saw a part/,
  },
  {
    id: "files.stat",
    how: "has the type's bits in the mode",
    make: breakFiles((files) => ({
      stat: async (path) => {
        const info = await files.stat(path);
        return info && { ...info, mode: info.mode | 0o100000 };
      },
    })),
    seen: /stat\(\) of a file: expected/,
  },
  {
    id: "files.stat-nothing",
    how: "rejects where nothing is",
    make: breakFiles((files) => ({
      stat: async (path) => {
        const info = await files.stat(path);
        if (info === undefined) throw nothingThere("stat", path);
        return info;
      },
    })),
    seen: /Nothing is at not there/,
  },
  {
    id: "files.list",
    how: "lists no hidden files",
    make: breakFiles((files) => ({
      list: async (path) => (await files.list(path)).filter((info: FileInfo) => !info.path.includes("/.")),
    })),
    seen: /Paths and types in list\(\): expected/,
  },
  {
    id: "files.list-failures",
    how: "finds nothing in a folder that is not there",
    make: breakFiles((files) => ({ list: (path) => files.list(path).catch(() => []) })),
    seen: /files\.list\("not there"\): .* but it resolved/,
  },
  {
    id: "files.list-many",
    how: "lists the first 1,000 files",
    make: breakFiles((files) => ({ list: async (path) => (await files.list(path)).slice(0, 1000) })),
    seen: /Different paths in list\(\): expected 3000, saw 1000/,
  },
  {
    id: "files.mkdir",
    how: "rejects when the folder is there",
    make: breakFiles((files) => ({
      mkdir: async (path) => {
        if ((await files.stat(path)) !== undefined) throw nothingThere("mkdir", path);
        await files.mkdir(path);
      },
    })),
    seen: /file_failed .*a\/b c\/d/,
  },
  {
    id: "files.remove",
    how: "rejects when nothing is there",
    make: breakFiles((files) => ({
      remove: async (path) => {
        if ((await files.stat(path)) === undefined) throw nothingThere("remove", path);
        await files.remove(path);
      },
    })),
    seen: /Nothing is at not there/,
  },
  {
    id: "files.remove-link",
    how: "removes what a link leads to",
    make: breakFiles((_files, sandbox) => ({
      remove: async (path) => {
        await shell(sandbox, 'rm -rf "$(readlink -f "$1")"', [path]);
      },
    })),
    seen: /ls kept\n.*No such file/,
  },
  {
    id: "files.move",
    how: "copies",
    make: breakFiles((_files, sandbox) => ({
      move: async (from, to) => {
        await shell(sandbox, 'cp -a "$1" "$2"', [from, to]);
      },
    })),
    seen: /Expected nothing at the place a file was moved from/,
  },
  {
    id: "files.move-failures",
    how: "moves nothing where nothing is",
    make: breakFiles((files) => ({ move: (from, to) => files.move(from, to).catch(() => undefined) })),
    seen: /files\.move\("not there"\): .* but it resolved/,
  },
  {
    id: "files.upload",
    how: "unpacks into existing folders only",
    make: breakFiles((files) => ({
      upload: async (path, tar) => {
        if ((await files.stat(path)) === undefined) throw nothingThere("upload", path);
        await files.upload(path, tar);
      },
    })),
    seen: /Nothing is at not there\/yet/,
  },
  {
    id: "files.download",
    how: "packs the folder itself, not what is in it",
    make: breakFiles((_files, sandbox) => ({
      download: async (path) => {
        const argv = ["tar", "-c", "-f", "-", path] as const;
        return (await sandbox.spawn({ argv, stdin: "ignore" })).stdout;
      },
    })),
    seen: /program/,
  },
  {
    id: "files.upload-large",
    how: "collects the archive before it sends it",
    make: breakFiles((files) => ({ upload: (path, tar) => files.upload(path, hoarded(tar)) })),
    seen: /During upload\(\) of 100 MB: expected at most/,
  },
  {
    id: "files.download-large",
    how: "collects the archive before it hands it on",
    make: breakFiles((files) => ({ download: async (path) => hoarded(await files.download(path)) })),
    seen: /During download\(\) of 100 MB: expected at most/,
  },
  {
    id: "files.upload-failures",
    how: "does not look at how tar ended",
    make: breakFiles((files) => ({ upload: (path, tar) => files.upload(path, tar).catch(() => undefined) })),
    seen: /files\.upload\("garbage"\): .* but it resolved/,
  },
  {
    id: "files.upload-escape",
    how: "unpacks an archive as it is, wherever its entries lead",
    make: breakFiles((_files, sandbox) => ({
      upload: async (path, tar) => {
        const archive = new Uint8Array(await new Response(tar).arrayBuffer());
        await shell(sandbox, 'mkdir -p "$1" && cd "$1" && exec tar -x -P -f -', [path], archive);
      },
    })),
    seen: /Files that got out of the folder: expected .*escaped-[^ ]*-up/s,
  },
  {
    id: "files.download-failures",
    how: "gives an empty archive of what is not there",
    make: breakFiles((files) => ({ download: (path) => files.download(path).catch(emptyStream) })),
    seen: /files\.download\("not there"\): .* but it resolved/,
  },
  {
    id: "files.download-cancel",
    how: "waits for the end of a download that nobody wants",
    make: breakFiles((files) => ({
      download: async (path) => {
        const reader = (await files.download(path)).getReader();
        return new ReadableStream<Uint8Array>({
          async pull(controller) {
            const { done, value } = await reader.read();
            if (done) controller.close();
            else controller.enqueue(value);
          },
          cancel: () => new Promise(() => undefined),
        });
      },
    })),
    hangs: true,
    seen: /Waited \d+ ms for cancel\(\) of download\(\)/,
  },
];
