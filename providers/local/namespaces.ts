import { open, stat, type FileHandle } from "node:fs/promises";
import { isJsonObject, numberField, parseJson } from "../../src/kit.ts";

/** The namespaces of a sandbox by their numbers; no two of them are alike while one is in use. */
export interface NamespaceNumbers {
  readonly pid: number;
  readonly mount: number;
}

/** The process that holds them, as bubblewrap reports it. */
export interface Anchor extends NamespaceNumbers {
  readonly process: number;
}

/** `undefined` when the line does not tell. */
export function parseAnchor(line: string): Anchor | undefined {
  const status = parseJson(line);
  if (!isJsonObject(status)) return undefined;
  const process = numberField(status, "child-pid");
  const pid = numberField(status, "pid-namespace");
  const mount = numberField(status, "mnt-namespace");
  return process === undefined || pid === undefined || mount === undefined
    ? undefined
    : { process, pid, mount };
}

const kinds = ["user", "mount", "pid", "net", "ipc", "uts"] as const;
const fileNames = { user: "user", mount: "mnt", pid: "pid", net: "net", ipc: "ipc", uts: "uts" } as const;

/**
 * The namespaces of a sandbox, held open. A process joins what is held, never what a process number stands for at that
 * moment: the number could have passed to a process of the host, and the new one would run outside any sandbox.
 */
export class Namespaces {
  readonly #handles: readonly FileHandle[];
  readonly #names: readonly string[];

  readonly #anchor: Anchor;

  private constructor(anchor: Anchor, names: readonly string[], handles: readonly FileHandle[]) {
    this.#anchor = anchor;
    this.#names = names;
    this.#handles = handles;
  }

  /** Rejects when the anchor is gone or is not the process it was. */
  static async open(anchor: Anchor, network: boolean): Promise<Namespaces> {
    const names = kinds.filter((kind) => kind !== "net" || !network);
    const handles: FileHandle[] = [];
    try {
      for (const name of names) handles.push(await open(`/proc/${anchor.process}/ns/${fileNames[name]}`));
      const numbers = await Promise.all(handles.map(async (handle) => (await handle.stat()).ino));
      const numberOf = (name: (typeof kinds)[number]): number | undefined => numbers[names.indexOf(name)];
      // The first one opened could be another process's if the last one is: compare again after all are open.
      const again = await open(`/proc/${anchor.process}/ns/user`);
      handles.push(again);
      const userNow = (await again.stat()).ino;
      if (
        numberOf("pid") !== anchor.pid ||
        numberOf("mount") !== anchor.mount ||
        numberOf("user") !== userNow
      ) {
        throw new Error("The process that holds the namespaces of the sandbox is gone.");
      }
      handles.pop();
      await again.close();
      return new Namespaces(anchor, names, handles);
    } catch (error) {
      await Promise.all(handles.map((handle) => handle.close()));
      throw error;
    }
  }

  /** Descriptors to hand to a child from number 3 on, in the order that `joinArgs` and the launcher count on. */
  get descriptors(): readonly number[] {
    return this.#handles.map((handle) => handle.fd);
  }

  /** Arguments of `nsenter` for a child that got `descriptors`. */
  get joinArgs(): readonly string[] {
    return this.#names.map((name, index) => `--${name}=/proc/self/fd/${index + 3}`);
  }

  /** Whether the process that holds them has ended, so that nothing can be started in them any more. */
  async areGone(): Promise<boolean> {
    const now = await stat(`/proc/${this.#anchor.process}/ns/pid`).catch(() => undefined);
    return now?.ino !== this.#anchor.pid;
  }

  async close(): Promise<void> {
    await Promise.all(this.#handles.map((handle) => handle.close().catch(() => undefined)));
  }
}
