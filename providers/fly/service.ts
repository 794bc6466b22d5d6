import {
  type Argv,
  type Environment,
  type Labels,
  SandboxAgentError,
  type ShortRun,
  type VendorContext,
  isJsonObject,
  numberField,
  objectField,
  parseJson,
  requestVendor,
  retriedWhenRefused,
  stringField,
  vendorFailure,
} from "../../src/kit.ts";
import { carriedCommand } from "./carried-command.ts";
import { type MachineConfig, metadataNames } from "./machine-config.ts";
import type { FlySettings } from "./options.ts";

export const providerName = "fly";
export const tokenVariable = "FLY_API_TOKEN";

/** A machine, as far as this library made it. */
export interface FlyMachine {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly createdAt: number | undefined;
  /** Empty: the usual one. */
  readonly cwd: string;
  readonly labels: Labels;
}

interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the app. */
  readonly path: string;
  readonly action: string;
  readonly id?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Beside the usual time for an answer, where the service itself waits. */
  readonly extraMs?: number;
}

/** The service refuses a longer wait. */
const longestWaitSeconds = 60;
/** Of one command; what takes longer is polled. */
const commandTimeoutSeconds = 60;
/** The service takes few requests per second for one machine. */
const commandAttempts = 10;

/** Speaks to the Machines API. */
export class FlyService {
  readonly #settings: FlySettings;

  constructor(settings: FlySettings) {
    this.#settings = settings;
  }

