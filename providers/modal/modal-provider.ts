import { randomBytes } from "node:crypto";
import type { App, ModalClient, Sandbox as VendorSandbox } from "modal";
import {
  type Availability,
  type CreateOptions,
  type Labels,
  SandboxAgentError,
  type SandboxCapabilities,
  type SandboxInfo,
  type SandboxProvider,
  type SandboxSpec,
  abortable,
  leaseCommand,
  refusedSafely,
  retriedWhenRefused,
  settlesWithin,
  undoneWhenAborted,
  sandboxNotFound,
  unavailable,
} from "../../src/kit.ts";
import { loadModal } from "./load-modal.ts";
import { isNotFound, modalFailure, providerName } from "./modal-errors.ts";
import { ModalMachine, isRunning, terminate } from "./modal-machine.ts";
import { type ModalOptions, type ModalSettings, resolveModalOptions } from "./modal-options.ts";
import { ModalSandbox } from "./modal-sandbox.ts";
import { ModalSnapshots, imageOf } from "./modal-snapshots.ts";
import { factsOf, tagsOf } from "./modal-tags.ts";
import { LostConnections } from "./reach.ts";

/**
 * Makes a provider that runs each sandbox in a sandbox of Modal.
 *
 * It ends by itself five minutes (`timeoutMs`) after its host was last heard of, and a day after it was made at the
 * latest, which is the vendor's limit. The token is taken from the options, the environment or the vendor's own file.
 *
 * @throws TypeError for a wrong option, with its name.
 *
 * @example
 * ```ts
 * import { SandboxAgent } from "playpen";
 * import { claude } from "playpen/claude";
 * import { modal } from "playpen/modal";
 *
 * await using box = await SandboxAgent.start({
 *   sandbox: modal({ image: "node:22-bookworm", cpus: 2, memoryBytes: "4g" }),
 *   agent: claude(),
 * });
 * ```
 */
export function modal(options: ModalOptions = {}): SandboxProvider<ModalSandbox> {
  return new ModalProvider(resolveModalOptions(options));
}

const cleanUpMs = 10_000;

class ModalProvider implements SandboxProvider<ModalSandbox> {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities = {
    stdin: "native",
    signals: "emulated",
    users: "emulated",
    files: "emulated",
    detach: "emulated",
    diesWithHost: "emulated",
    backpressure: "none",
    isolation: "machine",
    abilities: ["snapshot", "expose", "terminal", "network-policy"],
  };
  readonly snapshots = new ModalSnapshots(() => this.#connected());
  readonly #settings: ModalSettings;
  readonly #connections = new LostConnections();
  #client: Promise<ModalClient> | undefined;
  #app: Promise<App> | undefined;

  constructor(settings: ModalSettings) {
    this.#settings = settings;
  }

  async check(): Promise<Availability> {
    try {
      const client = await this.#connected();
      await client.apps.fromName(this.#settings.app).catch((error: unknown) => {
        // It is made with the first sandbox.
        if (!isNotFound(error)) throw error;
      });
      return { available: true };
    } catch (error) {
      return unavailable(modalFailure({ action: "look for the app" }, error), {
        other: "Look at the reason.",
      });
    }
  }

  async create(spec: SandboxSpec, options: CreateOptions = {}): Promise<ModalSandbox> {
    const { signal } = options;
    signal?.throwIfAborted();
    const client = await abortable(this.#connected(), signal);
    // Chosen here, so that a sandbox of which nothing was heard can be removed all the same.
    const name = `playpen-${randomBytes(10).toString("hex")}`;
    return undoneWhenAborted(this.#create(client, name, spec, options), signal, (unwanted) =>
      unwanted.destroy(),
    );
  }

  async connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    { signal }: CreateOptions = {},
  ): Promise<ModalSandbox> {
    signal?.throwIfAborted();
    if (!/^sb-[A-Za-z0-9-]+$/.test(id)) throw sandboxNotFound(providerName, id, "That is no sandbox's id.");
    const client = await abortable(this.#connected(), signal);
    const connected = this.#request({ action: "connect to a sandbox", id }, async () => {
      const sandbox = await client.sandboxes.fromId(id);
      if (!(await isRunning(sandbox))) throw sandboxNotFound(providerName, id, "It has ended, or never was.");
      const facts = factsOf(await sandbox.getTags());
      if (facts === undefined)
        throw sandboxNotFound(providerName, id, "There is such a sandbox, but it is not this library's.");
      const cwd = spec.cwd ?? facts.cwd ?? this.#settings.cwd;
      const machine = await ModalMachine.prepare(sandbox, {
        connections: this.#connections,
        settings: this.#settings,
        labels: facts.labels,
        env: { ...this.#settings.env, ...spec.env },
        isOwn: false,
        ...(cwd === undefined ? {} : { cwd }),
      });
      return new ModalSandbox(machine, this.snapshots);
    });
    return abortable(connected, signal);
  }

  async *list({ labels = {} }: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const client = await this.#connected();
    const facts = { action: "list sandboxes" };
    try {
      const { appId } = await this.#ownApp(client);
      for await (const sandbox of client.sandboxes.list({ appId, tags: tagsOf(labels) })) {
        // One that has ended meanwhile has none.
        const tags = await sandbox.getTags().catch((error: unknown) => {
          if (isNotFound(error)) return {};
          throw error;
        });
        const own = factsOf(tags);
        if (own !== undefined) yield { id: sandbox.sandboxId, labels: own.labels, running: true };
      }
    } catch (error) {
      throw modalFailure(facts, error);
    }
  }

