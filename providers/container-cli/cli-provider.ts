import {
  type Availability,
  type CreateOptions,
  type Labels,
  type RemoteSandbox,
  SandboxAgentError,
  type SandboxCapabilities,
  type SandboxInfo,
  type SandboxSpec,
  mainCommand,
  makeFolderCommand,
  parseJson,
  undoneWhenAborted,
  hasLabels,
  sandboxNotFound,
  unavailable,
} from "../../src/kit.ts";
import type { CliContainer, CliImage, CliKind } from "./cli-kind.ts";
import { CliLifeline } from "./cli-lifeline.ts";
import { CliMachine } from "./cli-machine.ts";
import { type CliSettings, ownLabelName } from "./cli-options.ts";
import { CliRefusal, type ContainerCli } from "./container-cli.ts";

const containerId = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** An image may have to be fetched. */
const createTimeoutMs = 30 * 60_000;

export const cliCapabilities: SandboxCapabilities = {
  stdin: "native",
  signals: "emulated",
  users: "native",
  files: "emulated",
  detach: "native",
  diesWithHost: "native",
  backpressure: "native",
  isolation: "container",
};

/** Containers by an engine's program. `makeSandbox` adds what the engine can do beside the rest. */
export class CliContainers<Box extends RemoteSandbox> {
  readonly #kind: CliKind;
  readonly #cli: ContainerCli;
  readonly #settings: CliSettings;
  readonly #makeSandbox: (machine: CliMachine, spec: SandboxSpec) => Box;
  readonly #imageFacts: (image: string) => Promise<CliImage>;

  constructor(options: {
    readonly kind: CliKind;
    readonly cli: ContainerCli;
    readonly settings: CliSettings;
    readonly makeSandbox: (machine: CliMachine, spec: SandboxSpec) => Box;
    /** Asked before a container is created; gets the image where that is needed. */
    readonly imageFacts: (image: string) => Promise<CliImage>;
  }) {
    this.#kind = options.kind;
    this.#cli = options.cli;
    this.#settings = options.settings;
    this.#makeSandbox = options.makeSandbox;
    this.#imageFacts = options.imageFacts;
  }

