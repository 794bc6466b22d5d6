import { randomUUID } from "node:crypto";
import type Dockerode from "dockerode";
import {
  type Command,
  type Environment,
  type ExposedPort,
  type FileOptions,
  type Labels,
  type NetworkPolicy,
  SandboxAgentError,
  type SandboxFiles,
  type SandboxMetrics,
  type SandboxSpec,
  type Snapshot,
  type SnapshotOptions,
  type Terminal,
  type TerminalOptions,
  filesFromSpawn,
  renewCommand,
  stillHeldCode,
  stringField,
} from "../../src/kit.ts";
import { measure } from "./container-metrics.ts";
import { type NetworkAccess, Networks } from "./container-networks.ts";
import type { ContainerSettings } from "./container-options.ts";
import { type ContainerProcess, startProcess } from "./container-process.ts";
import { type ContainerHandle, lost, removalFailure, removeContainer } from "./container-state.ts";
import { type ContainerTerminal, openTerminal } from "./container-terminal.ts";
import { isGone, isNotPaused, isPausedAlready, wordsOf } from "./engine-errors.ts";
import type { EngineSandbox } from "./engine-sandbox.ts";
import type { Lifeline } from "./lifeline.ts";
import { commitContainer, removeImage, removeUnused } from "./snapshots.ts";

export interface ContainerSandboxInit {
  readonly engine: Dockerode;
  readonly settings: ContainerSettings;
  readonly container: Dockerode.Container;
  readonly cwd: string;
  readonly labels: Labels;
  readonly user: string;
  readonly env: Environment;
  /** Present in the process that created the sandbox. */
  readonly lifeline?: Lifeline;
  /** The image that is to go with the sandbox. */
  readonly temporaryImage?: string;
  /** Makes another sandbox with the same settings. */
  readonly create: (spec: SandboxSpec) => Promise<ContainerSandbox>;
}

function networkAccess(engine: Dockerode, container: Dockerode.Container): NetworkAccess {
  const { modem } = engine as { readonly modem?: unknown };
  const host = stringField(modem, "socketPath") === undefined ? stringField(modem, "host") : undefined;
  const target = { Container: container.id };
  return {
    containerId: container.id,
    ...(host === undefined ? {} : { engineAddress: host }),
    inspect: () => container.inspect(),
    connect: (network) => engine.getNetwork(network).connect(target),
    disconnect: (network) => engine.getNetwork(network).disconnect(target),
  };
}

export class ContainerSandbox implements EngineSandbox {
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly files: SandboxFiles;
  readonly #init: ContainerSandboxInit;
  readonly #handle: ContainerHandle;
  readonly #networks: Networks;
  readonly #processes = new Set<ContainerProcess | ContainerTerminal>();
  #closed: "detached" | "destroyed" | undefined;
  #destroyed: Promise<void> | undefined;

  constructor(init: ContainerSandboxInit) {
    const { container, settings, engine } = init;
    this.id = container.id;
    this.cwd = init.cwd;
    this.labels = init.labels;
    this.#init = init;
    this.#handle = { provider: settings.kind.name, container };
    this.#networks = new Networks(settings, networkAccess(engine, container));
    this.files = filesFromSpawn((command, options) => this.spawn(command, options), { cwd: init.cwd });
  }

  async spawn(command: Command, options: { readonly signal?: AbortSignal } = {}): Promise<ContainerProcess> {
    options.signal?.throwIfAborted();
    this.#assertOpen();
    const { user, env } = this.#init;
    const resolved = {
      ...command,
      cwd: command.cwd ?? this.cwd,
      user: command.user ?? user,
      env: { ...env, ...command.env },
    };
    return this.#remembered(await startProcess(this.#handle, resolved, options.signal));
  }

  async snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
    this.#assertOpen();
    return commitContainer(this.#handle, { ...options, user: this.#init.user });
  }

  async pause(): Promise<void> {
    this.#assertOpen();
    await this.#asked("paused", () => this.#handle.container.pause(), isPausedAlready);
  }

  async resume(): Promise<void> {
    this.#assertOpen();
    await this.#asked("resumed", () => this.#handle.container.unpause(), isNotPaused);
  }

