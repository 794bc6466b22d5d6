import {
  type Environment,
  type Labels,
  type OptionCheck,
  isDurationMs,
  isOneOf,
  isString,
  parseBytes,
  validateProviderOptions,
} from "../../src/kit.ts";

/** Options of `fly()`. */
export interface FlyOptions {
  /** Name of the app whose machines the sandboxes are; it must exist. */
  readonly app: string;
  /** Default: `FLY_API_TOKEN`. */
  readonly token?: string;
  /** Needs `/bin/sh`; default `"node:22-bookworm"`. */
  readonly image?: string;
  /** Where machines run, for example `"fra"`; default: the vendor's choice. */
  readonly region?: string;
  /** Whether processors are shared with others; default `"shared"`. */
  readonly cpuKind?: "shared" | "performance";
  /** Processors, a whole number; default 2. */
  readonly cpus?: number;
  /** Bytes, or a text such as `"2g"`, in steps of 256 MiB; default `"2g"`. */
  readonly memoryBytes?: number | string;
  /** How long a machine lives that nobody uses; put off while it is used. Default 600,000. */
  readonly timeoutMs?: number;
  /**
   * Working directory, created when missing; default: `workspace` in the home folder of root, and `"/workspace"` where
   * there is a `user`.
   */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the machine's configuration. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes; default: root. */
  readonly user?: string;
  /** Added to the labels of every sandbox. */
  readonly labels?: Labels;
  /** How long to wait for an answer of the service; default 60,000. */
  readonly requestTimeoutMs?: number;
  /** How long to wait until a machine has started, its image fetched; default 180,000. */
  readonly createTimeoutMs?: number;
  /** Default `"https://api.machines.dev"`. */
  readonly baseUrl?: string;
}

/** The options with their defaults. */
export interface FlySettings {
  readonly app: string;
  readonly token: string | undefined;
  readonly image: string;
  readonly region: string | undefined;
  readonly cpuKind: "shared" | "performance";
  readonly cpus: number;
  readonly memoryMegabytes: number;
  readonly timeoutMs: number;
  /** Empty: the usual one. */
  readonly cwd: string;
  readonly env: Environment;
  readonly user: string | undefined;
  readonly labels: Labels;
  readonly requestTimeoutMs: number;
  readonly createTimeoutMs: number;
  readonly baseUrl: string;
}

const isAppName: OptionCheck = (value) =>
  typeof value === "string" && /^[a-z0-9][a-z0-9-]{0,62}$/.test(value)
    ? undefined
    : "the name of an app, of small letters, digits and -";

const isUrl: OptionCheck = (value) =>
  typeof value === "string" && /^https?:\/\/[^\s?#]+$/.test(value)
    ? undefined
    : 'an address such as "https://api.machines.dev"';

const own = {
  app: isAppName,
  token: isString,
  cpuKind: isOneOf("shared", "performance"),
  requestTimeoutMs: isDurationMs,
  createTimeoutMs: isDurationMs,
  baseUrl: isUrl,
};

const refuses = {
  template: "the service has none; give an `image`",
  snapshot: "the service keeps no snapshots of machines; give an `image`",
  diskBytes: "a machine's own disk has a fixed size",
  pidsLimit: "a machine has none; it is one of its own",
  mounts: "volumes belong to one machine each; fetch what is needed with files.upload()",
};

const memoryStep = 256 * 2 ** 20;

/** @throws TypeError that names the option. */
export function resolveOptions(options: FlyOptions): FlySettings {
  validateProviderOptions("fly()", options, {
    takes: ["image", "region", "cpus", "memoryBytes", "timeoutMs", "cwd", "env", "user", "labels"],
    refuses,
    own,
  });
  if (!Object.hasOwn(options, "app")) throw new TypeError('fly(): the option "app" is missing.');
  const { cpus = 2, memoryBytes = "2g" } = options;
  if (!Number.isInteger(cpus)) {
    throw new TypeError(`fly(): option "cpus" must be a whole number, received ${cpus}.`);
  }
  const bytes = parseBytes(memoryBytes) ?? 0;
  if (bytes === 0 || bytes % memoryStep !== 0) {
    throw new TypeError(
      `fly(): option "memoryBytes" must be a multiple of 256 MiB, received ${JSON.stringify(memoryBytes)}.`,
    );
  }
  return {
    app: options.app,
    token: options.token,
    image: options.image ?? "node:22-bookworm",
    region: options.region,
    cpuKind: options.cpuKind ?? "shared",
    cpus,
    memoryMegabytes: bytes / 2 ** 20,
    timeoutMs: options.timeoutMs ?? 600_000,
    cwd: options.cwd ?? (options.user === undefined ? "" : "/workspace"),
    env: options.env ?? {},
    user: options.user,
    labels: options.labels ?? {},
    requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
    createTimeoutMs: options.createTimeoutMs ?? 180_000,
    baseUrl: (options.baseUrl ?? "https://api.machines.dev").replace(/\/+$/, ""),
  };
}
