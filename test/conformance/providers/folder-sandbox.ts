import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as kit from "playpen/kit";

/** Sandboxes that are folders for temporary files. They order, but they isolate nothing. */
export function folderSandbox(): kit.SandboxProvider {
  return new FolderProvider();
}

class FolderProvider implements kit.SandboxProvider {
  readonly name = "folder";
  readonly capabilities: kit.SandboxCapabilities = {
    stdin: "native",
    signals: "native",
    users: "none",
    files: "emulated",
    detach: "none",
    diesWithHost: "none",
    backpressure: "native",
    isolation: "none",
  };
  readonly #live = new Map<string, FolderSandbox>();

  async check(): Promise<kit.Availability> {
    if (process.platform === "linux") return { available: true };
    return { available: false, reason: "Processes are found by /proc.", remedy: "Use Linux." };
  }

  async create(spec: kit.SandboxSpec, { signal }: kit.CreateOptions = {}): Promise<kit.Sandbox> {
    signal?.throwIfAborted();
    const folder = await fs.mkdtemp(join(tmpdir(), "folder-sandbox-"));
    const sandbox = new FolderSandbox(folder, spec, () => this.#live.delete(sandbox.id));
    this.#live.set(sandbox.id, sandbox);
    try {
      await fs.mkdir(sandbox.cwd, { recursive: true });
      signal?.throwIfAborted();
      return sandbox;
    } catch (error) {
      await sandbox.destroy();
      throw error;
    }
  }

  async connect(id: string): Promise<kit.Sandbox> {
    const sandbox = this.#live.get(id);
    if (sandbox !== undefined) return sandbox;
    throw new kit.SandboxAgentError("sandbox_not_found", `No folder ${id}.`, { details: { id } });
  }

  async *list({ labels = {} }: { readonly labels?: kit.Labels } = {}): AsyncIterable<kit.SandboxInfo> {
    for (const { id, labels: own } of this.#live.values()) {
      const isWanted = Object.entries(labels).every(([name, value]) => own[name] === value);
      if (isWanted) yield { id, labels: own, running: true };
    }
  }
}

class FolderSandbox implements kit.Sandbox {
  readonly id = randomUUID();
  readonly cwd: string;
  readonly labels: kit.Labels;
  readonly files: kit.SandboxFiles;
  readonly #env: kit.Environment;
  readonly #remove: () => Promise<void>;
  #destroyed: Promise<void> | undefined;

  constructor(folder: string, spec: kit.SandboxSpec, forget: () => void) {
    this.cwd = spec.cwd ?? join(folder, "work");
    this.labels = spec.labels;
    this.#env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: folder, ...spec.env };
    this.#remove = () => fs.rm(folder, { recursive: true, force: true }).then(forget);
    this.files = kit.filesFromSpawn((command, options) => this.spawn(command, options), { cwd: this.cwd });
  }

  async spawn(command: kit.Command, { signal }: kit.FileOptions = {}): Promise<kit.SandboxProcess> {
    signal?.throwIfAborted();
    this.#assertUsable();
    if (command.user !== undefined) throw unsupported("user", "All processes belong to the host's user.");
    const [program, ...args] = command.argv;
    // Every mark begins with the sandbox's id, so that the id alone finds all of its processes.
    const mark = `${this.id}.${randomUUID()}`;
    let started: kit.SandboxProcess;
    try {
      const child = spawn(program, args, {
        cwd: command.cwd ?? this.cwd,
        env: kit.markedEnvironment({ ...this.#env, ...command.env }, mark),
        detached: true,
        stdio: [command.stdin ?? "pipe", "pipe", "pipe"],
      });
      started = processOf(child, mark);
      await once(child, "spawn");
    } catch (cause) {
      const details = { command: program };
      throw new kit.SandboxAgentError("spawn_failed", `${program} did not start.`, { details, cause });
    }
    try {
      signal?.throwIfAborted();
      this.#assertUsable();
      return started;
    } catch (error) {
      await started.kill();
      throw error;
    }
  }

  async detach(): Promise<void> {
    throw unsupported("detach", "A folder ends with its host.");
  }

  destroy(): Promise<void> {
    return (this.#destroyed ??= signalAll(this.id, "SIGKILL").then(this.#remove));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy();
  }

  #assertUsable(): void {
    if (this.#destroyed === undefined) return;
    throw new kit.SandboxAgentError("sandbox_closed", "It was destroyed.", { details: { id: this.id } });
  }
}

function unsupported(feature: string, why: string): kit.SandboxAgentError {
  return new kit.SandboxAgentError("unsupported", why, { details: { subject: "folder", feature } });
}

/** Reaches children in sessions of their own too, since they inherit the mark. */
async function signalAll(mark: string, signal: kit.Signal): Promise<void> {
  const [program, ...args] = kit.signalMarkedScript(mark, signal);
  await once(spawn(program, args, { stdio: "ignore" }), "exit");
}

function processOf(child: ChildProcess, mark: string): kit.SandboxProcess {
  const { stdin, stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("There are no pipes.");
  return {
    stdin: stdin === null ? new WritableStream() : kit.writableFromNode(stdin),
    stdout: kit.readableFromNode(stdout),
    stderr: kit.readableFromNode(stderr),
    // "exit", not "close": a child in the background may hold the pipes for hours.
    exited: new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal }))),
    kill: (signal = "SIGKILL") => signalAll(mark, signal),
  };
}
