import { randomUUID } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Command,
  type CreateOptions,
  type Labels,
  type Sandbox,
  type SandboxAbilities,
  SandboxAgentError,
  type SandboxProcess,
  type SandboxProvider,
  type SandboxSpec,
  type Snapshot,
  type SnapshotStore,
  type Terminal,
  type TerminalOptions,
} from "playpen/kit";
import { folderSandbox } from "./folder-sandbox.ts";
import { processesOf, signalProcesses } from "./folder-processes.ts";
import { openTerminal } from "./folder-terminal.ts";
import { watchFolder } from "./folder-watch.ts";

type Abilities = Omit<SandboxAbilities, "network-policy">;
type All<Union> = (Union extends unknown ? (value: Union) => void : never) extends (value: infer Both) => void
  ? Both
  : never;

/** The folders of `folderSandbox()`, with every ability that a folder can have. */
export function ableProvider(): SandboxProvider<Sandbox & All<Abilities[keyof Abilities]>> {
  const folders = folderSandbox();
  const snapshots = new FolderSnapshots();
  const live = new Map<string, AbleSandbox>();
  const create = async (spec: SandboxSpec, options?: CreateOptions): Promise<AbleSandbox> => {
    const copied = spec.snapshot === undefined ? undefined : snapshots.folderOf(spec.snapshot);
    const inner = await folders.create(spec, options);
    if (copied !== undefined) await cp(copied, inner.cwd, { recursive: true });
    const sandbox = new AbleSandbox(inner, { spec, snapshots, create, forget: () => live.delete(inner.id) });
    live.set(inner.id, sandbox);
    return sandbox;
  };
  return {
    name: "able",
    capabilities: {
      ...folders.capabilities,
      abilities: ["snapshot", "pause", "fork", "expose", "terminal", "extend", "metrics", "watch"],
    },
    check: () => folders.check(),
    create,
    connect(id) {
      const sandbox = live.get(id);
      if (sandbox !== undefined) return Promise.resolve(sandbox);
      return Promise.reject(new SandboxAgentError("sandbox_not_found", `No ${id}.`, { details: { id } }));
    },
    list: (filter) => folders.list(filter),
    snapshots,
  };
}

class FolderSnapshots implements SnapshotStore {
  readonly #folders = new Map<string, { readonly folder: string; readonly name: string | undefined }>();

  async take(folder: string, name?: string): Promise<Snapshot> {
    const id = randomUUID();
    const copy = await mkdtemp(join(tmpdir(), "folder-snapshot-"));
    await cp(folder, copy, { recursive: true });
    this.#folders.set(id, { folder: copy, name });
    return { id };
  }

  folderOf(id: string): string {
    const kept = this.#folders.get(id);
    if (kept !== undefined) return kept.folder;
    throw new SandboxAgentError("image_unavailable", `No snapshot ${id}.`, { details: { image: id } });
  }

  find(name: string): Promise<Snapshot | undefined> {
    const found = [...this.#folders].filter(([, kept]) => kept.name === name).at(-1);
    return Promise.resolve(found && { id: found[0] });
  }

  async remove(id: string): Promise<void> {
    const kept = this.#folders.get(id);
    this.#folders.delete(id);
    if (kept !== undefined) await rm(kept.folder, { recursive: true, force: true });
  }
}

interface Surroundings {
  readonly spec: SandboxSpec;
  readonly snapshots: FolderSnapshots;
  readonly create: (spec: SandboxSpec) => Promise<AbleSandbox>;
  forget(): void;
}

class AbleSandbox implements Sandbox {
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly files: Sandbox["files"];
  readonly #inner: Sandbox;
  readonly #around: Surroundings;
  #isPaused = false;
  #isDestroyed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(inner: Sandbox, around: Surroundings) {
    this.id = inner.id;
    this.cwd = inner.cwd;
    this.labels = inner.labels;
    this.files = inner.files;
    this.#inner = inner;
    this.#around = around;
    if (around.spec.ttlMs !== undefined) this.#endIn(around.spec.ttlMs);
  }

  async spawn(command: Command, options?: { readonly signal?: AbortSignal }): Promise<SandboxProcess> {
    if (this.#isPaused) {
      const details = { command: command.argv[0] };
      throw new SandboxAgentError("spawn_failed", "The sandbox is paused.", { details });
    }
    return this.#inner.spawn(command, options);
  }

  detach(options: { readonly ttlMs: number }): Promise<void> {
    return this.#inner.detach(options);
  }

  async destroy(): Promise<void> {
    this.#isDestroyed = true;
    clearTimeout(this.#timer);
    if (this.#isPaused) await signalProcesses(this.id, "SIGCONT");
    await this.#inner.destroy();
    this.#around.forget();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy();
  }

  async snapshot(options: { readonly name?: string } = {}): Promise<Snapshot> {
    this.#assertOpen();
    return this.#around.snapshots.take(this.cwd, options.name);
  }

  async pause(): Promise<void> {
    this.#assertOpen();
    this.#isPaused = true;
    await signalProcesses(this.id, "SIGSTOP");
  }

  async resume(): Promise<void> {
    this.#assertOpen();
    await signalProcesses(this.id, "SIGCONT");
    this.#isPaused = false;
  }

  async fork({ labels = {} }: { readonly labels?: Labels } = {}): Promise<AbleSandbox> {
    this.#assertOpen();
    const { spec, snapshots, create } = this.#around;
    const { id } = await snapshots.take(this.cwd);
    const fork = await create({ ...spec, snapshot: id, labels: { ...this.labels, ...labels } });
    await snapshots.remove(id);
    return fork;
  }

  async expose(port: number): Promise<{ readonly url: string }> {
    this.#assertOpen();
    return Promise.resolve({ url: `http://127.0.0.1:${String(port)}` });
  }

  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    this.#assertOpen();
    return openTerminal(this.#inner, options);
  }

  async extend(durationMs: number): Promise<void> {
    this.#assertOpen();
    this.#endIn(durationMs);
    return Promise.resolve();
  }

  async metrics(): Promise<{ readonly processes: number }> {
    this.#assertOpen();
    return { processes: (await processesOf(this.id)).length };
  }

  async *watch(path: string, options: { readonly signal?: AbortSignal } = {}) {
    this.#assertOpen();
    yield* watchFolder(path, options.signal);
  }

  #endIn(durationMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.destroy(), durationMs).unref();
  }

  #assertOpen(): void {
    if (!this.#isDestroyed) return;
    throw new SandboxAgentError("sandbox_closed", "It was destroyed.", { details: { id: this.id } });
  }
}
