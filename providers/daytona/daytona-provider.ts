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
  unavailable,
} from "../../src/kit.ts";
import { connectSandbox, createSandbox, ownLabels } from "./create-sandbox.ts";
import { type DaytonaOptions, resolveDaytonaOptions } from "./daytona-options.ts";
import type { DaytonaSandbox } from "./daytona-sandbox.ts";
import { DaytonaService, failureOf, providerName } from "./daytona-service.ts";
import { DaytonaSnapshots } from "./daytona-snapshots.ts";

/**
 * Runs sandboxes in Daytona's cloud, or in an installation of one's own. Needs the package `@daytonaio/sdk` and an API
 * key.
 *
 * @throws TypeError for options that are wrong.
 *
 * @example
 * ```ts
 * const sandbox = daytona({ template: "my-agents", timeoutMs: 600_000 });
 * ```
 */
export function daytona(options: DaytonaOptions = {}): SandboxProvider<DaytonaSandbox> {
  return new DaytonaProvider(new DaytonaService(resolveDaytonaOptions(options)));
}

class DaytonaProvider implements SandboxProvider<DaytonaSandbox> {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities = {
    stdin: "emulated",
    signals: "emulated",
    users: "none",
    files: "emulated",
    detach: "native",
    renewsExpiry: true,
    diesWithHost: "emulated",
    backpressure: "emulated",
    isolation: "container",
    abilities: ["snapshot", "pause", "fork", "expose", "terminal", "extend", "network-policy", "metrics"],
  };
  readonly snapshots: DaytonaSnapshots;
  readonly #service: DaytonaService;

  constructor(service: DaytonaService) {
    this.#service = service;
    this.snapshots = new DaytonaSnapshots(service);
  }

  async check(): Promise<Availability> {
    try {
      const client = await this.#service.client();
      await this.#service.call({ action: "list sandboxes" }, () => client.list({ limit: 1 }).next());
      return { available: true };
    } catch (error) {
      const failure = SandboxAgentError.is(error) ? error : failureOf({ action: "answer" }, error);
      return unavailable(failure, {
        credential: "Give the option apiKey, or set DAYTONA_API_KEY, to a key of your organization.",
        other: "Look at the reason.",
      });
    }
  }

  create(spec: SandboxSpec, options: CreateOptions = {}): Promise<DaytonaSandbox> {
    return createSandbox(this.#service, spec, options);
  }

  connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    options: CreateOptions = {},
  ): Promise<DaytonaSandbox> {
    return connectSandbox(this.#service, id, spec, options);
  }

  async *list({ labels = {} }: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const client = await this.#service.client();
    const wanted = { ...labels, [ownLabels.provider]: providerName };
    try {
      for await (const { id, labels: own, createdAt, state } of client.list({ labels: wanted })) {
        if (state === "destroyed" || state === "destroying") continue;
        const created = createdAt === undefined ? Number.NaN : Date.parse(createdAt);
        yield {
          id,
          labels: own,
          running: state === "started",
          ...(Number.isNaN(created) ? {} : { createdAt: created }),
        };
      }
    } catch (error) {
      throw failureOf({ action: "list sandboxes" }, error);
    }
  }

  describe(): JsonObject {
    const { template, image, timeoutMs, apiUrl, region, requestTimeoutMs } = this.#service.settings;
    return {
      timeoutMs,
      requestTimeoutMs,
      ...(template === undefined ? {} : { template }),
      ...(image === undefined ? {} : { image }),
      ...(apiUrl === undefined ? {} : { apiUrl }),
      ...(region === undefined ? {} : { region }),
    };
  }
}
