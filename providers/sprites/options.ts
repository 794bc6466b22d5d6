import {
  type Environment,
  type Labels,
  type OptionCheck,
  type ProviderOptionRules,
  isBoolean,
  isDurationMs,
  isOneOf,
  isString,
  parseBytes,
  validateProviderOptions,
} from "../../src/kit.ts";

/** Settings of the Sprites provider. Everything has a default. */
export interface SpritesOptions {
  /** Access token; default: the variable `SPRITES_TOKEN`, else `SPRITE_TOKEN`. */
  readonly token?: string;
  /** Address of the service; default: the variable `SPRITES_API_URL`, else `"https://api.sprites.dev"`. */
  readonly baseUrl?: string;
  /** Which software a sprite begins with, in the vendor's words; default: the vendor's. */
  readonly runtime?: "default" | "dev";
  /** Processors, as a whole number; default: the vendor's. */
  readonly cpus?: number;
  /** Bytes, or a text such as `"512m"` or `"2g"`, rounded up to MiB; default: the vendor's. */
  readonly memoryBytes?: number | string;
  /** Bytes, or a text such as `"10g"`, rounded up to GiB; default: the vendor's. */
  readonly diskBytes?: number | string;
  /** Where it runs, for example `"ord"`; default: the vendor's choice. */
  readonly region?: string;
  /** Whether `create` waits until the vendor has room for the machine; default `false`. */
  readonly waitForCapacity?: boolean;
  /** Whether anybody may open the sprite's own address, without a token; default `false`. */
  readonly publicUrl?: boolean;
  /** Working directory, created when missing; default: `workspace` in the home of the sprite's user. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the sprite's configuration. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes, by `sudo`; default: the sprite's user. */
  readonly user?: string;
  /** Added to the sprite's labels; names that begin with `playpen.` are the library's own. */
  readonly labels?: Labels;
  /** How long one request to the service may take; default 60,000. */
  readonly requestTimeoutMs?: number;
}

/** The options with their defaults filled in and their units resolved. */
export interface SpritesSettings extends Omit<SpritesOptions, "memoryBytes" | "diskBytes"> {
  readonly memoryBytes?: number;
  readonly diskBytes?: number;
  readonly publicUrl: boolean;
  readonly env: Environment;
  readonly labels: Labels;
  readonly requestTimeoutMs: number;
}

/** @throws TypeError that names the option, the value received and the correction. */
export function resolveSpritesOptions(options: SpritesOptions): SpritesSettings {
  validateProviderOptions("sprites()", options, rules);
  const { memoryBytes, diskBytes, ...rest } = withoutUndefined(options);
  if (rest.cpus !== undefined && !Number.isInteger(rest.cpus)) {
    throw new TypeError(`sprites(): option "cpus" must be a whole number, received ${String(rest.cpus)}.`);
  }
  return {
    ...defaults,
    ...rest,
    ...(memoryBytes === undefined ? {} : { memoryBytes: parseBytes(memoryBytes) ?? 0 }),
    ...(diskBytes === undefined ? {} : { diskBytes: parseBytes(diskBytes) ?? 0 }),
  };
}

const defaults = {
  publicUrl: false,
  env: {},
  labels: {},
  requestTimeoutMs: 60_000,
} as const satisfies SpritesSettings;

function withoutUndefined(options: SpritesOptions): SpritesOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const isAddress: OptionCheck = (value) =>
  typeof value === "string" && /^https?:\/\/./.test(value) && URL.canParse(value)
    ? undefined
    : 'an address such as "https://api.sprites.dev"';

const rules: ProviderOptionRules = {
  takes: ["cpus", "memoryBytes", "diskBytes", "region", "cwd", "env", "user", "labels"],
  refuses: {
    image: 'the vendor has no images for sprites; choose a "runtime", and install the rest inside',
    template: 'the vendor has no templates for sprites; choose a "runtime", and install the rest inside',
    snapshot: "a checkpoint belongs to its own sprite: connect to that one and call restore()",
    pidsLimit: "the vendor has no limit for processes",
    timeoutMs: "a sprite has no end of its own: it sleeps when nothing happens, and goes with destroy()",
    mounts: "the vendor has none; bring files in with box.files.upload()",
  },
  own: {
    token: isString,
    baseUrl: isAddress,
    runtime: isOneOf("default", "dev"),
    waitForCapacity: isBoolean,
    publicUrl: isBoolean,
    requestTimeoutMs: isDurationMs,
  },
};
