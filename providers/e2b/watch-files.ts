import { posix } from "node:path";
import type { FileChange, FileOptions } from "../../src/kit.ts";
import type { E2bMachine } from "./e2b-machine.ts";

/** envd tells a file that was renamed by its old name, and by "create" of the new one. */
const types: { readonly [type: string]: FileChange["type"] } = {
  create: "created",
  write: "changed",
  chmod: "changed",
  remove: "removed",
  rename: "removed",
};

/** Tells of changes below a folder until the signal is aborted, or until the loop is left. */
export async function* watchFiles(
  machine: E2bMachine,
  path: string,
  { signal }: FileOptions,
): AsyncGenerator<FileChange, undefined> {
  signal?.throwIfAborted();
  const folder = posix.resolve(machine.cwd, path);
  const changes: FileChange[] = [];
  let end: { readonly error?: Error } | undefined;
  let wake: () => void = () => undefined;
  const { user } = machine;
  const finish = (error?: Error): void => {
    end ??= error === undefined ? {} : { error };
    wake();
  };
  const watch = await machine.service.call({ action: "watch a folder", id: machine.id }, () =>
    machine.handle.files.watchDir(
      folder,
      ({ name, type }) => {
        const change = types[type];
        if (change !== undefined) changes.push({ type: change, path: posix.join(folder, name) });
        wake();
      },
      {
        recursive: true,
        timeoutMs: 0,
        onExit: finish,
        ...(user === undefined ? {} : { user }),
      },
    ),
  );
  const stop = (): void => {
    finish();
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const change = changes.shift();
      if (change !== undefined) {
        yield change;
        continue;
      }
      signal?.throwIfAborted();
      if (end !== undefined) {
        if (end.error !== undefined) throw end.error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    // A sandbox that has gone tells of nothing any more, and whoever leaves need not know.
    await watch.stop().catch(() => undefined);
  }
}
