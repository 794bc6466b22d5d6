import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { isJsonObject } from "../kit/json.ts";
import {
  isAbortSignal,
  isAbsolutePath,
  isEnvironment,
  isPositiveInteger,
  isString,
  type OptionCheck,
  show,
  validateOptions,
} from "../kit/validate-options.ts";
import type { FileOptions, Sandbox, SandboxProvider } from "../spec/sandbox.ts";
import type {
  ExposedPort,
  FileChange,
  NetworkPolicy,
  SandboxAbilities,
  SandboxAbility,
  SandboxMetrics,
  Snapshot,
  SnapshotOptions,
  Terminal,
  TerminalOptions,
} from "../spec/sandbox-abilities.ts";

/**
 * Whatever the sandbox can do beside the rest. Every method rejects with `unsupported` where the provider has not
 * declared the ability; `box.sandbox` has by type only what there is.
 */
export abstract class BoxAbilities {
  /** @throws SandboxAgentError `unsupported`, `sandbox_closed`. */
  protected abstract ability<Name extends SandboxAbility>(name: Name): SandboxAbilities[Name];

  /** Keeps the file system as it is now, to start others from: `docker({ image: snapshot.id })`, for example. */
  async snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
    validateOptions("box.snapshot()", options, { name: isSnapshotName, signal: isAbortSignal });
    return this.ability("snapshot").snapshot(options);
  }

  /** Stops all processes until `resume()`. A turn that is running waits, and its time limits go on. */
  async pause(): Promise<void> {
    return this.ability("pause").pause();
  }

  async resume(): Promise<void> {
    return this.ability("pause").resume();
  }

  /** Makes a port of the sandbox reachable from the host. */
  async expose(port: number, options?: FileOptions): Promise<ExposedPort> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new TypeError(
        `box.expose(): the port must be a whole number from 1 to 65535, received ${show(port)}.`,
      );
    }
    checkSignal("box.expose()", options);
    return this.ability("expose").expose(port, options);
  }

  /** Starts a process on a pseudo-terminal. */
  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    validateOptions("box.terminal()", options, terminalChecks);
    return this.ability("terminal").terminal(options);
  }

  /** Puts off the vendor's end of the sandbox to so many milliseconds from now. */
  async extend(durationMs: number): Promise<void> {
    if (!Number.isFinite(durationMs) || durationMs <= 0) {
      throw new TypeError(`box.extend(): the time must be a number above 0, received ${String(durationMs)}.`);
    }
    return this.ability("extend").extend(durationMs);
  }

  /** Says which hosts the processes may reach from now on. */
  async setNetworkPolicy(policy: NetworkPolicy): Promise<void> {
    if (!isNetworkPolicy(policy)) {
      throw new TypeError(
        `box.setNetworkPolicy(): the policy must be "allow-all", "deny-all" or { allow } with names of hosts, received ${show(policy)}.`,
      );
    }
    return this.ability("network-policy").setNetworkPolicy(policy);
  }

  async metrics(): Promise<SandboxMetrics> {
    return this.ability("metrics").metrics();
  }

  /** Tells of changes below a folder until the signal is aborted, or until the loop is left. */
  watch(path: string, options?: FileOptions): AsyncIterable<FileChange> {
    const wantedPath = isString(path);
    if (wantedPath !== undefined) {
      throw new TypeError(`box.watch(): the path must be ${wantedPath}, received ${show(path)}.`);
    }
    checkSignal("box.watch()", options);
    return this.ability("watch").watch(path, options);
  }
}

const isSnapshotName: OptionCheck = (value) =>
  typeof value === "string" && /^[\w.-]+$/.test(value) ? undefined : "of letters, digits, ., _ and -";

const terminalChecks: { readonly [Name in keyof Required<TerminalOptions>]: OptionCheck } = {
  argv: (value) =>
    Array.isArray(value) &&
    isString(value[0]) === undefined &&
    value.every((word) => typeof word === "string" && !word.includes("\0"))
      ? undefined
      : "a non-empty array of strings, without NUL characters",
  cwd: isAbsolutePath,
  env: isEnvironment,
  columns: isPositiveInteger,
  rows: isPositiveInteger,
  signal: isAbortSignal,
};

function isNetworkPolicy(policy: unknown): boolean {
  if (policy === "allow-all" || policy === "deny-all") return true;
  if (!isJsonObject(policy) || Object.keys(policy).some((name) => name !== "allow")) return false;
  const { allow } = policy;
  return Array.isArray(allow) && allow.every((host) => isString(host) === undefined);
}

function checkSignal(owner: string, options: FileOptions = {}): void {
  validateOptions(owner, options, { signal: isAbortSignal });
}

const methods: { readonly [Name in SandboxAbility]: readonly string[] } = {
  snapshot: ["snapshot"],
  pause: ["pause", "resume"],
  fork: ["fork"],
  expose: ["expose"],
  terminal: ["terminal"],
  extend: ["extend"],
  "network-policy": ["setNetworkPolicy"],
  metrics: ["metrics"],
  watch: ["watch"],
};

/** @throws SandboxAgentError `unsupported` where the provider has not declared the ability. */
export function requireAbility<Name extends SandboxAbility>(
  { name: provider, capabilities }: SandboxProvider,
  sandbox: Sandbox,
  name: Name,
): SandboxAbilities[Name] {
  if (capabilities.abilities?.includes(name) === true && isAble(sandbox, name)) return sandbox;
  const has = capabilities.abilities ?? [];
  throw new SandboxAgentError(
    "unsupported",
    `A sandbox of ${provider} has no ability ${JSON.stringify(name)}.`,
    {
      details: { subject: provider, feature: name },
      remedy:
        has.length === 0
          ? "Choose a provider that has it: the table in docs/providers.md names them."
          : `It has ${has.join(", ")}; the table in docs/providers.md names the providers with the others.`,
    },
  );
}

function isAble<Name extends SandboxAbility>(
  sandbox: Sandbox,
  name: Name,
): sandbox is Sandbox & SandboxAbilities[Name] {
  return methods[name].every((method) => typeof Reflect.get(sandbox, method) === "function");
}