  async fork(
    options: { readonly labels?: Labels; readonly signal?: AbortSignal } = {},
  ): Promise<ContainerSandbox> {
    this.#assertOpen();
    const { engine, user, env, create } = this.#init;
    const { labels = {}, signal } = options;
    await removeUnused(engine);
    const { id } = await commitContainer(this.#handle, { user, temporary: true });
    try {
      signal?.throwIfAborted();
      const spec = { cwd: this.cwd, env, labels: { ...this.labels, ...labels }, snapshot: id };
      const fork = await create(spec);
      if (signal?.aborted !== true) return fork;
      await fork.destroy();
      throw signal.reason;
    } catch (error) {
      await removeImage(engine, this.#handle.provider, id).catch(() => undefined);
      throw error;
    }
  }

  async expose(port: number, options: FileOptions = {}): Promise<ExposedPort> {
    this.#assertOpen();
    return this.#networks.expose(port, options.signal);
  }

  async setNetworkPolicy(policy: NetworkPolicy): Promise<void> {
    this.#assertOpen();
    await this.#networks.setPolicy(policy);
  }

  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    options.signal?.throwIfAborted();
    this.#assertOpen();
    const { user, env } = this.#init;
    const { argv = ["/bin/sh", "-i"], cwd = this.cwd } = options;
    const command = { argv, cwd, user, env: { TERM: "xterm-256color", ...env, ...options.env } };
    return this.#remembered(await openTerminal(this.#handle, command, options));
  }

  async metrics(): Promise<SandboxMetrics> {
    this.#assertOpen();
    return measure(this.#handle);
  }

  async detach(options: { readonly ttlMs: number }): Promise<void> {
    const seconds = Math.max(1, Math.ceil(options.ttlMs / 1000));
    this.#assertOpen();
    const { lifeline } = this.#init;
    if (lifeline === undefined) {
      await this.#renew(seconds);
    } else {
      await lifeline.letGo(seconds).catch((error: unknown) => {
        throw lost(this.#handle, "It has ended already.", error);
      });
    }
    this.#closed = "detached";
  }

  async destroy(): Promise<void> {
    // A sandbox that was let go of belongs to whoever connects to it, and is not to end with the block that made it.
    if (this.#closed === "detached") return;
    this.#closed = "destroyed";
    this.#destroyed ??= this.#remove().catch((error: unknown) => {
      this.#destroyed = undefined;
      throw removalFailure(this.#handle, error);
    });
    await this.#destroyed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  #remembered<Process extends ContainerProcess | ContainerTerminal>(started: Process): Process {
    this.#processes.add(started);
    const forget = (): void => {
      this.#processes.delete(started);
    };
    started.exited.then(forget, forget);
    return started;
  }

  #assertOpen(): void {
    if (this.#closed === undefined) return;
    throw new SandboxAgentError(
      "sandbox_closed",
      `The sandbox ${this.#handle.provider}/${this.id} was ${this.#closed} and cannot be used any more.`,
      { details: { id: this.id } },
    );
  }

  async #asked(
    what: string,
    ask: () => Promise<unknown>,
    isDone: (error: unknown) => boolean,
  ): Promise<void> {
    try {
      await ask();
    } catch (error) {
      if (isDone(error)) return;
      if (isGone(error)) throw lost(this.#handle, "It is not running any more.", error);
      const { provider } = this.#handle;
      throw new SandboxAgentError("provider_failed", `It could not be ${what}: ${wordsOf(error)}`, {
        details: { provider },
        cause: error,
      });
    }
  }

  async #remove(): Promise<void> {
    const { container, provider } = this.#handle;
    const { lifeline, temporaryImage, engine } = this.#init;
    for (const process of this.#processes) process.sandboxEnds();
    await removeContainer(container);
    lifeline?.close();
    for (const process of this.#processes) process.containerRemoved();
    if (temporaryImage !== undefined) {
      // A snapshot of the fork may stand on it; then it goes with that one, or when nothing uses it any more.
      await removeImage(engine, provider, temporaryImage).catch(() => undefined);
    }
  }

  /** Somebody else created the sandbox: tells its main process about the new time. */
  async #renew(seconds: number): Promise<void> {
    const { provider } = this.#handle;
    const argv = renewCommand(seconds, randomUUID());
    const renewal = await this.spawn({ argv, cwd: "/", user: "0:0", stdin: "ignore" });
    const { code } = await renewal.exited;
    if (code === 0) return;
    throw new SandboxAgentError(
      "unsupported",
      code === stillHeldCode
        ? `The sandbox ${provider}/${this.id} cannot be given a time to live: the process that created it still holds it.`
        : `The sandbox ${provider}/${this.id} cannot be given another time to live.`,
      { details: { subject: provider, feature: "detach" } },
    );
  }
}
