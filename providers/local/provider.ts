import { readdir, realpath } from "node:fs/promises";
import {
  SandboxAgentError,
  type Availability,
  type CreateOptions,
  type Environment,
  type JsonObject,
  type Labels,
  type Sandbox,
  type SandboxCapabilities,
  type SandboxInfo,
  type SandboxProvider,
  type SandboxSpec,
} from "../../src/kit.ts";
import { startAnchor } from "./anchor.ts";
import { probeBubblewrap, type NamespaceTools, type ProbeResult } from "./bubblewrap.ts";
import { planFolders, temporaryFolder } from "./folders.ts";
import { hostEnvironment } from "./host-environment.ts";
import { createFolders, defaultRoot, isSandboxId, layoutOf, newSandboxId, type Layout } from "./layout.ts";
import { planMounts } from "./mounts.ts";
import { Namespaces } from "./namespaces.ts";
import type { LocalSettings } from "./options.ts";
import { destroySandbox, LocalSandbox } from "./sandbox.ts";
import { removeStaleFolders } from "./stale-folders.ts";
import { readState, writeState, type SandboxState } from "./state.ts";
import { isWatcherAlive, type Watcher } from "./watcher.ts";

const notLinux =
  "local() needs Linux: its promises about process trees rest on /proc, and its isolation on namespaces.";

export class LocalProvider implements SandboxProvider {
  readonly name = "local";
  readonly capabilities: SandboxCapabilities;
  readonly #settings: LocalSettings;
  #probe: Promise<ProbeResult> | undefined;
  #tidied: Promise<void> | undefined;

  constructor(settings: LocalSettings) {
    this.#settings = settings;
    this.capabilities = {
      stdin: "native",
      signals: "native",
      users: "none",
      files: "native",
      detach: "native",
      renewsExpiry: true,
      diesWithHost: "native",
      backpressure: "native",
      isolation: settings.isolation === "none" ? "none" : "namespaces",
    };
  }

