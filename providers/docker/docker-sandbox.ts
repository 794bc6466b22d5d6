import { randomUUID } from "node:crypto";
import type Dockerode from "dockerode";
import {
  type Command,
  type Environment,
  type Labels,
  type Sandbox,
  SandboxAgentError,
  type SandboxFiles,
  filesFromSpawn,
} from "../../src/kit.ts";
import { lost, providerName, removalFailure, removeContainer } from "./container-state.ts";
import { type DockerProcess, startProcess } from "./docker-process.ts";
import type { Lifeline } from "./lifeline.ts";
import { renewCommand, stillHeldCode } from "./main-process.ts";

export interface DockerSandboxInit {
  readonly container: Dockerode.Container;
  readonly cwd: string;
  readonly labels: Labels;
  readonly user: string;
  readonly env: Environment;
  /** Present in the process that created the sandbox. */
  readonly lifeline?: Lifeline;
}

export class DockerSandbox implements Sandbox {
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly files: SandboxFiles;
  readonly #container: Dockerode.Container;
  readonly #user: string;
  readonly #env: Environment;
  readonly #lifeline: Lifeline | undefined;
  readonly #processes = new Set<DockerProcess>();
  #closed: "detached" | "destroyed" | undefined;
  #destroyed: Promise<void> | undefined;

  constructor(init: DockerSandboxInit) {
    this.id = init.container.id;
    this.cwd = init.cwd;
    this.labels = init.labels;
    this.#container = init.container;
    this.#user = init.user;
    this.#env = init.env;
    this.#lifeline = init.lifeline;
    this.files = filesFromSpawn((command, options) => this.spawn(command, options), { cwd: init.cwd });
  }

  async spawn(command: Command, options: { readonly signal?: AbortSignal } = {}): Promise<DockerProcess> {
    options.signal?.throwIfAborted();
    this.#assertOpen();
    const resolved = {
      ...command,
      cwd: command.cwd ?? this.cwd,
      user: command.user ?? this.#user,
      env: { ...this.#env, ...command.env },
    };
    const started = await startProcess(this.#container, resolved, options.signal);
    this.#processes.add(started);
    const forget = (): void => {
      this.#processes.delete(started);
    };
    started.exited.then(forget, forget);
    return started;
  }

  async detach(options: { readonly ttlMs: number }): Promise<void> {
    const seconds = Math.max(1, Math.ceil(options.ttlMs / 1000));
    this.#assertOpen();
    if (this.#lifeline === undefined) {
      await this.#renew(seconds);
    } else {
      await this.#lifeline.letGo(seconds).catch((error: unknown) => {
        throw lost(this.id, "It has ended already.", error);
      });
    }
    this.#closed = "detached";
  }

  destroy(): Promise<void> {
    // A sandbox that was let go of belongs to whoever connects to it, and is not to end with the block that made it.
    if (this.#closed === "detached") return Promise.resolve();
    this.#closed = "destroyed";
    this.#destroyed ??= this.#remove().catch((error: unknown) => {
      this.#destroyed = undefined;
      throw removalFailure(this.id, error);
    });
    return this.#destroyed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  #assertOpen(): void {
    if (this.#closed === undefined) return;
    throw new SandboxAgentError(
      "sandbox_closed",
      `The sandbox ${providerName}/${this.id} was ${this.#closed} and cannot be used any more.`,
      { details: { id: this.id } },
    );
  }

  async #remove(): Promise<void> {
    for (const process of this.#processes) process.sandboxEnds();
    await removeContainer(this.#container);
    this.#lifeline?.close();
    for (const process of this.#processes) process.containerRemoved();
  }

  /** Somebody else created the sandbox: tells its main process about the new time. */
  async #renew(seconds: number): Promise<void> {
    const argv = renewCommand(seconds, randomUUID());
    const renewal = await this.spawn({ argv, cwd: "/", user: "0:0", stdin: "ignore" });
    const { code } = await renewal.exited;
    if (code === 0) return;
    throw new SandboxAgentError(
      "unsupported",
      code === stillHeldCode
        ? `The sandbox ${providerName}/${this.id} cannot be given a time to live: the process that created it still holds it.`
        : `The sandbox ${providerName}/${this.id} cannot be given another time to live.`,
      { details: { subject: providerName, feature: "detach" } },
    );
  }
}
