import {
  type Availability,
  type CreateOptions,
  type Labels,
  type SandboxInfo,
  type SandboxProvider,
  type SandboxSpec,
  type SnapshotStore,
  objectField,
  parseJson,
  stringField,
} from "../../src/kit.ts";
import type { CliImage } from "../container-cli/cli-kind.ts";
import { CliContainers } from "../container-cli/cli-provider.ts";
import { CliRefusal, ContainerCli } from "../container-cli/container-cli.ts";
import type { ContainerSettings } from "../container-engine/container-options.ts";
import { EngineProvider } from "../container-engine/engine-provider.ts";
import { type EngineSandbox, engineAbilities } from "../container-engine/engine-sandbox.ts";
import { labelsIn } from "../container-engine/inherited-labels.ts";
import { imageUnavailable } from "../container-engine/pull-image.ts";
import { installation, podmanCli } from "./cli-kind.ts";
import { PodmanCliSandbox, PodmanCliSnapshots } from "./cli-sandbox.ts";

type Way = Pick<SandboxProvider<EngineSandbox>, "check" | "create" | "connect" | "list"> & {
  readonly snapshots?: SnapshotStore;
};

interface Choice {
  readonly way: Way;
  readonly isFinal: boolean;
}

const cliTimeoutMs = 60_000;
const pullTimeoutMs = 30 * 60_000;

/** Chooses at the first use between a socket and the `podman` command. */
export class PodmanProvider implements SandboxProvider<EngineSandbox> {
  readonly name = "podman";
  readonly capabilities;
  readonly snapshots: SnapshotStore;
  readonly #settings: ContainerSettings;
  readonly #socket: EngineProvider;
  readonly #cli: boolean | undefined;
  #choice: Promise<Choice> | undefined;

  constructor(settings: ContainerSettings, cli: boolean | undefined) {
    this.#settings = settings;
    this.#cli = cli;
    this.#socket = new EngineProvider(settings);
    this.capabilities = { ...this.#socket.capabilities, abilities: engineAbilities };
    this.snapshots = {
      find: async (name) => (await this.#chosen()).snapshots?.find(name),
      remove: async (id) => (await this.#chosen()).snapshots?.remove(id),
    };
  }

  async check(): Promise<Availability> {
    return (await this.#chosen()).check();
  }

  async create(spec: SandboxSpec, options: CreateOptions = {}): Promise<EngineSandbox> {
    options.signal?.throwIfAborted();
    return (await this.#chosen()).create(spec, options);
  }

  async connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    options: CreateOptions = {},
  ): Promise<EngineSandbox> {
    options.signal?.throwIfAborted();
    return (await this.#chosen()).connect(id, spec, options);
  }

  async *list(filter?: { readonly labels?: Labels }): AsyncIterable<SandboxInfo> {
    yield* (await this.#chosen()).list(filter);
  }

  describe() {
    return { ...this.#socket.describe(), ...(this.#cli === undefined ? {} : { cli: this.#cli }) };
  }

  /** What was found once is kept; what failed is looked for again. */
  async #chosen(): Promise<Way> {
    const choice = (this.#choice ??= this.#choose());
    const { way, isFinal } = await choice;
    if (!isFinal && this.#choice === choice) this.#choice = undefined;
    return way;
  }

  async #choose(): Promise<Choice> {
    const bySocket: Choice = { way: this.#socket, isFinal: true };
    if (this.#cli === true) return { way: this.#byCommand(), isFinal: true };
    const { socketPath, host } = this.#settings;
    const isNamed =
      socketPath !== undefined || host !== undefined || (process.env["CONTAINER_HOST"] ?? "") !== "";
    if (this.#cli === false || isNamed) return bySocket;
    if ((await this.#socket.check()).available) return bySocket;
    const command = this.#byCommand();
    if ((await command.check()).available) return { way: command, isFinal: true };
    // Its error lists the sockets that were tried.
    return { ...bySocket, isFinal: false };
  }

  #byCommand(): Way {
    const settings = this.#settings;
    const cli = new ContainerCli({
      program: "podman",
      provider: "podman",
      installation,
      timeoutMs: cliTimeoutMs,
    });
    const containers: CliContainers<PodmanCliSandbox> = new CliContainers<PodmanCliSandbox>({
      kind: podmanCli,
      cli,
      settings,
      imageFacts: (image) => imageFacts(cli, settings, image),
      makeSandbox: (machine, spec) =>
        new PodmanCliSandbox(machine, {
          cli,
          settings,
          spec,
          create: (another) => containers.create(another),
        }),
    });
    return Object.assign(containers, { snapshots: new PodmanCliSnapshots(cli) });
  }
}

async function imageFacts(cli: ContainerCli, settings: ContainerSettings, image: string): Promise<CliImage> {
  const isOwn = image === settings.image;
  if (isOwn && settings.pull === "always") await pull(cli, settings);
  let answer = await cli.run(["image", "inspect", image]);
  if (answer.code !== 0 && isOwn && settings.pull === "missing") {
    await pull(cli, settings);
    answer = await cli.run(["image", "inspect", image]);
  }
  if (answer.code !== 0) throw imageUnavailable(image, new CliRefusal("podman image", answer).words);
  const parsed = parseJson(answer.stdout);
  const config = objectField(Array.isArray(parsed) ? parsed[0] : undefined, "Config");
  return { user: stringField(config, "User") ?? "", labels: labelsIn(config) };
}

async function pull(cli: ContainerCli, { image, platform }: ContainerSettings): Promise<void> {
  const args = ["pull", "--quiet", ...(platform === undefined ? [] : ["--platform", platform]), image];
  const answer = await cli.run(args, { timeoutMs: pullTimeoutMs });
  if (answer.code === 0) return;
  throw imageUnavailable(image, new CliRefusal("podman pull", answer).words);
}

/** @throws TypeError for what the command cannot be told. */
export function checkCliOptions(options: { readonly [name: string]: unknown }): void {
  for (const name of ["socketPath", "host", "tls", "registryAuth"]) {
    if (options[name] === undefined) continue;
    const why =
      name === "registryAuth" ? "log in with `podman login`" : "the command finds its engine by itself";
    throw new TypeError(`podman(): option ${JSON.stringify(name)} cannot go with "cli": ${why}.`);
  }
}
