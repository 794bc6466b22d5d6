import { connect } from "node:net";
import {
  type ExposedPort,
  type NetworkPolicy,
  SandboxAgentError,
  abortable,
  isJsonObject,
  objectField,
  stringField,
} from "../../src/kit.ts";
import type { ContainerSettings } from "./container-options.ts";
import { wordsOf } from "./engine-errors.ts";

const probeTimeoutMs = 2000;

/** How the engine is asked about a container's networks. */
export interface NetworkAccess {
  readonly containerId: string;
  /** Of the engine; absent where it is on this machine. */
  readonly engineAddress?: string;
  inspect(): Promise<unknown>;
  connect(network: string): Promise<unknown>;
  disconnect(network: string): Promise<unknown>;
}

/** The networks of one container. */
export class Networks {
  readonly #settings: ContainerSettings;
  readonly #access: NetworkAccess;

  constructor(settings: ContainerSettings, access: NetworkAccess) {
    this.#settings = settings;
    this.#access = access;
  }

  async expose(port: number, signal: AbortSignal | undefined): Promise<ExposedPort> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new TypeError(
        `expose(): the port must be a whole number from 1 to 65535, received ${String(port)}.`,
      );
    }
    const { mode, facts } = await abortable(this.#look(), signal);
    const { engineAddress } = this.#access;
    if (mode === "host") return { url: urlOf(engineAddress ?? "127.0.0.1", port) };
    const published = publishedPort(objectField(facts, "Ports"), port);
    if (published !== undefined) return { url: urlOf(engineAddress ?? "127.0.0.1", published) };
    const address = addressOf(facts);
    if (address === undefined) {
      throw this.#unsupported(
        "expose",
        mode === "none" ? "It was created without a network." : "It is in no network at present.",
        `Create it with ${this.#call('{ network: "bridge" }')}, or allow it its network again.`,
      );
    }
    if (engineAddress === undefined && (await abortable(isReachable(address, port), signal))) {
      return { url: urlOf(address, port) };
    }
    throw this.#unsupported(
      "expose",
      `This machine cannot reach the containers' network (${address}).`,
      `Have the port published when the sandbox is created: ${this.#call(`{ ports: [${String(port)}] }`)}.`,
    );
  }

  async setPolicy(policy: NetworkPolicy): Promise<void> {
    if (policy !== "allow-all" && policy !== "deny-all") {
      throw this.#unsupported(
        "network-policy",
        "A container's network is all or nothing; it cannot be kept to a list of hosts.",
        'Use "deny-all", and reach what is needed from the host, or choose a provider that takes lists.',
      );
    }
    const { mode, facts } = await this.#look();
    const joined = Object.keys(objectField(facts, "Networks")).filter((name) => name !== "none");
    if (mode === "none" && joined.length === 0) {
      if (policy === "deny-all") return;
      throw this.#unsupported(
        "network-policy",
        "It was created without a network.",
        `Create it with ${this.#call('{ network: "bridge" }')}, and deny it all at first.`,
      );
    }
    if (mode === "host" || mode.startsWith("container:")) {
      throw this.#unsupported(
        "network-policy",
        "It was created in the network of the engine's machine, which it cannot be taken out of.",
        `Create it with ${this.#call('{ network: "bridge" }')}.`,
      );
    }
    const { network, kind } = this.#settings;
    const own = network === "bridge" ? kind.defaultNetwork : network;
    try {
      if (policy === "deny-all") {
        for (const name of joined) await this.#access.disconnect(name);
      } else if (joined.length === 0) {
        await this.#access.connect(own);
      }
    } catch (error) {
      const { name: provider } = this.#settings.kind;
      throw new SandboxAgentError("provider_failed", `The network could not be changed: ${wordsOf(error)}`, {
        details: { provider },
        cause: error,
      });
    }
  }

  async #look(): Promise<{ readonly mode: string; readonly facts: unknown }> {
    const container = await this.#access.inspect();
    const mode = stringField(objectField(container, "HostConfig"), "NetworkMode") ?? "";
    return { mode, facts: objectField(container, "NetworkSettings") };
  }

  #call(options: string): string {
    return `${this.#settings.kind.name}(${options})`;
  }

  #unsupported(feature: string, why: string, remedy: string): SandboxAgentError<"unsupported"> {
    const { name } = this.#settings.kind;
    const words = `The sandbox ${name}/${this.#access.containerId} cannot do that. ${why}`;
    return new SandboxAgentError("unsupported", words, { details: { subject: name, feature }, remedy });
  }
}

function urlOf(address: string, port: number): string {
  return `http://${address.includes(":") ? `[${address}]` : address}:${String(port)}`;
}

function publishedPort(ports: unknown, port: number): number | undefined {
  const bindings: unknown = isJsonObject(ports) ? ports[`${String(port)}/tcp`] : undefined;
  const first: unknown = Array.isArray(bindings) ? bindings[0] : undefined;
  const text = stringField(first, "HostPort");
  return text === undefined || text === "" ? undefined : Number(text);
}

function addressOf(facts: unknown): string | undefined {
  const addresses = Object.values(objectField(facts, "Networks")).map(
    (network) => stringField(network, "IPAddress") ?? "",
  );
  return addresses.find((address) => address !== "");
}

/** A port where nothing listens yet is reachable, too: its refusal comes from there. */
function isReachable(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: probeTimeoutMs });
    const end = (reachable: boolean): void => {
      socket.destroy();
      resolve(reachable);
    };
    socket.once("connect", () => {
      end(true);
    });
    socket.once("timeout", () => {
      end(false);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      end(error.code === "ECONNREFUSED");
    });
  });
}
