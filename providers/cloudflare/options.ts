import {
  type Environment,
  type Labels,
  type OptionCheck,
  isDurationMs,
  isString,
  validateProviderOptions,
} from "../../src/kit.ts";

/** Options of `cloudflare()`. */
export interface CloudflareOptions {
  /** Address of the bridge Worker; default: `PLAYPEN_CLOUDFLARE_URL`. */
  readonly url?: string;
  /** The bridge's secret `PLAYPEN_TOKEN`; default: `PLAYPEN_CLOUDFLARE_TOKEN`. */
  readonly token?: string;
  /** How long a sandbox lives that nobody uses; put off while it is used. Default 600,000. */
  readonly timeoutMs?: number;
  /**
   * Working directory, created when missing; default: `workspace` in the home folder of root, and `"/workspace"` where
   * there is a `user`.
   */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored with the sandbox. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes; default: root. */
  readonly user?: string;
  /** Added to the labels of every sandbox. */
  readonly labels?: Labels;
  /** How long to wait for an answer of the bridge; default 60,000. */
  readonly requestTimeoutMs?: number;
  /** How long to wait until a container has started; default 180,000. */
  readonly createTimeoutMs?: number;
}

/** The options with their defaults. */
export interface CloudflareSettings {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly timeoutMs: number;
  /** Empty: the usual one. */
  readonly cwd: string;
  readonly env: Environment;
  readonly user: string | undefined;
  readonly labels: Labels;
  readonly requestTimeoutMs: number;
  readonly createTimeoutMs: number;
}

const isUrl: OptionCheck = (value) =>
  typeof value === "string" && isBridgeUrl(value)
    ? undefined
    : 'an address such as "https://playpen-bridge.example.workers.dev"';

/** Whether the token can be sent there; nothing but a server of this machine is spoken to in the clear. */
export function isBridgeUrl(text: string): boolean {
  if (!/^https?:\/\/[^\s?#@]+$/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || hostname === "127.0.0.1" || hostname === "localhost";
}

const own = {
  url: isUrl,
  token: isString,
  requestTimeoutMs: isDurationMs,
  createTimeoutMs: isDurationMs,
};

const inConfiguration = (what: string): string => `${what} of the Worker's configuration`;

const refuses = {
  image: inConfiguration("the image is that of `containers`"),
  template: inConfiguration("there are none; the image is that of `containers`"),
  snapshot: "there are none; put what is needed into the image",
  cpus: inConfiguration("the size is the `instance_type` of `containers`"),
  memoryBytes: inConfiguration("the size is the `instance_type` of `containers`"),
  diskBytes: inConfiguration("the size is the `instance_type` of `containers`"),
  pidsLimit: "a container has none; it is in a virtual machine of its own",
  region: "Cloudflare chooses where a container runs",
  mounts: "buckets are mounted by the Worker; fetch what is needed with files.upload()",
};

/** @throws TypeError that names the option. */
export function resolveOptions(options: CloudflareOptions): CloudflareSettings {
  validateProviderOptions("cloudflare()", options, {
    takes: ["timeoutMs", "cwd", "env", "user", "labels"],
    refuses,
    own,
  });
  return {
    url: options.url,
    token: options.token,
    timeoutMs: options.timeoutMs ?? 600_000,
    cwd: options.cwd ?? (options.user === undefined ? "" : "/workspace"),
    env: options.env ?? {},
    user: options.user,
    labels: options.labels ?? {},
    requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
    createTimeoutMs: options.createTimeoutMs ?? 180_000,
  };
}
