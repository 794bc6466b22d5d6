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

/** Settings of the Daytona provider. Everything has a default; the key comes from `DAYTONA_API_KEY`. */
export interface DaytonaOptions {
  /** Default: the variable `DAYTONA_API_KEY`, read when it is first needed. */
  readonly apiKey?: string;
  /** Address of the API; default: the variable `DAYTONA_API_URL`, else `"https://app.daytona.io/api"`. */
  readonly apiUrl?: string;
  /** Name of a snapshot of the vendor's that was prepared; default: the organization's default. */
  readonly template?: string;
  /** Name of a container image, from which the vendor builds a snapshot; not beside `template`. */
  readonly image?: string;
  /** Processors, as a whole number; only beside `image`. */
  readonly cpus?: number;
  /** Bytes, or a text such as `"4g"`, rounded up to GiB; only beside `image`. */
  readonly memoryBytes?: number | string;
  /** Bytes, or a text such as `"10g"`, rounded up to GiB; only beside `image`. */
  readonly diskBytes?: number | string;
  /** Where it runs, the vendor's target; default: the variable `DAYTONA_TARGET`, else the organization's. */
  readonly region?: string;
  /** How long the sandbox outlives its last use, and its host, rounded up to minutes; default 900,000. */
  readonly timeoutMs?: number;
  /** Working directory, created when missing; default: `workspace` in the user's home. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the sandbox's configuration. */
  readonly env?: Environment;
  /** Name of the user of all processes; default: the snapshot's user. */
  readonly user?: string;
  /** Added to the sandbox's labels; names that begin with `playpen.` are the library's own. */
  readonly labels?: Labels;
  /** How long a creation may take, with the building of a snapshot, in milliseconds; default 300,000. */
  readonly createTimeoutMs?: number;
  /** How long a request may wait for its answer, in milliseconds; default 60,000. */
  readonly requestTimeoutMs?: number;
}

export interface DaytonaSettings extends DaytonaOptions {
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly diskBytes?: number;
  readonly timeoutMs: number;
  readonly env: Environment;
  readonly labels: Labels;
  readonly createTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

const defaults = {
  timeoutMs: 900_000,
  env: {},
  labels: {},
  createTimeoutMs: 300_000,
  requestTimeoutMs: 60_000,
} as const satisfies DaytonaSettings;

const sizes = ["cpus", "memoryBytes", "diskBytes"] as const;

/** @throws TypeError that names the option, the value received and the correction. */
export function resolveDaytonaOptions(options: DaytonaOptions): DaytonaSettings {
  validateProviderOptions("daytona()", options, rules);
  if (options.template !== undefined && options.image !== undefined) {
    throw new TypeError('daytona(): options "template" and "image" exclude each other; leave one out.');
  }
  const size = sizes.find((name) => options[name] !== undefined);
  if (size !== undefined && options.image === undefined) {
    throw new TypeError(
      `daytona(): option "${size}" needs "image": a snapshot has its sizes from when it was made.`,
    );
  }
  if (options.cpus !== undefined && !Number.isInteger(options.cpus)) {
    throw new TypeError(`daytona(): option "cpus" must be a whole number, received ${String(options.cpus)}.`);
  }
  const { memoryBytes, diskBytes, ...given } = withoutUndefined(options);
  return {
    ...defaults,
    ...given,
    ...(memoryBytes === undefined ? {} : { memoryBytes: parseBytes(memoryBytes) ?? 0 }),
    ...(diskBytes === undefined ? {} : { diskBytes: parseBytes(diskBytes) ?? 0 }),
  };
}

function withoutUndefined(options: DaytonaOptions): DaytonaOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const isUrl: OptionCheck = (value) =>
  typeof value === "string" && /^https?:\/\/[^/]/.test(value) ? undefined : "an http or https address";

const isUserName: OptionCheck = (value) =>
  typeof value === "string" && /^[a-z_][a-z0-9_-]*$/i.test(value) ? undefined : "the name of a user";

const rules: ProviderOptionRules = {
  takes: [
    "image",
    "template",
    "cpus",
    "memoryBytes",
    "diskBytes",
    "region",
    "timeoutMs",
    "cwd",
    "env",
    "labels",
  ],
  refuses: {
    snapshot: 'what Daytona calls a snapshot is a template: give its name with "template"',
    pidsLimit: "Daytona has no limit of processes",
    mounts: "volumes are not mounted by this provider; give an image or a snapshot what it needs",
  },
  own: {
    apiKey: isString,
    apiUrl: isUrl,
    user: isUserName,
    createTimeoutMs: isDurationMs,
    requestTimeoutMs: isDurationMs,
  },
};
