import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { posix } from "node:path";
import {
  markedEnvironment,
  renewedExpiry,
  SandboxAgentError,
  type Command,
  type Environment,
  type Labels,
  type Sandbox,
  type SandboxProcess,
} from "../../src/kit.ts";
import type { NamespaceTools } from "./bubblewrap.ts";
import { LocalFiles } from "./files.ts";
import { removeFolders, type Layout } from "./layout.ts";
import type { LocalProcess } from "./local-process.ts";
import type { Namespaces } from "./namespaces.ts";
import { sendSignal, signalMarked } from "./signal-tree.ts";
import { startDirectly, startJoined, type StartInput } from "./start-process.ts";
import { readState, writeState, type SandboxState } from "./state.ts";
import { isWatcherAlive, sandboxMarkerName, systemFolders, type Watcher } from "./watcher.ts";

export interface SandboxParts {
  readonly layout: Layout;
  readonly state: SandboxState;
  /** What each process starts with. */
  readonly env: Environment;
  /** Missing where the sandbox has no isolation. */
  readonly isolation: { readonly namespaces: Namespaces; readonly tools: NamespaceTools } | undefined;
  /** Only the host process that made the sandbox has it. */
  readonly watcher: Watcher | undefined;
}

export class LocalSandbox implements Sandbox {
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly files: LocalFiles;
  readonly #parts: SandboxParts;
  readonly #processes = new Set<LocalProcess>();
  #closed = false;
  #destroyed: Promise<void> | undefined;

  constructor(parts: SandboxParts) {
    this.#parts = parts;
    this.id = parts.state.id;
    this.cwd = parts.state.cwd;
    this.labels = parts.state.labels;
    this.files = new LocalFiles(parts.state.folders, this.cwd, (argv, stdin, signal) =>
      // The system's own programs, not what a workspace has put in front of them.
      this.spawn(
        { argv, stdin, cwd: "/", env: { PATH: systemFolders.join(":") } },
        signal === undefined ? {} : { signal },
      ),
    );
  }

  async spawn(command: Command, options: { readonly signal?: AbortSignal } = {}): Promise<SandboxProcess> {
    const { signal } = options;
    signal?.throwIfAborted();
    this.#assertUsable();
    assertOwnUser(command);
    const processId = randomBytes(8).toString("hex");
    const input: StartInput = {
      argv: command.argv,
      processId,
      cwd: posix.resolve(this.cwd, command.cwd ?? "."),
      env: { ...this.#parts.env, ...command.env },
      markers: markedEnvironment({ [sandboxMarkerName]: this.id }, processId),
      stdin: command.stdin ?? "pipe",
    };
    const { isolation } = this.#parts;
    const marker =
      Object.entries(markedEnvironment(undefined, processId)).map((pair) => pair.join("="))[0] ?? "";
    const stop = (): void => {
      // What of it cannot be killed now is killed, and told of, when the process runs.
      signalMarked(marker, "SIGKILL").catch(() => undefined);
    };
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const started =
        isolation === undefined
          ? await startDirectly(input)
          : await startJoined(input, isolation.namespaces, isolation.tools);
      this.#processes.add(started);
      void started.exited.then(() => this.#processes.delete(started));
      if (signal?.aborted === true || this.#closed) {
        await started.kill();
        await started.exited;
        signal?.throwIfAborted();
        this.#assertUsable();
      }
      return started;
    } catch (error) {
      signal?.throwIfAborted();
      // Without its anchor the sandbox has no namespaces to join, whatever the launcher says about it.
      if (!isWatcherAlive(this.#parts.state.watcher) || (await isolation?.namespaces.areGone()) === true) {
        throw this.#lost(error);
      }
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }

  async detach(options: { readonly ttlMs: number }): Promise<void> {
    this.#assertUsable();
    const { layout, watcher, isolation } = this.#parts;
    const state = await readState(layout);
    if (state === undefined || !isWatcherAlive(state.watcher)) throw this.#lost(undefined);
    const deadline = Math.ceil((Date.now() + options.ttlMs) / 1000);
    const labels = renewedExpiry(state.labels, options.ttlMs);
    if (watcher !== undefined) {
      await writeState(layout, { ...state, labels, detached: true });
      await watcher.detach(options.ttlMs);
    } else if (state.detached) {
      await writeState(layout, { ...state, labels });
      await writeFile(layout.deadlineFile, `${deadline}\n`, { mode: 0o600 });
      sendSignal(state.watcher.pid, "SIGUSR1");
    } else {
      throw new SandboxAgentError(
        "unsupported",
        `Sandbox ${this.id} is held by the host process that made it.`,
        {
          details: { subject: "local", feature: "detach of another host's sandbox" },
          remedy: "Detach it in the process that made it; this handle can be dropped as it is.",
        },
      );
    }
    this.#closed = true;
    // Disposing of the handle must not end what was let go.
    this.#destroyed = Promise.resolve();
    for (const process of this.#processes) process.unref();
    await isolation?.namespaces.close();
  }

  async destroy(): Promise<void> {
    this.#destroyed ??= this.#destroy().catch((error: unknown) => {
      // It can be tried again.
      this.#destroyed = undefined;
      throw error;
    });
    return this.#destroyed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  async #destroy(): Promise<void> {
    this.#closed = true;
    const { layout, state, watcher, isolation } = this.#parts;
    await destroySandbox(layout, state.watcher.pid, watcher);
    if (watcher === undefined && isWatcherAlive(state.watcher)) sendSignal(-state.watcher.pid, "SIGKILL");
    await isolation?.namespaces.close();
    await Promise.all([...this.#processes].map((process) => process.exited));
  }

  #assertUsable(): void {
    if (this.#closed) {
      throw new SandboxAgentError("sandbox_closed", `Sandbox ${this.id} was destroyed or detached.`, {
        details: { id: this.id },
      });
    }
    if (!isWatcherAlive(this.#parts.state.watcher)) throw this.#lost(undefined);
  }

  #lost(cause: unknown): SandboxAgentError {
    return new SandboxAgentError("sandbox_lost", `Sandbox ${this.id} has ended.`, {
      details: { id: this.id },
      cause,
    });
  }
}

/**
 * Kills everything in a sandbox and removes its folder. The watcher goes last: should the host die before that, it does
 * the rest.
 */
export async function destroySandbox(
  layout: Layout,
  watcherPid: number | undefined,
  watcher: Watcher | undefined,
): Promise<void> {
  await signalMarked(
    `${sandboxMarkerName}=${layout.id}`,
    "SIGKILL",
    watcherPid === undefined ? {} : { sharedGroup: watcherPid },
  );
  await removeFolders(layout);
  await watcher?.kill();
}

/** A process keeps the host's user; another one cannot be had without privileges that a sandbox should not need. */
function assertOwnUser(command: Command): void {
  if (command.user === undefined) return;
  const { uid, gid, username } = userInfo();
  if ([username, `${uid}`, `${uid}:${gid}`].includes(command.user)) return;
  throw new SandboxAgentError(
    "unsupported",
    `local() runs processes as ${username} (${uid}:${gid}) only, not as ${command.user}.`,
    { details: { subject: "local", feature: `user ${command.user}` } },
  );
}
