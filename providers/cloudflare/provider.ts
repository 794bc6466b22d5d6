import { randomBytes } from "node:crypto";
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
  settlesWithin,
  undoneWhenAborted,
  sandboxNotFound,
  unavailable,
} from "../../src/kit.ts";
import { BridgeClient, type BridgeSandbox, providerName, variables } from "./bridge-client.ts";
import type { CloudflareSettings } from "./options.ts";
import { CloudflareSandbox } from "./sandbox.ts";

const undoneWithinMs = 5000;

export class CloudflareProvider implements SandboxProvider<CloudflareSandbox> {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities = {
    stdin: "emulated",
    signals: "emulated",
    users: "emulated",
    files: "emulated",
    detach: "emulated",
    diesWithHost: "emulated",
    backpressure: "emulated",
    isolation: "machine",
    abilities: ["expose", "extend"],
  };
  readonly #settings: CloudflareSettings;
  readonly #client: BridgeClient;

  constructor(settings: CloudflareSettings) {
    this.#settings = settings;
    this.#client = new BridgeClient(settings);
  }

  async check(): Promise<Availability> {
    try {
      await this.#client.check();
      return { available: true };
    } catch (error) {
      return unavailable(error, {
        credential: `Set ${variables.join(" and ")}, or give them as cloudflare({ url, token }); the token is the Worker's secret PLAYPEN_TOKEN.`,
        other: "Look at the options of cloudflare().",
      });
    }
  }

  async create(spec: SandboxSpec, { signal, onProgress }: CreateOptions = {}): Promise<CloudflareSandbox> {
    signal?.throwIfAborted();
    // The id is the library's, so that it is known even where the answer gets lost.
    const id = `playpen-${randomBytes(16).toString("hex")}`;
    onProgress?.({ phase: "create", message: `Creating the sandbox ${id}.` });
    return undoneWhenAborted(this.#create(id, spec), signal, (unwanted) => unwanted.destroy());
  }

  connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    { signal }: CreateOptions = {},
  ): Promise<CloudflareSandbox> {
    return undoneWhenAborted(this.#connect(id, spec), signal, async () => undefined);
  }

  async *list(filter: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    for await (const { id, labels, createdAt, isRunning } of this.#client.list(filter.labels ?? {})) {
      yield { id, labels, createdAt, running: isRunning };
    }
  }

  describe(): JsonObject {
    const { url, timeoutMs, cwd } = this.#settings;
    return { url: url ?? null, timeoutMs, cwd };
  }

  async #create(id: string, spec: SandboxSpec): Promise<CloudflareSandbox> {
    const { labels: own, cwd, user, timeoutMs } = this.#settings;
    try {
      const sandbox = await this.#client.create({
        id,
        labels: { ...own, ...spec.labels },
        cwd: spec.cwd ?? cwd,
        user: user ?? "",
        life_ms: spec.ttlMs ?? timeoutMs,
        fixed_end: spec.ttlMs !== undefined,
      });
      return this.#sandbox(sandbox, spec);
    } catch (error) {
      // Of what was refused nothing is there to be removed.
      const wasRefused =
        refusedSafely(error) || SandboxAgentError.is(error, "provider_authentication_failed");
      if (!wasRefused) await settlesWithin(this.#client.destroy(id), undoneWithinMs);
      throw folderFailure(error, spec.cwd ?? cwd) ?? error;
    }
  }

  async #connect(id: string, spec: Pick<SandboxSpec, "env" | "cwd">): Promise<CloudflareSandbox> {
    if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(id)) {
      throw sandboxNotFound(providerName, id, "That is no sandbox's id.");
    }
    const sandbox = await this.#client.find(id);
    if (!sandbox.isRunning) throw sandboxNotFound(providerName, id, "It has ended.");
    if (spec.cwd === undefined) return this.#sandbox(sandbox, spec);
    await this.#client.run(id, ["mkdir", "-p", "--", spec.cwd]);
    return this.#sandbox({ ...sandbox, cwd: spec.cwd }, spec);
  }

  #sandbox(sandbox: BridgeSandbox, spec: Pick<SandboxSpec, "env">): CloudflareSandbox {
    const { env, user, timeoutMs } = this.#settings;
    const parts = { client: this.#client, sandbox, user, timeoutMs };
    return new CloudflareSandbox({ ...parts, env: { ...env, ...spec.env } });
  }
}

/** The bridge refuses with this status what the container itself cannot do. */
function folderFailure(error: unknown, cwd: string): SandboxAgentError | undefined {
  const isOfFolder = SandboxAgentError.is(error, "sandbox_create_failed") && error.reason.includes("(422)");
  if (!isOfFolder) return undefined;
  return new SandboxAgentError("file_failed", error.reason, {
    details: { operation: "mkdir", path: cwd },
    cause: error,
  });
}
