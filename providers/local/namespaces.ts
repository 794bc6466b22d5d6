import { open, stat, type FileHandle } from "node:fs/promises";
import { isJsonObject, numberField, parseJson } from "../../src/kit.ts";
import type { NamespaceTools } from "./bubblewrap.ts";

/** The namespaces of a sandbox by their numbers; no two of them are alike while one is in use. */
export interface NamespaceNumbers {
  readonly pid: number;
  readonly mount: number;
}

/** The first process in them, as bubblewrap reports it. */
export interface ReportedAnchor extends NamespaceNumbers {
  readonly process: number;
}

export interface Anchor extends ReportedAnchor {
  /** Its child, which holds the user namespace that the processes of the sandbox live in. */
  readonly holder: number;
}

/** `undefined` when the line does not tell. */
export function parseAnchor(line: string): ReportedAnchor | undefined {
  const status = parseJson(line);
  if (!isJsonObject(status)) return undefined;
  const process = numberField(status, "child-pid");
  const pid = numberField(status, "pid-namespace");
  const mount = numberField(status, "mnt-namespace");
  return process === undefined || pid === undefined || mount === undefined
    ? undefined
    : { process, pid, mount };
}

const fileNames = { user: "user", mount: "mnt", pid: "pid", net: "net", ipc: "ipc", uts: "uts" } as const;
type Kind = keyof typeof fileNames;

interface Held {
  readonly kind: Kind;
  readonly handle: FileHandle;
}

/**
 * The namespaces of a sandbox, held open. A process joins what is held, never what a process number stands for at that
 * moment: the number could have passed to a process of the host, and the new one would run outside any sandbox.
 */
export class Namespaces {
  readonly #anchor: Anchor;
  readonly #outer: readonly Held[];
  readonly #inner: Held;

  constructor(anchor: Anchor, outer: readonly Held[], inner: Held) {
    this.#anchor = anchor;
    this.#outer = outer;
    this.#inner = inner;
  }

  /** Opens the namespaces of the anchor. Rejects when it is gone or is not the process it was. */
  static async open(anchor: Anchor, network: boolean): Promise<Namespaces> {
    const held: Held[] = [];
    const hold = async (kind: Kind, process: number): Promise<Held> => {
      const item = { kind, handle: await open(`/proc/${process}/ns/${fileNames[kind]}`) };
      held.push(item);
      return item;
    };
    try {
      // The user namespaces bear no number that bubblewrap tells. What was opened between two looks at the same,
      // numbered namespace is of the same process: a number that has passed on does not come back.
      await expectNamespaces(anchor.process, anchor);
      const kinds: readonly Kind[] = [
        "user",
        "mount",
        "pid",
        ...(network ? [] : ["net" as const]),
        "ipc",
        "uts",
      ];
      for (const kind of kinds) await hold(kind, anchor.process);
      await expectNamespaces(anchor.process, anchor);
      const outer = [...held];
      await expectNamespaces(anchor.holder, anchor);
      const inner = await hold("user", anchor.holder);
      await expectNamespaces(anchor.holder, anchor);
      return new Namespaces(anchor, outer, inner);
    } catch (error) {
      await Promise.all(held.map(({ handle }) => handle.close()));
      throw error;
    }
  }

  /** Descriptors to hand to a child from number 3 on, in the order that `joinCommand` counts on. */
  get descriptors(): readonly number[] {
    return [...this.#outer, this.#inner].map(({ handle }) => handle.fd);
  }

  /**
   * What a child that got `descriptors` has to run in order to start a program in the namespaces, in a session of its
   * own. They are joined in two steps: power over the sandbox's namespaces is there in the outer user namespace only.
   */
  joinCommand({ nsenter, setsid }: NamespaceTools): readonly [string, ...string[]] {
    const file = (index: number): string => `/proc/self/fd/${index + 3}`;
    const outer = this.#outer.map(({ kind }, index) => `--${kind}=${file(index)}`);
    const keep = "--preserve-credentials";
    return [nsenter, keep, ...outer, "--", nsenter, keep, `--user=${file(outer.length)}`, "--", setsid];
  }

  /** Whether the process that holds them has ended, so that nothing can be started in them any more. */
  async areGone(): Promise<boolean> {
    return expectNamespaces(this.#anchor.process, this.#anchor).then(
      () => false,
      () => true,
    );
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#outer, this.#inner].map(({ handle }) => handle.close().catch(() => undefined)),
    );
  }
}

async function expectNamespaces(process: number, numbers: NamespaceNumbers): Promise<void> {
  const [pid, mount] = await Promise.all([stat(`/proc/${process}/ns/pid`), stat(`/proc/${process}/ns/mnt`)]);
  if (pid.ino !== numbers.pid || mount.ino !== numbers.mount) {
    throw new Error("The process that holds the namespaces of the sandbox is gone.");
  }
}
