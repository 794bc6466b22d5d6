import {
  type ExposedPort,
  type FileOptions,
  type Labels,
  type NetworkPolicy,
  RemoteSandbox,
  SandboxAgentError,
  type SandboxMetrics,
  type SandboxSpec,
  type Snapshot,
  type SnapshotOptions,
  type SnapshotStore,
  type Terminal,
  type TerminalOptions,
  parseJson,
} from "../../src/kit.ts";
import type { CliMachine } from "../container-cli/cli-machine.ts";
import { CliRefusal, type ContainerCli } from "../container-cli/container-cli.ts";
import { Networks } from "../container-engine/container-networks.ts";
import type { ContainerSettings } from "../container-engine/container-options.ts";
import { isNotPaused, isPausedAlready } from "../container-engine/engine-errors.ts";
import type { EngineSandbox } from "../container-engine/engine-sandbox.ts";
import { checkSnapshotName, imageChanges, repository } from "../container-engine/snapshots.ts";
import { openCliTerminal } from "./cli-terminal.ts";

export interface PodmanCliSandboxInit {
  readonly cli: ContainerCli;
  readonly settings: ContainerSettings;
  readonly spec: SandboxSpec;
  readonly create: (spec: SandboxSpec) => Promise<PodmanCliSandbox>;
}

const statsFormat = ["MemUsage", "MemLimit", "PIDs", "CPU"]
  .map((name) => `{{.ContainerStats.${name}}}`)
  .join(" ");

/** A container of Podman's, by the `podman` command. */
export class PodmanCliSandbox extends RemoteSandbox implements EngineSandbox {
  readonly #machine: CliMachine;
  readonly #init: PodmanCliSandboxInit;
  readonly #networks: Networks;
  #temporaryImage: string | undefined;

  constructor(machine: CliMachine, init: PodmanCliSandboxInit) {
    super(machine);
    this.#machine = machine;
    this.#init = init;
    const network = (action: string) => (name: string) => init.cli.ask(["network", action, name, machine.id]);
    this.#networks = new Networks(init.settings, {
      containerId: machine.id,
      inspect: async () => {
        const parsed = parseJson(await init.cli.ask(["container", "inspect", machine.id]));
        return Array.isArray(parsed) ? (parsed[0] as unknown) : undefined;
      },
      connect: network("connect"),
      disconnect: network("disconnect"),
    });
  }

  async snapshot({ name, signal }: SnapshotOptions = {}): Promise<Snapshot> {
    this.assertOpen();
    checkSnapshotName(name);
    signal?.throwIfAborted();
    return this.#commit(false, name);
  }

  async pause(): Promise<void> {
    this.assertOpen();
    await this.#asked(["pause", this.id], isPausedAlready);
  }

  async resume(): Promise<void> {
    this.assertOpen();
    await this.#asked(["unpause", this.id], isNotPaused);
  }

  async fork(
    options: { readonly labels?: Labels; readonly signal?: AbortSignal } = {},
  ): Promise<PodmanCliSandbox> {
    this.assertOpen();
    const { labels = {}, signal } = options;
    const { cli, create } = this.#init;
    // Those of forks that ended without their host.
    const unused = ["--filter=label=playpen.temporary=yes", "--filter=until=10m"];
    await cli.run(["image", "prune", "--force", ...unused]);
    const { id } = await this.#commit(true);
    try {
      signal?.throwIfAborted();
      const spec = { cwd: this.cwd, env: this.#machine.env, snapshot: id };
      const fork = await create({ ...spec, labels: { ...this.labels, ...labels } });
      fork.#temporaryImage = id;
      if (signal?.aborted !== true) return fork;
      await fork.destroy();
      throw signal.reason;
    } catch (error) {
      await cli.run(["image", "rm", id]);
      throw error;
    }
  }

  async expose(port: number, options: FileOptions = {}): Promise<ExposedPort> {
    this.assertOpen();
    return this.#networks.expose(port, options.signal);
  }

  async setNetworkPolicy(policy: NetworkPolicy): Promise<void> {
    this.assertOpen();
    await this.#networks.setPolicy(policy);
  }

  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    options.signal?.throwIfAborted();
    this.assertOpen();
    return openCliTerminal(this, this.#machine, this.#init.cli, options);
  }

  async metrics(): Promise<SandboxMetrics> {
    this.assertOpen();
    const output = await this.#asked(["stats", "--no-stream", "--format", statsFormat, this.id]);
    const [memoryBytes, memoryLimitBytes, processes, percent] = output.trim().split(" ").map(Number);
    const measures = { memoryBytes, memoryLimitBytes, processes, cpus: (percent ?? Number.NaN) / 100 };
    return Object.fromEntries(Object.entries(measures).filter(([, value]) => Number.isFinite(value)));
  }

  override async destroy(): Promise<void> {
    await super.destroy();
    const image = this.#temporaryImage;
    this.#temporaryImage = undefined;
    // A snapshot of the fork may stand on it; then it goes with that one.
    if (image !== undefined) await this.#init.cli.run(["image", "rm", image]);
  }

  async #commit(temporary: boolean, name?: string): Promise<Snapshot> {
    const changes = imageChanges(this.#machine.user ?? "", temporary).map((change) => `--change=${change}`);
    const named = name === undefined ? [] : [`${repository}:${name}`];
    const output = await this.#asked(["commit", "--quiet", "--pause", ...changes, this.id, ...named]);
    return { id: output.trim() };
  }

  async #asked(args: readonly string[], isDone: (error: unknown) => boolean = () => false): Promise<string> {
    try {
      return await this.#init.cli.ask(args, { timeoutMs: 10 * 60_000 });
    } catch (error) {
      if (!(error instanceof CliRefusal) || isDone(error)) {
        if (SandboxAgentError.is(error)) throw error;
        return "";
      }
      throw podmanFailure(error);
    }
  }
}

function podmanFailure(error: CliRefusal): SandboxAgentError<"provider_failed"> {
  return new SandboxAgentError("provider_failed", `Podman refused: ${error.words}`, {
    details: { provider: "podman" },
    cause: error,
  });
}

/** The snapshots that Podman keeps, by the `podman` command. */
export class PodmanCliSnapshots implements SnapshotStore {
  readonly #cli: ContainerCli;

  constructor(cli: ContainerCli) {
    this.#cli = cli;
  }

  async find(name: string): Promise<Snapshot | undefined> {
    const args = ["image", "inspect", "--format", "{{.Id}}", `${repository}:${name}`];
    const { code, stdout } = await this.#cli.run(args);
    return code === 0 ? { id: stdout.trim() } : undefined;
  }

  async remove(id: string): Promise<void> {
    try {
      // By force it would remove the sandboxes that use it, too.
      await this.#cli.ask(["image", "rm", id]);
    } catch (error) {
      if (!(error instanceof CliRefusal)) throw error;
      if (/not known|no such/i.test(error.words)) return;
      throw podmanFailure(error);
    }
  }
}