  async create(name: string, config: MachineConfig, signal?: AbortSignal): Promise<FlyMachine> {
    const { region, image } = this.#settings;
    const body = { name, config, ...(region === undefined ? {} : { region }) };
    const call = { method: "POST", path: "/machines", action: "create a machine", body } as const;
    try {
      return machineOf(await this.#ask(call)) ?? this.#strange(call);
    } catch (error) {
      signal?.throwIfAborted();
      if (SandboxAgentError.is(error, "sandbox_create_failed") && /manifest|image/i.test(error.reason)) {
        throw new SandboxAgentError("image_unavailable", error.reason, { details: { image }, cause: error });
      }
      throw error;
    }
  }

  /** @throws SandboxAgentError `sandbox_not_found`, also for a machine that somebody else made. */
  async get(id: string): Promise<FlyMachine> {
    const action = "find a machine";
    const path = `/machines/${encodeURIComponent(id)}`;
    const machine = machineOf(await this.#ask({ method: "GET", path, action, id }));
    if (machine === undefined || isEnding(machine.state)) {
      throw vendorFailure(this.#context({ action, id }), {
        status: 404,
        message: "it has ended, or is another's.",
      });
    }
    return machine;
  }

  async list(): Promise<readonly FlyMachine[]> {
    const action = "list its machines";
    const path = `/machines?metadata.${metadataNames.mark}=true`;
    const found = await this.#ask({ method: "GET", path, action });
    if (!Array.isArray(found)) return this.#strange({ action });
    return found
      .map((each: unknown) => machineOf(each))
      .filter((machine) => machine !== undefined)
      .filter(({ state }) => !isEnding(state));
  }

  /** Resolves when the machine is in that state; the service waits with us. */
  async wait(id: string, state: "started" | "suspended", signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + this.#settings.createTimeoutMs;
    for (;;) {
      const left = Math.min(longestWaitSeconds, Math.ceil((deadline - performance.now()) / 1000));
      const seconds = Math.max(1, left);
      const path = `/machines/${encodeURIComponent(id)}/wait?state=${state}&timeout=${seconds}`;
      try {
        const action = `wait until a machine is ${state}`;
        await this.#ask({ method: "GET", path, action, id, signal, extraMs: seconds * 1000 });
        return;
      } catch (error) {
        // 408: not yet.
        const isEarly = SandboxAgentError.is(error, "provider_failed") && error.details.status === 408;
        if (!isEarly || performance.now() >= deadline) throw error;
      }
    }
  }

  async destroy(id: string): Promise<void> {
    const path = `/machines/${encodeURIComponent(id)}?force=true`;
    try {
      await this.#ask({ method: "DELETE", path, action: "destroy a machine", id });
    } catch (error) {
      if (!SandboxAgentError.is(error, "sandbox_not_found")) throw error;
    }
  }

  async change(id: string, how: "suspend" | "start"): Promise<void> {
    const path = `/machines/${encodeURIComponent(id)}/${how}`;
    await this.#ask({ method: "POST", path, action: `${how} a machine`, id });
  }

  async setLabels(id: string, labels: Labels): Promise<void> {
    const path = `/machines/${encodeURIComponent(id)}/metadata/${metadataNames.labels}`;
    const body = { value: JSON.stringify(labels) };
    await this.#ask({ method: "POST", path, action: "label a machine", id, body });
  }

  /** Runs a command to its end, as root; its variables, and its input, pass through its standard input. */
  async run(id: string, argv: Argv, env: Environment = {}, input?: Uint8Array): Promise<ShortRun> {
    const path = `/machines/${encodeURIComponent(id)}/exec`;
    const body = { ...carriedCommand(argv, env, input), timeout: commandTimeoutSeconds };
    const call = { method: "POST", path, action: "run a command", id, body } as const;
    const answer = await retriedWhenRefused(
      () => this.#ask({ ...call, extraMs: commandTimeoutSeconds * 1000 }, 1),
      { attempts: commandAttempts, maxWaitMs: 30_000 },
    );
    // What is zero or empty is left out.
    if (!isJsonObject(answer)) return this.#strange(call);
    const signal = numberField(answer, "exit_signal") ?? 0;
    const code = numberField(answer, "exit_code") ?? 0;
    return {
      code: signal > 0 ? 128 + signal : code,
      stdout: stringField(answer, "stdout") ?? "",
      stderr: stringField(answer, "stderr") ?? "",
    };
  }

  async #ask(call: Call, attempts?: number): Promise<unknown> {
    const { baseUrl, app, requestTimeoutMs } = this.#settings;
    const { method, path, body, signal, extraMs = 0 } = call;
    const request = (): Promise<unknown> =>
      requestVendor({
        method,
        url: `${baseUrl}/v1/apps/${app}${path}`,
        headers: { authorization: this.#authorization() },
        ...(body === undefined ? {} : { body }),
        timeoutMs: requestTimeoutMs + extraMs,
        signal,
        context: this.#context(call),
      });
    return retriedWhenRefused(request, { signal, ...(attempts === undefined ? {} : { attempts }) });
  }

  #authorization(): string {
    const token = this.#settings.token ?? process.env["FLY_API_TOKEN"] ?? "";
    if (token === "") {
      throw new SandboxAgentError(
        "provider_authentication_failed",
        `fly() was given no token, and ${tokenVariable} is not set.`,
        { details: { provider: providerName, variables: [tokenVariable] } },
      );
    }
    // Tokens of the newer kind name their scheme themselves.
    return token.startsWith("FlyV1 ") ? token : `Bearer ${token}`;
  }

  #context({ action, id }: Pick<Call, "action" | "id">): VendorContext {
    const context = { provider: providerName, action, variables: [tokenVariable] };
    return id === undefined ? context : { ...context, id };
  }

  #strange(call: Pick<Call, "action" | "id">): never {
    throw vendorFailure(this.#context(call), { message: "its answer holds nothing that is understood." });
  }
}

function isEnding(state: string): boolean {
  return ["destroying", "destroyed", "stopping", "stopped", "failed"].includes(state);
}

/** `undefined` for one that this library has not made. */
function machineOf(json: unknown): FlyMachine | undefined {
  const id = stringField(json, "id");
  const metadata = objectField(objectField(json, "config"), "metadata");
  if (id === undefined || stringField(metadata, metadataNames.mark) !== "true") return undefined;
  const createdAt = Date.parse(stringField(json, "created_at") ?? "");
  return {
    id,
    name: stringField(json, "name") ?? "",
    state: stringField(json, "state") ?? "",
    createdAt: Number.isNaN(createdAt) ? undefined : createdAt,
    cwd: stringField(metadata, metadataNames.cwd) ?? "",
    labels: labelsIn(stringField(metadata, metadataNames.labels)),
  };
}

function labelsIn(text: string | undefined): Labels {
  const json = text === undefined ? undefined : parseJson(text);
  if (!isJsonObject(json)) return {};
  return Object.fromEntries(
    Object.entries(json).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