  describe() {
    const { app, image, environment, cpus, memoryBytes, region, timeoutMs, maxLifeMs } = this.#settings;
    return {
      app,
      image,
      timeoutMs,
      maxLifeMs,
      ...(environment === undefined ? {} : { environment }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(region === undefined ? {} : { region }),
    };
  }

  async #create(
    client: ModalClient,
    name: string,
    spec: SandboxSpec,
    { signal, onProgress }: CreateOptions,
  ): Promise<ModalSandbox> {
    const image = spec.snapshot ?? this.#settings.image;
    onProgress?.({ phase: "create", message: `Creating a sandbox from ${image}` });
    const facts = { action: "create a sandbox", image };
    let made: VendorSandbox | undefined;
    try {
      made = await retriedWhenRefused(
        () => this.#request(facts, () => this.#requestSandbox(client, name, spec)),
        { signal },
      );
      signal?.throwIfAborted();
      const sandbox = made;
      const cwd = spec.cwd ?? this.#settings.cwd;
      const machine = await this.#request(facts, () =>
        ModalMachine.prepare(sandbox, {
          connections: this.#connections,
          settings: this.#settings,
          labels: { ...this.#settings.labels, ...spec.labels },
          env: { ...this.#settings.env, ...spec.env },
          isOwn: true,
          ...(cwd === undefined ? {} : { cwd }),
        }),
      );
      return new ModalSandbox(machine, this.snapshots);
    } catch (error) {
      if (made !== undefined || !refusedSafely(error)) {
        await settlesWithin(this.#removeByName(client, name, made), cleanUpMs);
      }
      throw error;
    }
  }

  async #requestSandbox(client: ModalClient, name: string, spec: SandboxSpec): Promise<VendorSandbox> {
    const { image, cpus, memoryBytes, region, timeoutMs, maxLifeMs, labels, cwd } = this.#settings;
    const app = await this.#ownApp(client);
    const from =
      spec.snapshot === undefined ? client.images.fromRegistry(image) : await imageOf(client, spec.snapshot);
    return client.sandboxes.create(app, from, {
      name,
      command: [...leaseCommand(timeoutMs)],
      timeoutMs: Math.ceil(Math.min(spec.ttlMs ?? maxLifeMs, maxLifeMs) / 1000) * 1000,
      tags: tagsOf({ ...labels, ...spec.labels }, spec.cwd ?? cwd),
      ...(cpus === undefined ? {} : { cpu: cpus }),
      ...(memoryBytes === undefined ? {} : { memoryMiB: Math.ceil(memoryBytes / 2 ** 20) }),
      ...(region === undefined ? {} : { regions: [region] }),
    });
  }

  async #removeByName(client: ModalClient, name: string, made: VendorSandbox | undefined): Promise<void> {
    const sandbox = made ?? (await client.sandboxes.fromName(this.#settings.app, name));
    await terminate(sandbox);
    sandbox.detach();
  }

  async #ownApp(client: ModalClient): Promise<App> {
    this.#app ??= client.apps
      .fromName(this.#settings.app, { createIfMissing: true })
      .catch((error: unknown) => {
        this.#app = undefined;
        throw error;
      });
    return this.#app;
  }

  async #connected(): Promise<ModalClient> {
    this.#client ??= this.#connect().catch((error: unknown) => {
      this.#client = undefined;
      throw modalFailure({ action: "be used" }, error);
    });
    return this.#client;
  }

  async #connect(): Promise<ModalClient> {
    const { tokenId, tokenSecret, environment, requestTimeoutMs } = this.#settings;
    const { ModalClient: Client } = await loadModal();
    const client = new Client({
      timeoutMs: requestTimeoutMs,
      logger: this.#connections.logger,
      logLevel: "debug",
      grpcMiddleware: [
        async function* inTime(call, options) {
          // These say by themselves how long they wait.
          if (call.responseStream || /\/(SandboxWaitV2|TaskSnapshotFilesystem)$/.test(call.method.path)) {
            return yield* call.next(call.request, options);
          }
          const tooLate = AbortSignal.timeout(requestTimeoutMs);
          const signal = options.signal === undefined ? tooLate : AbortSignal.any([options.signal, tooLate]);
          try {
            return yield* call.next(call.request, { ...options, signal });
          } catch (error) {
            if (!tooLate.aborted) throw error;
            throw noAnswer(call.method.path, requestTimeoutMs, error);
          }
        },
      ],
      ...(tokenId === undefined ? {} : { tokenId }),
      ...(tokenSecret === undefined ? {} : { tokenSecret }),
      ...(environment === undefined ? {} : { environment }),
    });
    const { tokenId: id, tokenSecret: secret, oauthRefreshToken } = client.profile;
    if ((id === undefined || secret === undefined) && oauthRefreshToken === undefined) {
      throw new SandboxAgentError("provider_authentication_failed", "modal() has no token.", {
        details: { provider: providerName, variables: ["MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"] },
        remedy:
          "Set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET to a token made at https://modal.com/settings/tokens.",
      });
    }
    return client;
  }

  async #request<Value>(
    facts: { readonly action: string; readonly id?: string; readonly image?: string },
    request: () => Promise<Value>,
  ): Promise<Value> {
    try {
      return await request();
    } catch (error) {
      throw modalFailure(facts, error);
    }
  }
}

/** No error of the client's own class, so that it does not try again. */
function noAnswer(path: string, timeoutMs: number, cause: unknown): SandboxAgentError<"provider_failed"> {
  const words = `modal did not answer ${path.slice(path.lastIndexOf("/") + 1)} within ${timeoutMs} ms.`;
  return new SandboxAgentError("provider_failed", words, { details: { provider: providerName }, cause });
}
