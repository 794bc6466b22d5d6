import {
  type Environment,
  type Labels,
  type OptionCheck,
  type ProviderOptionRules,
  isDurationMs,
  isString,
  parseBytes,
  validateProviderOptions,
} from "../../src/kit.ts";

/** Settings of the Modal provider. Everything has a default. */
export interface ModalOptions {
  /** Id of an access token; default: the variable `MODAL_TOKEN_ID`, else the file `~/.modal.toml`. */
  readonly tokenId?: string;
  /** Its secret; default: the variable `MODAL_TOKEN_SECRET`, else the file `~/.modal.toml`. */
  readonly tokenSecret?: string;
  /** Name of the vendor's environment; default: the workspace's. */
  readonly environment?: string;
  /** Name of the app that the sandboxes belong to, created when missing; default `"playpen"`. */
  readonly app?: string;
  /** Name of a public image, which needs `/bin/sh`; default `"node:22-bookworm"`. */
  readonly image?: string;
  /** Processors that are reserved, for example 1.5; default: the vendor's. */
  readonly cpus?: number;
  /** Memory that is reserved: bytes, or a text such as `"512m"` or `"2g"`, rounded up to MiB; default: the vendor's. */
  readonly memoryBytes?: number | string;
  /** Where it runs, for example `"us-east"`; default: the vendor's choice. */
  readonly region?: string;
  /** Working directory, created when missing; default: `workspace` in the home folder of the image's user. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the sandbox's configuration. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes; default: root. */
  readonly user?: string;
  /** How long a sandbox lives after its host was last heard of; default 300,000. */
  readonly timeoutMs?: number;
  /** The vendor's own end of a sandbox, which cannot be put off; default and most 86,400,000, a day. */
  readonly maxLifeMs?: number;
  /** How long one request to the service may take; default 60,000. */
  readonly requestTimeoutMs?: number;
  /** Added to the sandbox's tags; names that begin with `playpen.` are the library's own. */
  readonly labels?: Labels;
}

/** The options with their defaults filled in and their units resolved. */
export interface ModalSettings extends ModalOptions {
  readonly app: string;
  readonly image: string;
  readonly memoryBytes?: number;
  readonly env: Environment;
  readonly timeoutMs: number;
  readonly maxLifeMs: number;
  readonly requestTimeoutMs: number;
  readonly labels: Labels;
}

/** The vendor's longest. */
export const dayMs = 86_400_000;

/** @throws TypeError that names the option, the value received and the correction. */
export function resolveModalOptions(options: ModalOptions): ModalSettings {
  validateProviderOptions("modal()", options, rules);
  const { memoryBytes, ...rest } = withoutUndefined(options);
  if ((rest.tokenId === undefined) !== (rest.tokenSecret === undefined)) {
    const missing = rest.tokenId === undefined ? "tokenId" : "tokenSecret";
    throw new TypeError(`modal(): option "${missing}" is missing; a token has an id and a secret.`);
  }
  return {
    ...defaults,
    ...rest,
    ...(memoryBytes === undefined ? {} : { memoryBytes: parseBytes(memoryBytes) ?? 0 }),
  };
}

const defaults = {
  app: "playpen",
  image: "node:22-bookworm",
  env: {},
  timeoutMs: 300_000,
  maxLifeMs: dayMs,
  requestTimeoutMs: 60_000,
  labels: {},
} as const satisfies ModalSettings;

function withoutUndefined(options: ModalOptions): ModalOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const isName: OptionCheck = (value) =>
  typeof value === "string" && /^[A-Za-z0-9._-]{1,63}$/.test(value)
    ? undefined
    : "a name of at most 63 letters, digits, ., _ and -";

const isLease: OptionCheck = (value) =>
  isDurationMs(value) ?? (typeof value === "number" && value >= 4000 ? undefined : "at least 4,000");

const isLifeTime: OptionCheck = (value) =>
  isDurationMs(value) ??
  (typeof value === "number" && value >= 1000 && value <= dayMs ? undefined : "from 1,000 to 86,400,000");

const rules: ProviderOptionRules = {
  takes: ["image", "cpus", "memoryBytes", "region", "cwd", "env", "user", "labels"],
  refuses: {
    template: 'give the name of an image with "image"',
    snapshot: "it is given with each box",
    diskBytes: "the vendor fixes it",
    pidsLimit: "the vendor has no such limit",
    mounts: "the vendor's volumes are not supported; upload the files",
  },
  own: {
    tokenId: isString,
    tokenSecret: isString,
    environment: isName,
    app: isName,
    timeoutMs: isLease,
    maxLifeMs: isLifeTime,
    requestTimeoutMs: isDurationMs,
  },
};
