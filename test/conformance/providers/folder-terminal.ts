import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, type Terminal, type TerminalOptions, shellLine } from "playpen/kit";

/** A terminal by `script` of util-linux, whose size is set from beside it. */
export async function openTerminal(sandbox: Sandbox, options: TerminalOptions): Promise<Terminal> {
  const { argv = ["/bin/sh", "-i"], columns = 80, rows = 24, cwd, env, signal } = options;
  const nameFile = join(tmpdir(), `folder-terminal-${randomUUID()}`);
  const setUp = shellLine(["stty", "rows", String(rows), "cols", String(columns)]);
  const line = `${setUp}; tty > ${nameFile}; exec ${shellLine(argv)}`;
  const process = await sandbox.spawn(
    {
      argv: ["script", "-qefc", line, "/dev/null"],
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
    },
    signal === undefined ? {} : { signal },
  );
  const removed = (): void => void rm(nameFile, { force: true });
  process.exited.then(removed, removed);
  return {
    input: process.stdin,
    output: process.stdout,
    exited: process.exited,
    async resize(size) {
      const name = (await readFile(nameFile, "utf8")).trim();
      const argv = ["stty", "-F", name, "rows", String(size.rows), "cols", String(size.columns)] as const;
      await (
        await sandbox.spawn({ argv, stdin: "ignore" })
      ).exited;
    },
    kill: (kind) => process.kill(kind),
  };
}
