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
  isJsonObject,
  numberField,
  objectField,
  parseJson,
  retriedWhenRefused,
  stringField,
  undoneWhenAborted,
  hasLabels,
} from "../../src/kit.ts";
import { inspectCommand, makeFolderCommand, prepareCommand } from "./commands.ts";
import type { ComputeSandbox } from "./compute.ts";
import type { ComputesdkSettings } from "./options.ts";
import { ComputesdkSandbox, runCommand } from "./sandbox.ts";
import { providerName, vendorCall } from "./vendor-call.ts";

interface SandboxState {
  readonly labels: Labels;
  readonly createdAt: number;
  readonly cwd: string;
  readonly privateFolder: string;
}

export class ComputesdkProvider implements SandboxProvider<ComputesdkSandbox> {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities = {
    stdin: "emulated",
    signals: "emulated",
    users: "emulated",
    files: "native",
    detach: "none",
    diesWithHost: "none",
    backpressure: "emulated",
    isolation: "container",
    abilities: ["expose"],
  };
  readonly #settings: ComputesdkSettings;

  constructor(settings: ComputesdkSettings) {
    this.#settings = settings;
  }

  async check(): Promise<Availability> {
    try {
      await this.#call("list sandboxes", () => this.#settings.compute.sandbox.list());
      return { available: true };
    } catch (error) {
      const reason = SandboxAgentError.is(error) ? error.reason : String(error);
      return {
        available: false,
        reason,
        remedy: "Set up `compute` with a vendor and its credential: compute.setConfig({ provider: … }).",
      };
    }
  }

  async create(spec: SandboxSpec, { signal, onProgress }: CreateOptions = {}): Promise<ComputesdkSandbox> {
    signal?.throwIfAborted();
    onProgress?.({ phase: "create", message: "Creating a sandbox by computesdk." });
    return undoneWhenAborted(this.#create(spec), signal, (unwanted) => unwanted.destroy());
  }

  connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    { signal }: CreateOptions = {},
  ): Promise<ComputesdkSandbox> {
    return undoneWhenAborted(this.#connect(id, spec), signal, async () => undefined);
  }

  async *list(filter: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const all = await this.#call("list sandboxes", () => this.#settings.compute.sandbox.list());
    for (const sandbox of all) {
      // One that has ended meanwhile, or is not this library's, says nothing of the kind.
      const state = await this.#inspect(sandbox).catch(() => undefined);
      if (state === undefined) continue;
      const { labels, createdAt } = state;
      if (!hasLabels(labels, filter.labels)) continue;
      yield { id: sandbox.sandboxId, labels, createdAt, running: true };
    }
  }

  describe(): JsonObject {
    const { timeoutMs, cwd } = this.#settings;
    return { timeoutMs, cwd };
  }

  async #create(spec: SandboxSpec): Promise<ComputesdkSandbox> {
    const { compute, createOptions, labels: own, user, timeoutMs } = this.#settings;
    const labels = { ...own, ...spec.labels };
    const timeout = spec.ttlMs ?? timeoutMs;
    const options = { ...createOptions, timeout, metadata: { playpen: "true" } };
    const abandoned = { is: false };
    const request = async (): Promise<ComputeSandbox> => {
      const made = await compute.sandbox.create(options);
      // It came too late for anybody to wait for it.
      if (abandoned.is) await made.destroy();
      return made;
    };
    const sandbox = await retriedWhenRefused(() => this.#call("create a sandbox", request)).catch(
      (error: unknown) => {
        abandoned.is = true;
        throw error;
      },
    );
    try {
      const wantedCwd = spec.cwd ?? this.#settings.cwd;
      const state = JSON.stringify({ version: 1, labels, createdAt: Date.now(), cwd: wantedCwd });
      const { code, stdout, stderr } = await this.#run(sandbox, prepareCommand(wantedCwd, state, user));
      const [privateFolder, cwd] = stdout.split("\n");
      if (code !== 0 || privateFolder === undefined || cwd === undefined) {
        throw new SandboxAgentError(
          "file_failed",
          `The folder ${wantedCwd} cannot be made: ${stderr.trim()}`,
          {
            details: { operation: "mkdir", path: wantedCwd },
          },
        );
      }
      return this.#sandbox(sandbox, { labels, cwd, privateFolder }, spec.env);
    } catch (error) {
      await this.#call("destroy a sandbox", () => sandbox.destroy()).catch(() => undefined);
      throw error;
    }
  }

  async #connect(id: string, spec: Pick<SandboxSpec, "env" | "cwd">): Promise<ComputesdkSandbox> {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}$/.test(id)) throw notFound(id);
    const sandbox = await this.#call("find a sandbox", () => this.#settings.compute.sandbox.getById(id), id);
    if (sandbox === null) throw notFound(id);
    const state = await this.#inspect(sandbox);
    if (state === undefined) throw notFound(id);
    const cwd = spec.cwd ?? state.cwd;
    if (spec.cwd !== undefined) await this.#run(sandbox, makeFolderCommand(cwd));
    return this.#sandbox(sandbox, { ...state, cwd }, spec.env);
  }

  #sandbox(
    sandbox: ComputeSandbox,
    { labels, cwd, privateFolder }: Pick<SandboxState, "labels" | "cwd" | "privateFolder">,
    given: SandboxSpec["env"],
  ): ComputesdkSandbox {
    const { compute, env, user, requestTimeoutMs: timeoutMs } = this.#settings;
    const parts = { compute, sandbox, labels, cwd, privateFolder, user, timeoutMs };
    return new ComputesdkSandbox({ ...parts, env: { ...env, ...given } });
  }

  /** `undefined` for one that this library has not made. */
  async #inspect(sandbox: ComputeSandbox): Promise<SandboxState | undefined> {
    const { code, stdout } = await this.#run(sandbox, inspectCommand);
    const [text = "", privateFolder = ""] = stdout.split("\n");
    const json = parseJson(text);
    const createdAt = numberField(json, "createdAt");
    if (code !== 0 || !isJsonObject(json) || json["version"] !== 1 || createdAt === undefined)
      return undefined;
    const labels = Object.fromEntries(
      Object.entries(objectField(json, "labels")).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      ),
    );
    const cwd = stringField(json, "cwd") ?? "";
    const usual = `${privateFolder.slice(0, privateFolder.lastIndexOf("/"))}/workspace`;
    return { labels, createdAt, privateFolder, cwd: cwd === "" ? usual : cwd };
  }

  #run(sandbox: ComputeSandbox, argv: readonly [string, ...string[]]) {
    return runCommand(sandbox, argv, {}, this.#settings.requestTimeoutMs);
  }

  async #call<Value>(action: string, request: () => Promise<Value>, id?: string): Promise<Value> {
    const { requestTimeoutMs: timeoutMs } = this.#settings;
    return vendorCall({ action, timeoutMs, ...(id === undefined ? {} : { id }) }, request);
  }
}

function notFound(id: string): SandboxAgentError {
  return new SandboxAgentError(
    "sandbox_not_found",
    `There is no sandbox ${id}, or it was made by something else.`,
    {
      details: { id },
    },
  );
}
