import {
  type CreateOptions,
  type Environment,
  type Labels,
  SandboxAgentError,
  type SandboxMount,
  type SandboxProvider,
  type SandboxSpec,
  isDurationMs,
  isString,
  parseBytes,
  validateProviderOptions,
} from "../../src/kit.ts";
import type { CliImage } from "../container-cli/cli-kind.ts";
import type { CliSettings } from "../container-cli/cli-options.ts";
import { CliContainers, cliCapabilities } from "../container-cli/cli-provider.ts";
import { CliRefusal, ContainerCli } from "../container-cli/container-cli.ts";
import { appleCli, installation, userIn } from "./apple-cli.ts";
import { AppleContainer, type AppleSandbox } from "./apple-sandbox.ts";

/** Settings of the provider for Apple's `container`. Everything has a default. */
export interface AppleOptions {
  /** Needs `/bin/sh`; default `"docker.io/library/node:22-bookworm"`. */
  readonly image?: string;
  /** For example `"linux/arm64"`; default: this machine's. */
  readonly platform?: string;
  /** Working directory, created when missing; default `"/workspace"`. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the container's configuration. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes; default: the image's user. */
  readonly user?: string;
  readonly mounts?: readonly SandboxMount[];
  /** Name of a network; default: the one that every container is in. */
  readonly network?: string;
  /** Whole processors; default: the program's. */
  readonly cpus?: number;
  /** Bytes, or a text such as `"512m"` or `"2g"`; default: the program's. */
  readonly memoryBytes?: number | string;
  /** Added to the container's labels; names that begin with `playpen.` are the library's own. */
  readonly labels?: Labels;
  /** How long the program may take to answer, in milliseconds; default 60,000. */
  readonly requestTimeoutMs?: number;
  /** Path of the program; default `"container"`, from the `PATH`. */
  readonly program?: string;
}

const defaultTimeoutMs = 60_000;
const pullTimeoutMs = 30 * 60_000;

/**
 * Makes a provider that runs each sandbox in a container of Apple's `container`, on a Mac with Apple silicon and
 * macOS 26; each is a small virtual machine.
 *
 * @throws TypeError for a wrong option, with its name.
 *
 * @example
 * ```ts
 * import { SandboxAgent } from "playpen";
 * import { apple } from "playpen/apple";
 * import { claude } from "playpen/claude";
 *
 * await using box = await SandboxAgent.start({ sandbox: apple({ memoryBytes: "2g" }), agent: claude() });
 * ```
 */
export function apple(options: AppleOptions = {}): SandboxProvider<AppleSandbox> {
  const settings = resolveAppleOptions(options);
  const { program = "container", requestTimeoutMs: timeoutMs = defaultTimeoutMs } = options;
  const cli = new ContainerCli({ program, provider: "apple", installation, timeoutMs });
  const containers = new CliContainers({
    kind: appleCli,
    cli,
    settings,
    imageFacts: (image) => imageFacts(cli, settings, image),
    makeSandbox: (machine) => new AppleContainer(machine, cli),
  });
  const { image, cwd, network, cpus, memoryBytes } = settings;
  return {
    name: "apple",
    capabilities: { ...cliCapabilities, isolation: "machine", abilities: ["expose"] },
    check: () => containers.check(),
    create: (spec: SandboxSpec, create?: CreateOptions) => containers.create(spec, create),
    connect: (id, spec, create) => containers.connect(id, spec, create),
    list: (filter) => containers.list(filter),
    describe: () => ({
      image,
      cwd,
      ...(network === undefined ? {} : { network }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    }),
  };
}

function resolveAppleOptions(options: AppleOptions): CliSettings {
  validateProviderOptions("apple()", options, {
    takes: ["image", "cwd", "env", "user", "mounts", "cpus", "memoryBytes", "labels"],
    refuses: {
      template: 'give the name of an image with "image"',
      snapshot: "the program has no snapshots",
      diskBytes: "the program has no limit for it",
      pidsLimit: "the program has no limit for it",
      timeoutMs: "a container lives as long as its host process, or until the time given to detach()",
      region: "it runs on this machine",
    },
    own: { platform: isString, network: isString, program: isString, requestTimeoutMs: isDurationMs },
  });
  const { cpus, memoryBytes, program: _program, requestTimeoutMs: _timeout, ...rest } = options;
  if (cpus !== undefined && !Number.isInteger(cpus)) {
    throw new TypeError(`apple(): option "cpus" must be a whole number, received ${String(cpus)}.`);
  }
  const given = Object.fromEntries(Object.entries<unknown>(rest).filter(([, value]) => value !== undefined));
  return {
    image: "docker.io/library/node:22-bookworm",
    cwd: "/workspace",
    env: {},
    mounts: [],
    ports: [],
    labels: {},
    ...given,
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes: parseBytes(memoryBytes) ?? 0 }),
  };
}

async function imageFacts(cli: ContainerCli, { platform }: CliSettings, image: string): Promise<CliImage> {
  let answer = await cli.run(["image", "inspect", image]);
  if (answer.code !== 0) {
    const args = ["image", "pull", ...(platform === undefined ? [] : ["--platform", platform]), image];
    const pulled = await cli.run(args, { timeoutMs: pullTimeoutMs });
    if (pulled.code !== 0) {
      const { words } = new CliRefusal("container image", pulled);
      throw new SandboxAgentError(
        "image_unavailable",
        `The image ${JSON.stringify(image)} cannot be used: ${words}`,
        {
          details: { image },
        },
      );
    }
    answer = await cli.run(["image", "inspect", image]);
  }
  return { user: userIn(answer.stdout), labels: {} };
}
