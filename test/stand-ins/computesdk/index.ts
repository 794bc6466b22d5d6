/**
 * A vendor for the package computesdk 4, as described at https://www.computesdk.com/docs and by the package's own
 * declarations (`DirectProvider`): the real `compute` of the package speaks to it, and its sandboxes are folders with real
 * processes.
 *
 * Its traits: `runCommand` takes one line of shell and runs it to its end, with no input; files are text; a sandbox ends
 * when its `timeout` is over; there are no labels. It fails on demand, in the words of different vendors' clients.
 */
import { mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type CommandResult, type RunCommandOptions, type SandboxInterface, compute } from "computesdk";
import { StandInMachine } from "../kit/machines.ts";

/** Instead of an answer. */
export type ComputeFault = Error | "silence";

export interface ComputeStandIn {
  /** The package's own, with this vendor. */
  readonly compute: ReturnType<typeof compute>;
  readonly machines: ReadonlyMap<string, StandInMachine>;
  /** Every variable that was given to a command. */
  readonly variables: readonly (readonly [name: string, value: string])[];
  /** How many creations were asked for. */
  readonly creations: number;
  /** The next creation fails, or never answers. */
  failNext(fault: ComputeFault, times?: number): void;
  /** Everything that waits for an answer fails, as when the connection of a vendor's client breaks; or all from now on. */
  cutConnections(): void;
  isOutOfReach: boolean;
  stop(): Promise<void>;
}

export function startComputesdk(): ComputeStandIn {
  const machines = new Map<string, StandInMachine>();
  const variables: (readonly [string, string])[] = [];
  const faults: ComputeFault[] = [];
  const state = { creations: 0 };
  const connection = new Connection();
  const find = (id: string): StandInMachine => {
    const machine = machines.get(id);
    if (machine === undefined) throw new Error(`Sandbox ${id} not found`);
    return machine;
  };
  const destroy = async (id: string): Promise<void> => {
    const machine = machines.get(id);
    machines.delete(id);
    await machine?.destroy();
  };
  const sandboxOf = (id: string): SandboxInterface => ({
    sandboxId: id,
    provider: "stand-in",
    runCommand: (line, options = {}) => {
      variables.push(...Object.entries(options.env ?? {}));
      return connection.carry(() => execute(find(id), line, options));
    },
    async getInfo() {
      const { createdAt } = find(id);
      return { id, provider: "stand-in", status: "running", createdAt: new Date(createdAt), timeout: 0 };
    },
    getUrl: ({ port }) => Promise.resolve(`http://127.0.0.1:${port}`),
    destroy: () => connection.carry(() => destroy(id)),
    filesystem: {
      readFile: (path) => readFile(path, "utf8"),
      async writeFile(path, content) {
        find(id);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, content);
      },
      readdir: async (path) =>
        (await readdir(path, { withFileTypes: true })).map((entry) => ({
          name: entry.name,
          type: entry.isDirectory() ? "directory" : "file",
        })),
      mkdir: async (path) => {
        await mkdir(path, { recursive: true });
      },
      exists: (path) =>
        stat(path).then(
          () => true,
          () => false,
        ),
      remove: (path) => rm(path, { recursive: true, force: true }),
    },
  });
  const manager = compute({
    provider: {
      name: "stand-in",
      sandbox: {
        async create(options = {}) {
          state.creations++;
          const fault = faults.shift();
          if (fault === "silence") return new Promise<never>(() => undefined);
          if (fault !== undefined) throw fault;
          const machine = await StandInMachine.create();
          machines.set(machine.id, machine);
          machine.setTimeToLive(options.timeout, () => destroy(machine.id));
          return sandboxOf(machine.id);
        },
        getById: (id) => connection.carry(async () => (machines.has(id) ? sandboxOf(id) : null)),
        list: async () => [...machines.keys()].map(sandboxOf),
        destroy,
      },
    },
  });
  return {
    compute: manager,
    machines,
    variables,
    get creations() {
      return state.creations;
    },
    failNext: (fault, times = 1) => {
      for (let round = 0; round < times; round++) faults.push(fault);
    },
    cutConnections: () => {
      connection.cut();
    },
    get isOutOfReach() {
      return connection.isOutOfReach;
    },
    set isOutOfReach(is) {
      connection.isOutOfReach = is;
      if (is) connection.cut();
    },
    stop: async () => {
      await Promise.all([...machines.keys()].map(destroy));
    },
  };
}

/** Between the vendor's client and its service. */
class Connection {
  isOutOfReach = false;
  readonly #waiting = new Set<(error: Error) => void>();

  cut(): void {
    for (const fail of this.#waiting) fail(broken());
  }

  async carry<Value>(request: () => Promise<Value>): Promise<Value> {
    if (this.isOutOfReach) throw broken();
    let fail: (error: Error) => void = () => undefined;
    const isCut = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    this.#waiting.add(fail);
    try {
      return await Promise.race([request(), isCut]);
    } finally {
      this.#waiting.delete(fail);
    }
  }
}

/** In the words of `fetch`, which most of the vendors' clients use. */
function broken(): Error {
  const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  return new TypeError("fetch failed", { cause });
}

async function execute(
  machine: StandInMachine,
  line: string,
  { cwd, env = {}, timeout = 60_000 }: RunCommandOptions,
): Promise<CommandResult> {
  const since = performance.now();
  const process = await machine.spawn({
    argv: ["/bin/sh", "-c", inFolder(machine, line)],
    env,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const timer = setTimeout(() => process.signal("SIGKILL", "group"), timeout);
  const [stdout, stderr, { code }] = await Promise.all([
    textOf(process.stdout),
    textOf(process.stderr),
    process.exited,
  ]);
  clearTimeout(timer);
  return { stdout, stderr, exitCode: code ?? 137, durationMs: performance.now() - since };
}

/** All share the file system of this machine; what lies beside their folders is to end with them, too. */
function inFolder(machine: StandInMachine, line: string): string {
  return line.replaceAll("/tmp/.playpen-", `${machine.folder}/.playpen-`);
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}
