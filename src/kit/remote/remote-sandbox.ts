import { SandboxAgentError } from "../../errors/sandbox-agent-error.ts";
import { errorText } from "../../errors/error-text.ts";
import type { Terminal, TerminalOptions } from "../../spec/sandbox-abilities.ts";
import type { Command, Labels, Sandbox, SandboxFiles } from "../../spec/sandbox.ts";
import { derivedFiles } from "./derived-files.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { RemoteMachine } from "./remote-machine.ts";
import { type RemoteProcess, isAlive, lost, ownFailure, startRemoteProcess } from "./remote-process.ts";
import { type TerminalVendor, openRemoteTerminal } from "./remote-terminal.ts";

/**
 * A sandbox made of what a vendor's API has, with everything derived that it has not: the environment, working directory
 * and user of a process, its standard input, signals to its whole tree, files, keep-alive, and one state for all of
 * them. An adapter extends it by the abilities that the vendor has beside these.
 *
 * @example
 * ```ts
 * class ExampleSandbox extends RemoteSandbox {
 *   snapshot() { … }
 * }
 * const sandbox = new ExampleSandbox({ provider: "example", id, cwd, labels, env, traits, start, destroy });
 * ```
 */
export class RemoteSandbox implements Sandbox {
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly files: SandboxFiles;
  readonly #machine: RemoteMachine;
  readonly #processes = new Set<RemoteProcess>();
  readonly #keepAlive: KeepAlive | undefined;
  #closed: "detached" | "destroyed" | undefined;
  #destroyed: Promise<void> | undefined;

  /** `files` replaces single operations by the vendor's own, where those are better. */
  constructor(machine: RemoteMachine, files: Partial<SandboxFiles> = {}) {
    this.id = machine.id;
    this.cwd = machine.cwd;
    this.labels = machine.labels;
    this.#machine = machine;
    const derived = derivedFiles(machine, {
      spawn: (command, options) => this.spawn(command, options),
      hold: () => this.hold(),
      assertOpen: () => {
        this.assertOpen();
      },
    });
    this.files = withOverrides(machine, derived, files);
    this.#keepAlive = machine.keepAlive && new KeepAlive(machine.keepAlive);
  }

  async spawn(command: Command, options: { readonly signal?: AbortSignal } = {}): Promise<RemoteProcess> {
    options.signal?.throwIfAborted();
    this.assertOpen();
    const { traits, env, provider } = this.#machine;
    const user = command.user ?? this.#machine.user;
    if (user !== undefined && traits.users === "none") {
      throw new SandboxAgentError("unsupported", `Processes in a sandbox of ${provider} have one user.`, {
        details: { subject: provider, feature: "user" },
      });
    }
    const resolved = {
      ...command,
      cwd: command.cwd ?? this.cwd,
      env: { ...env, ...command.env },
      ...(user === undefined ? {} : { user }),
    };
    const release = this.hold();
    let started: RemoteProcess;
    try {
      started = await startRemoteProcess(this.#machine, resolved, options.signal);
    } catch (error) {
      release();
      throw error;
    }
    if (this.#closed !== undefined) {
      started.sandboxEnded();
      release();
      this.assertOpen();
    }
    this.#processes.add(started);
    const forget = (): void => {
      this.#processes.delete(started);
      release();
    };
    started.exited.then(forget, forget);
    return started;
  }

  /** Keeps the vendor's time-out from ending the sandbox until the function that it returns is called. */
  hold(): () => void {
    return this.#keepAlive?.hold() ?? (() => undefined);
  }

  /**
   * Opens a terminal by the vendor's means, and keeps the sandbox alive as long as its process runs.
   *
   * @throws SandboxAgentError `sandbox_closed`, `spawn_failed`, and whatever coded error `open` rejects with.
   */
  protected async openTerminal(open: TerminalVendor["open"], options: TerminalOptions): Promise<Terminal> {
    options.signal?.throwIfAborted();
    this.assertOpen();
    const release = this.hold();
    try {
      const vendor = { machine: this.#machine, files: this.files, open };
      const terminal = await openRemoteTerminal(vendor, options);
      terminal.exited.then(release, release);
      if (this.#closed !== undefined) await terminal.kill().catch(() => undefined);
      this.assertOpen();
      return terminal;
    } catch (error) {
      release();
      throw error;
    }
  }

  async detach(options: { readonly ttlMs: number }): Promise<void> {
    this.assertOpen();
    const { provider } = this.#machine;
    if (this.#machine.detach === undefined) {
      throw new SandboxAgentError("unsupported", `A sandbox of ${provider} cannot outlive its host.`, {
        details: { subject: provider, feature: "detach" },
      });
    }
    await this.#machine.detach(options.ttlMs);
    this.#closed = "detached";
    this.#keepAlive?.end();
  }

  async destroy(): Promise<void> {
    // A sandbox that was let go of belongs to whoever connects to it, and is not to end with the block that made it.
    if (this.#closed === "detached") return;
    this.#closed = "destroyed";
    this.#destroyed ??= this.#remove().catch((error: unknown) => {
      this.#destroyed = undefined;
      throw SandboxAgentError.is(error)
        ? error
        : lost(this.#machine, `It could not be removed: ${errorText(error)}`, error);
    });
    await this.#destroyed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  /** @throws SandboxAgentError `sandbox_closed` once the handle was destroyed or detached. */
  protected assertOpen(): void {
    if (this.#closed === undefined) return;
    throw new SandboxAgentError(
      "sandbox_closed",
      `The sandbox ${this.#machine.provider}/${this.id} was ${this.#closed} and cannot be used any more.`,
      { details: { id: this.id } },
    );
  }

  async #remove(): Promise<void> {
    this.#keepAlive?.end();
    try {
      await this.#machine.destroy();
    } catch (error) {
      if (await isAlive(this.#machine)) throw error;
    }
    for (const process of this.#processes) process.sandboxEnded();
  }
}

/** The derived operations, but for those that the vendor does better. */
function withOverrides(
  machine: RemoteMachine,
  derived: SandboxFiles,
  own: Partial<SandboxFiles>,
): SandboxFiles {
  const guarded =
    <Args extends readonly unknown[], Value>(operation: (...args: Args) => Promise<Value>) =>
    async (...args: Args): Promise<Value> => {
      try {
        return await operation(...args);
      } catch (error) {
        throw SandboxAgentError.is(error) ? ownFailure(machine, error) : error;
      }
    };
  return {
    read: guarded(own.read?.bind(own) ?? derived.read.bind(derived)),
    readText: guarded(own.readText?.bind(own) ?? derived.readText.bind(derived)),
    write: guarded(own.write?.bind(own) ?? derived.write.bind(derived)),
    list: guarded(own.list?.bind(own) ?? derived.list.bind(derived)),
    stat: guarded(own.stat?.bind(own) ?? derived.stat.bind(derived)),
    mkdir: guarded(own.mkdir?.bind(own) ?? derived.mkdir.bind(derived)),
    remove: guarded(own.remove?.bind(own) ?? derived.remove.bind(derived)),
    move: guarded(own.move?.bind(own) ?? derived.move.bind(derived)),
    upload: guarded(own.upload?.bind(own) ?? derived.upload.bind(derived)),
    download: guarded(own.download?.bind(own) ?? derived.download.bind(derived)),
  };
}
