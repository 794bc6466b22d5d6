import type { SandboxFiles } from "../../spec/sandbox.ts";
import { filesFromSpawn } from "../files-from-spawn.ts";
import type { SpawnFunction } from "../run-to-end.ts";
import { evenChunks } from "./even-chunks.ts";
import type { RemoteMachine } from "./remote-machine.ts";
import { spawnByRuns } from "./spawn-by-runs.ts";

export interface DerivedFilesParts {
  /** Of the sandbox itself. */
  readonly spawn: SpawnFunction;
  readonly hold: () => () => void;
  readonly assertOpen: () => void;
}

/** Files by the sandbox's processes; by short commands where the vendor has those, but for archives, which are long. */
export function derivedFiles(
  machine: RemoteMachine,
  { spawn, hold, assertOpen }: DerivedFilesParts,
): SandboxFiles {
  const { cwd, traits, shortRuns } = machine;
  const byProcesses = filesFromSpawn(spawn, { cwd });
  const chunkBytes = traits.stdin === "fifo" ? traits.fifoChunkBytes : undefined;
  const archives: Pick<SandboxFiles, "upload" | "download"> = {
    upload: (path, tar, options) =>
      byProcesses.upload(path, chunkBytes === undefined ? tar : evenChunks(tar, chunkBytes), options),
    download: (path, options) => byProcesses.download(path, options),
  };
  if (shortRuns === undefined) return withArchives(byProcesses, archives);
  const spawnShort = spawnByRuns(machine, shortRuns, hold);
  const byRuns = filesFromSpawn(
    async (command, options) => {
      assertOpen();
      options?.signal?.throwIfAborted();
      return spawnShort(command, options);
    },
    { cwd },
  );
  return withArchives(byRuns, archives);
}

function withArchives(
  files: SandboxFiles,
  archives: Pick<SandboxFiles, "upload" | "download">,
): SandboxFiles {
  return {
    read: (path, options) => files.read(path, options),
    readText: (path, options) => files.readText(path, options),
    write: (path, data, options) => files.write(path, data, options),
    list: (path, options) => files.list(path, options),
    stat: (path, options) => files.stat(path, options),
    mkdir: (path, options) => files.mkdir(path, options),
    remove: (path, options) => files.remove(path, options),
    move: (from, to, options) => files.move(from, to, options),
    ...archives,
  };
}