  async check(): Promise<Availability> {
    try {
      const version = (await this.#cli.ask(this.#kind.versionArgs)).trim();
      // The list needs what the version does not: a service, or a machine.
      await this.#cli.ask(this.#kind.listArgs);
      return { available: true, version };
    } catch (error) {
      return unavailable(error, { other: this.#kind.installation });
    }
  }

  async create(spec: SandboxSpec, { signal, onProgress }: CreateOptions = {}): Promise<Box> {
    signal?.throwIfAborted();
    onProgress?.({ phase: "create", message: `Creating a container from ${this.#image(spec)}` });
    const box = this.#start(spec, signal);
    return undoneWhenAborted(box, signal, (unwanted) => unwanted.destroy());
  }

  async connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    options: CreateOptions = {},
  ): Promise<Box> {
    options.signal?.throwIfAborted();
    const found = await this.#find(id);
    const { labels, args = [] } = found;
    const [originalCwd = this.#settings.cwd, originalUser = ""] = args.slice(-2);
    const cwd = spec.cwd ?? originalCwd;
    const user = this.#settings.user ?? originalUser;
    const env = { ...this.#settings.env, ...spec.env };
    const machine = new CliMachine({
      cli: this.#cli,
      kind: this.#kind,
      id: found.id,
      cwd,
      labels,
      env,
      user,
    });
    const box = this.#makeSandbox(machine, { ...spec, env, labels });
    if (cwd === originalCwd) return box;
    const argv = makeFolderCommand(cwd, user);
    const preparation = await box.spawn({ argv, cwd: "/", user: "0:0", stdin: "ignore" }, options);
    const { code } = await preparation.exited;
    if (code === 0) return box;
    throw new SandboxAgentError("file_failed", `The working directory ${cwd} could not be made.`, {
      details: { operation: "mkdir", path: cwd },
    });
  }

  async *list(filter: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const wanted = { ...filter.labels, [ownLabelName]: this.#kind.name };
    for (const { id, labels, running, createdAt } of await this.#listed()) {
      if (!hasLabels(labels, wanted)) continue;
      yield { id, labels, running, ...(createdAt === undefined ? {} : { createdAt }) };
    }
  }

  async #listed(): Promise<readonly CliContainer[]> {
    let output: string;
    try {
      output = await this.#cli.ask(this.#kind.listArgs);
    } catch (error) {
      throw this.#unavailable(error);
    }
    const parsed = this.#kind.parseList(output);
    if (parsed === undefined) throw this.#notUnderstood("a list of containers", output);
    return parsed;
  }

  async #find(id: string): Promise<CliContainer> {
    // Anything else could be an option.
    if (!containerId.test(id)) throw sandboxNotFound(this.#kind.name, id, "That is no container's id.");
    const { code, stdout } = await this.#cli.run(this.#kind.inspectArgs(id));
    if (code === 0 && parseJson(stdout) === undefined) throw this.#notUnderstood("a container", stdout);
    const found = code === 0 ? this.#kind.parseInspect(stdout) : undefined;
    if (found === undefined) throw sandboxNotFound(this.#kind.name, id, "There is no such container.");
    if (found.labels[ownLabelName] !== this.#kind.name)
      throw sandboxNotFound(this.#kind.name, id, "There is such a container, but it is no sandbox.");
    if (!found.running) throw sandboxNotFound(this.#kind.name, id, "It has ended.");
    return found;
  }

  #image({ snapshot }: SandboxSpec): string {
    return snapshot ?? this.#settings.image;
  }

  async #start(spec: SandboxSpec, signal: AbortSignal | undefined): Promise<Box> {
    const settings = this.#settings;
    const image = this.#image(spec);
    const cwd = spec.cwd ?? settings.cwd;
    const labels = { ...settings.labels, ...spec.labels, [ownLabelName]: this.#kind.name };
    const facts = await this.#imageFacts(image);
    const user = settings.user ?? facts.user;
    signal?.throwIfAborted();
    const [shell = "", ...script] = mainCommand(cwd, user).entrypoint;
    const id = await this.#created(
      [...this.#kind.createArgs(settings, labels, facts), "--entrypoint", shell, image, ...script, cwd, user],
      image,
    );
    const lifeline = new CliLifeline(this.#cli.start(this.#kind.startArgs(id)));
    const env = { ...settings.env, ...spec.env };
    const machine = new CliMachine({
      cli: this.#cli,
      kind: this.#kind,
      id,
      cwd,
      labels,
      env,
      user,
      lifeline,
    });
    try {
      await lifeline.ready();
      return this.#makeSandbox(machine, spec);
    } catch (error) {
      // Its failure must not mask the first error.
      await machine.destroy().catch(() => undefined);
      lifeline.close();
      throw this.#createFailure(image, error);
    }
  }

  async #created(args: readonly string[], image: string): Promise<string> {
    try {
      const output = await this.#cli.ask(["create", ...args], { timeoutMs: createTimeoutMs });
      const id = output.trim().split("\n").at(-1) ?? "";
      if (!containerId.test(id)) throw this.#notUnderstood("the id of a container", output);
      return id;
    } catch (error) {
      throw this.#createFailure(image, error);
    }
  }

  #createFailure(image: string, cause: unknown): SandboxAgentError {
    if (SandboxAgentError.is(cause)) return cause;
    const words = cause instanceof CliRefusal ? cause.words : String(cause);
    const isOfImage =
      /image not known|manifest unknown|initializing source|image.*not found|unable to find|pull|reference/i;
    if (isOfImage.test(words)) {
      return new SandboxAgentError(
        "image_unavailable",
        `The image ${JSON.stringify(image)} cannot be used: ${words}`,
        {
          details: { image },
          cause,
        },
      );
    }
    return new SandboxAgentError(
      "sandbox_create_failed",
      `The container could not be created from ${JSON.stringify(image)}: ${words}`,
      { details: { provider: this.#kind.name }, cause },
    );
  }

  #notUnderstood(what: string, output: string): SandboxAgentError<"provider_failed"> {
    const { name, title } = this.#kind;
    const words = `${title} was asked for ${what}, and answered ${JSON.stringify(output.slice(0, 200))}.`;
    return new SandboxAgentError("provider_failed", words, { details: { provider: name } });
  }

  #unavailable(cause: unknown): SandboxAgentError {
    if (SandboxAgentError.is(cause)) return cause;
    return new SandboxAgentError(
      "provider_unavailable",
      `${this.#kind.title} does not answer: ${String(cause)}`,
      {
        details: { provider: this.#kind.name },
        cause,
        remedy: this.#kind.installation,
      },
    );
  }
}
