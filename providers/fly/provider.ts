import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Availability,
  type CreateOptions,
  type JsonObject,
  type Labels,
  SandboxAgentError,
  type SandboxCapabilities,
  type SandboxInfo,
  type SandboxProvider,
  type SandboxSpec,
  refusedSafely,
  undoneWhenAborted,
  hasLabels,
  unavailable,
} from "../../src/kit.ts";
import { folderCommand, machineConfig, notReadyCode } from "./machine-config.ts";
import type { FlySettings } from "./options.ts";
import { FlySandbox, setDeadline } from "./sandbox.ts";
import { type FlyMachine, FlyService, providerName, tokenVariable } from "./service.ts";

/** Looks again until the main process has made its files, which takes a moment after the start. */
const readyAttempts = 50;
const readyPauseMs = 100;

export class FlyProvider implements SandboxProvider<FlySandbox> {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities = {
    stdin: "emulated",
    signals: "emulated",
    users: "emulated",
    files: "emulated",
    detach: "native",
    renewsExpiry: true,
    diesWithHost: "emulated",
    backpressure: "emulated",
    isolation: "machine",
    abilities: ["pause", "extend"],
  };
  readonly #settings: FlySettings;
  readonly #service: FlyService;

  constructor(settings: FlySettings) {
    this.#settings = settings;
    this.#service = new FlyService(settings);
  }

  async check(): Promise<Availability> {
    try {
      await this.#service.list();
      return { available: true };
    } catch (error) {
      return unavailable(error, {
        credential: `Set ${tokenVariable}, or the option \`token\`, to a token of the app (fly tokens create deploy).`,
        other: "Look at the options of fly().",
      });
    }
  }

  async create(spec: SandboxSpec, { signal, onProgress }: CreateOptions = {}): Promise<FlySandbox> {
    signal?.throwIfAborted();
    onProgress?.({ phase: "create", message: `Creating a machine of the app ${this.#settings.app}.` });
    return undoneWhenAborted(this.#create(spec), signal, (unwanted) => unwanted.destroy());
  }

  connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    { signal }: CreateOptions = {},
  ): Promise<FlySandbox> {
    return undoneWhenAborted(this.#connect(id, spec), signal, async () => undefined);
  }

  async *list(filter: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    for (const { id, labels, createdAt, state } of await this.#service.list()) {
      if (!hasLabels(labels, filter.labels)) continue;
      yield { id, labels, running: state === "started", ...(createdAt === undefined ? {} : { createdAt }) };
    }
  }

  describe(): JsonObject {
    const { app, image, region, cpuKind, cpus, memoryMegabytes, timeoutMs, cwd } = this.#settings;
    return { app, image, region: region ?? null, cpuKind, cpus, memoryMegabytes, timeoutMs, cwd };
  }

  async #create(spec: SandboxSpec): Promise<FlySandbox> {
    const { labels: own, cwd: usualCwd, timeoutMs } = this.#settings;
    const labels = { ...own, ...spec.labels };
    const cwd = spec.cwd ?? usualCwd;
    const config = machineConfig(this.#settings, { cwd, labels, lifeMs: spec.ttlMs ?? timeoutMs });
    const name = `playpen-${randomBytes(8).toString("hex")}`;
    let machine: FlyMachine;
    try {
      machine = await this.#service.create(name, config);
    } catch (error) {
      // Refused or not, it may have been made all the same when no answer came that tells.
      if (isUncertain(error)) await this.#removeNamed(name).catch(() => undefined);
      throw error;
    }
    try {
      await this.#service.wait(machine.id, "started");
      return this.#sandbox(machine, spec.env, await this.#makeFolder(machine.id, cwd));
    } catch (error) {
      await this.#service.destroy(machine.id).catch(() => undefined);
      throw SandboxAgentError.is(error, "sandbox_not_found") ? endedEarly(error) : error;
    }
  }

  /** Resolves to where the working directory is. */
  async #makeFolder(id: string, cwd: string): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const { code, stdout, stderr } = await this.#service.run(id, folderCommand(cwd, this.#settings.user));
      if (code === 0) return stdout.replace(/\n$/, "");
      if (code !== notReadyCode) {
        throw new SandboxAgentError("file_failed", `The folder ${cwd} cannot be made: ${stderr.trim()}`, {
          details: { operation: "mkdir", path: cwd },
        });
      }
      if (attempt === readyAttempts) throw endedEarly(undefined);
      await delay(readyPauseMs);
    }
  }

  async #connect(id: string, spec: Pick<SandboxSpec, "env" | "cwd">): Promise<FlySandbox> {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
      throw new SandboxAgentError("sandbox_not_found", `There is no machine ${JSON.stringify(id)}.`, {
        details: { id },
      });
    }
    const machine = await this.#service.get(id);
    if (machine.state === "suspended") await this.#service.change(id, "start");
    if (machine.state !== "started") await this.#service.wait(id, "started");
    // While it was suspended it was to have no end.
    if (machine.state === "suspended") await setDeadline(this.#service, id, this.#settings.timeoutMs, "set");
    const cwd = await this.#makeFolder(id, spec.cwd ?? machine.cwd);
    return this.#sandbox(machine, spec.env, cwd);
  }

  #sandbox(machine: FlyMachine, env: SandboxSpec["env"], cwd: string): FlySandbox {
    const { env: own, user, timeoutMs } = this.#settings;
    return new FlySandbox({ service: this.#service, machine, cwd, env: { ...own, ...env }, user, timeoutMs });
  }

  async #removeNamed(name: string): Promise<void> {
    for (const machine of await this.#service.list()) {
      if (machine.name === name) await this.#service.destroy(machine.id);
    }
  }
}

function isUncertain(error: unknown): boolean {
  return SandboxAgentError.is(error, "provider_failed") && !refusedSafely(error);
}

function endedEarly(cause: unknown): SandboxAgentError {
  return new SandboxAgentError("sandbox_create_failed", "The machine ended before it could be used.", {
    details: { provider: providerName },
    cause,
    remedy:
      "Look at the machine's events (fly machine status); the image needs /bin/sh and the usual programs.",
  });
}