  async check(): Promise<Availability> {
    return (await this.#examine()).availability;
  }

  async create(spec: SandboxSpec, options: CreateOptions = {}): Promise<Sandbox> {
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    onProgress?.({ phase: "create", message: "Creating a local sandbox." });
    const tools = await this.#tools();
    signal?.throwIfAborted();
    const root = await this.#root();
    const layout = layoutOf(root, newSandboxId());
    let watcher: Watcher | undefined;
    let namespaces: Namespaces | undefined;
    try {
      // What cannot be removed is in nobody's way.
      this.#tidied ??= removeStaleFolders(root).catch(() => undefined);
      const env = this.#environment(spec.env, layout, tools);
      const { folders, cwd } = await planFolders(this.#settings, layout, spec.cwd);
      const mounts =
        tools === undefined ? [] : await planMounts(this.#settings, layout, folders, env["PATH"] ?? "", root);
      await this.#tidied;
      signal?.throwIfAborted();
      // From here to the watcher's start there is nobody who would remove them.
      await createFolders(layout);
      const started = await startAnchor(
        layout,
        this.#settings,
        tools,
        mounts,
        (made) => {
          watcher = made;
        },
        signal,
      );
      signal?.throwIfAborted();
      namespaces = started.anchor && (await Namespaces.open(started.anchor, this.#settings.network));
      const state: SandboxState = {
        id: layout.id,
        labels: { ...this.#settings.labels, ...spec.labels },
        createdAt: Date.now(),
        cwd,
        network: this.#settings.network,
        detached: false,
        folders,
        watcher: started.watcher.identity,
        anchor: started.anchor,
      };
      await writeState(layout, state);
      const sandbox = new LocalSandbox({
        layout,
        state,
        env,
        isolation: namespaces && tools && { namespaces, tools },
        watcher: started.watcher,
      });
      if (spec.cwd !== undefined) await sandbox.files.mkdir(cwd);
      signal?.throwIfAborted();
      onProgress?.({ phase: "ready", message: "The sandbox is ready." });
      return sandbox;
    } catch (error) {
      await namespaces?.close();
      await destroySandbox(layout, watcher?.identity.pid, watcher).catch(() => undefined);
      signal?.throwIfAborted();
      if (SandboxAgentError.is(error) || error instanceof TypeError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new SandboxAgentError("sandbox_create_failed", `The local sandbox could not be created: ${why}`, {
        details: { provider: this.name },
        cause: error,
      });
    }
  }

  async connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    options: CreateOptions = {},
  ): Promise<Sandbox> {
    options.signal?.throwIfAborted();
    const tools = await this.#tools();
    const layout = layoutOf(await this.#root(), id);
    const state = isSandboxId(id) ? await readState(layout) : undefined;
    if (state === undefined || !isWatcherAlive(state.watcher)) throw notFound(id, "It has ended.");
    if ((state.anchor === undefined) !== (tools === undefined)) {
      throw notFound(id, `It was not made with isolation ${JSON.stringify(this.#settings.isolation)}.`);
    }
    let namespaces: Namespaces | undefined;
    if (state.anchor !== undefined) {
      namespaces = await Namespaces.open(state.anchor, state.network).catch((cause: unknown) => {
        throw notFound(id, "It has ended.", cause);
      });
    }
    if (options.signal?.aborted === true) {
      await namespaces?.close();
      options.signal.throwIfAborted();
    }
    const sandbox = new LocalSandbox({
      layout,
      state: spec.cwd === undefined ? state : { ...state, cwd: spec.cwd },
      env: this.#environment(spec.env, layout, tools),
      isolation: namespaces && tools && { namespaces, tools },
      watcher: undefined,
    });
    if (spec.cwd !== undefined) await sandbox.files.mkdir(spec.cwd);
    return sandbox;
  }

  async *list(filter: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const root = this.#settings.root ?? defaultRoot(process.env);
    const names = await readdir(root).catch(() => []);
    for (const id of names.filter(isSandboxId)) {
      const state = await readState(layoutOf(root, id));
      if (state === undefined || !isWatcherAlive(state.watcher)) continue;
      const wanted = Object.entries(filter.labels ?? {});
      if (!wanted.every(([name, value]) => state.labels[name] === value)) continue;
      yield { id, labels: state.labels, createdAt: state.createdAt, running: true };
    }
  }

  describe(): JsonObject {
    const { workspace, root, ...settings } = this.#settings;
    return { ...settings, workspace: workspace ?? null, root: root ?? defaultRoot(process.env) };
  }

  async #examine(): Promise<ProbeResult> {
    if (process.platform !== "linux") {
      return {
        availability: {
          available: false,
          reason: `This is ${process.platform}. ${notLinux}`,
          remedy: "Use another provider, such as docker(), or run the program in a Linux virtual machine.",
        },
      };
    }
    if (this.#settings.isolation === "none") return { availability: { available: true } };
    const probe = (this.#probe ??= probeBubblewrap());
    // What is missing may be installed while the host program runs.
    const result = await probe;
    if (!result.availability.available && this.#probe === probe) this.#probe = undefined;
    return result;
  }

  /** `undefined` where no isolation was asked for. */
  async #tools(): Promise<NamespaceTools | undefined> {
    const { availability, tools } = await this.#examine();
    if (!availability.available) {
      throw new SandboxAgentError("provider_unavailable", availability.reason, {
        details: { provider: this.name, tried: this.#settings.isolation === "none" ? [] : ["bwrap"] },
        remedy: availability.remedy,
      });
    }
    return tools;
  }

  async #root(): Promise<string> {
    const root = this.#settings.root ?? defaultRoot(process.env);
    return realpath(root).catch(() => root);
  }

  #environment(env: Environment, layout: Layout, tools: NamespaceTools | undefined): Environment {
    return {
      ...hostEnvironment(process.env, this.#settings.passEnv),
      HOME: layout.home,
      TMPDIR: temporaryFolder(layout, tools !== undefined),
      ...env,
    };
  }
}

function notFound(id: string, why: string, cause?: unknown): SandboxAgentError {
  return new SandboxAgentError("sandbox_not_found", `There is no local sandbox ${id} to connect to. ${why}`, {
    details: { id },
    cause,
  });
}
