import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  type Labels,
  type RemoteCommand,
  type RemoteConnection,
  type RemoteMachine,
  RemoteSandbox,
  type RemoteTraits,
  type Sandbox,
  SandboxAgentError,
  type SandboxProvider,
  type ShortRun,
  readableFromNode,
  shellLine,
  startPolledProcess,
  writableFromNode,
} from "playpen/kit";

/** How much an imagined vendor's API can do. Its commands are ordinary processes of this machine. */
export interface ImaginedVendor {
  readonly traits: RemoteTraits;
  /** Whether commands run to their end only. */
  readonly onlyRunsToEnd?: boolean;
}

/** A provider that has everything derived which a vendor of this kind does not have. */
export function derivedProvider(vendor: ImaginedVendor): SandboxProvider {
  const live = new Map<string, Sandbox>();
  const isListed = (own: Labels, wanted: Labels): boolean =>
    Object.entries(wanted).every(([name, value]) => own[name] === value);
  return {
    name: "derived",
    capabilities: {
      stdin: vendor.traits.stdin === "native" ? "native" : "emulated",
      signals: "emulated",
      users: vendor.traits.users === "none" ? "none" : "emulated",
      files: "emulated",
      detach: "none",
      diesWithHost: "none",
      backpressure: vendor.onlyRunsToEnd === true ? "emulated" : "native",
      isolation: "none",
    },
    check: () => Promise.resolve({ available: true }),
    async create(spec, { signal } = {}) {
      signal?.throwIfAborted();
      const folder = await mkdtemp(join(tmpdir(), "derived-"));
      const id = randomUUID();
      const cwd = spec.cwd ?? join(folder, "work");
      await mkdir(cwd, { recursive: true });
      const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: folder, ...spec.env };
      const { labels } = spec;
      const machine = new ImaginedMachine(vendor, { id, cwd, labels, env, folder }, () => live.delete(id));
      const sandbox = new RemoteSandbox(machine);
      live.set(id, sandbox);
      if (signal?.aborted === true) {
        await sandbox.destroy();
        throw signal.reason;
      }
      return sandbox;
    },
    connect(id) {
      const sandbox = live.get(id);
      if (sandbox !== undefined) return Promise.resolve(sandbox);
      return Promise.reject(
        new SandboxAgentError("sandbox_not_found", `There is no ${id}.`, { details: { id } }),
      );
    },
    async *list({ labels = {} } = {}) {
      for (const { id, labels: own } of live.values()) {
        if (isListed(own, labels)) yield { id, labels: own, running: true };
      }
    },
  };
}

class ImaginedMachine implements RemoteMachine {
  readonly provider = "derived";
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: { readonly [name: string]: string };
  readonly traits: RemoteTraits;
  readonly run?: (command: RemoteCommand) => Promise<ShortRun>;
  readonly #folder: string;
  readonly #onlyRunsToEnd: boolean;
  readonly #forget: () => void;
  readonly #children = new Set<ChildProcess>();

  constructor(
    vendor: ImaginedVendor,
    facts: Pick<RemoteMachine, "id" | "cwd" | "labels" | "env"> & { readonly folder: string },
    forget: () => void,
  ) {
    this.id = facts.id;
    this.cwd = facts.cwd;
    this.labels = facts.labels;
    this.env = facts.env;
    this.traits = vendor.traits;
    this.#folder = facts.folder;
    this.#onlyRunsToEnd = vendor.onlyRunsToEnd === true;
    this.#forget = forget;
    if (this.#onlyRunsToEnd) this.run = (command) => this.#runToEnd(command);
  }

  async start(command: RemoteCommand): Promise<RemoteConnection> {
    if (this.run !== undefined) {
      return startPolledProcess(command, { run: this.run, processId: randomUUID() });
    }
    const child = this.#spawn(command);
    const { stdin, stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error("There are no pipes.");
    return Promise.resolve({
      ...(stdin === null ? {} : { stdin: writableFromNode(stdin) }),
      stdout: readableFromNode(stdout),
      stderr: readableFromNode(stderr),
      exited: new Promise((resolve, reject) => {
        child.once("error", reject);
        child.once("exit", (code, signal) => resolve({ code, signal }));
      }),
      disconnect: () => {
        for (const stream of [stdin, stdout, stderr]) stream?.destroy();
      },
    });
  }

  async destroy(): Promise<void> {
    // Whatever has been started in the folder's name, as a vendor ends a machine.
    const script = `
      for round in 1 2 3; do
        for process in $(grep -lsF "$1" /proc/[0-9]*/environ); do
          process=\${process#/proc/}
          kill -s KILL "\${process%/environ}" 2>/dev/null
        done
      done`;
    await new Promise((resolve) =>
      spawn("/bin/sh", ["-c", script, "sh", this.#folder], { stdio: "ignore" }).once("exit", resolve),
    );
    for (const child of this.#children) child.kill("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
    this.#forget();
  }

  async #runToEnd(command: RemoteCommand): Promise<ShortRun> {
    const child = this.#spawn({ ...command, stdin: false });
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error("There are no pipes.");
    const ended = new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => {
        resolve(code ?? 137);
      });
    });
    const [code, out, error] = await Promise.all([ended, text(stdout), text(stderr)]);
    return { code, stdout: out, stderr: error };
  }

  /**
   * In the process group of this process, as a daemon would start it; as one line of shell where nothing long is said,
   * as many vendors take it.
   */
  #spawn({ argv, env, stdin }: RemoteCommand): ChildProcess {
    const own = { PATH: this.env["PATH"] ?? "", HOME: this.#folder, DERIVED_FOLDER: this.#folder };
    const line = ["/bin/sh", "-c", `exec ${shellLine(argv)}`] as const;
    const [program, ...args] = this.traits.stdin === "native" ? line : argv;
    const child = spawn(program, args, {
      cwd: this.#folder,
      env: { ...own, ...env },
      stdio: [stdin ? "pipe" : "ignore", "pipe", "pipe"],
    });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    // In a folder that was removed meanwhile nothing starts.
    child.once("error", () => this.#children.delete(child));
    return child;
  }
}
