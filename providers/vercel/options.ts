import {
  type Environment,
  type Labels,
  type OptionCheck,
  type ProviderOptionRules,
  isDurationMs,
  isString,
  validateProviderOptions,
} from "../../src/kit.ts";

/** Settings of the Vercel provider. Everything has a default. */
export interface VercelOptions {
  /** Access token; default: the variable `VERCEL_TOKEN`, else `VERCEL_OIDC_TOKEN`. */
  readonly token?: string;
  /** Default: the variable `VERCEL_TEAM_ID`, else what the OIDC token says. */
  readonly teamId?: string;
  /** Default: the variable `VERCEL_PROJECT_ID`, else what the OIDC token says. */
  readonly projectId?: string;
  /** Address of the service; default `"https://vercel.com/api"`. */
  readonly baseUrl?: string;
  /** Image of Vercel's registry; default: the vendor's, an Ubuntu with Node.js and Python. */
  readonly image?: string;
  /** Id of a snapshot to start from, in place of an image. */
  readonly snapshot?: string;
  /** Processors, as a whole number; each brings 2 GiB of memory. Default: the vendor's. */
  readonly cpus?: number;
  /** How long a sandbox lives on that nobody uses; default 300,000. */
  readonly timeoutMs?: number;
  /** Where it runs, for example `"fra1"`; default: the vendor's choice. */
  readonly region?: string;
  /** Ports that are reachable from the beginning; default none. `expose()` adds others. */
  readonly ports?: readonly number[];
  /** Working directory, created when missing; default: the vendor's. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the sandbox's configuration. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes, by `sudo`; default: the image's user. */
  readonly user?: string;
  /** Kept in the sandbox's tags; names that begin with `playpen.` are the library's own. */
  readonly labels?: Labels;
  /** How long one request to the service may take; default 60,000. */
  readonly requestTimeoutMs?: number;
}

/** The options with their defaults filled in. */
export interface VercelSettings extends VercelOptions {
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly ports: readonly number[];
  readonly env: Environment;
  readonly labels: Labels;
  readonly requestTimeoutMs: number;
}

/** @throws TypeError that names the option, the value received and the correction. */
export function resolveVercelOptions(options: VercelOptions): VercelSettings {
  validateProviderOptions("vercel()", options, rules);
  const given = withoutUndefined(options);
  const { cpus, image, snapshot, baseUrl = defaults.baseUrl } = given;
  if (cpus !== undefined && !Number.isInteger(cpus)) {
    throw new TypeError(`vercel(): option "cpus" must be a whole number, received ${String(cpus)}.`);
  }
  if (image !== undefined && snapshot !== undefined) {
    throw new TypeError('vercel(): options "image" and "snapshot" exclude each other; leave one out.');
  }
  return { ...defaults, ...given, baseUrl: baseUrl.replace(/\/+$/, "") };
}

const defaults = {
  baseUrl: "https://vercel.com/api",
  timeoutMs: 300_000,
  ports: [],
  env: {},
  labels: {},
  requestTimeoutMs: 60_000,
} as const satisfies VercelSettings;

function withoutUndefined(options: VercelOptions): VercelOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const isAddress: OptionCheck = (value) =>
  typeof value === "string" && /^https?:\/\/./.test(value) && URL.canParse(value)
    ? undefined
    : 'an address such as "https://vercel.com/api"';

/** As many as the vendor takes. */
const mostPorts = 15;

const arePorts: OptionCheck = (value) =>
  Array.isArray(value) && value.length <= mostPorts && value.every(isPort)
    ? undefined
    : `an array of at most ${mostPorts} ports from 1 to 65535`;

function isPort(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

const rules: ProviderOptionRules = {
  takes: ["image", "snapshot", "cpus", "timeoutMs", "region", "cwd", "env", "user", "labels"],
  refuses: {
    template: 'the vendor has images and snapshots: give one with "image" or "snapshot"',
    memoryBytes: 'each processor brings 2 GiB: choose with "cpus"',
    diskBytes: "the vendor has no choice of disks",
    pidsLimit: "the vendor has no limit for processes",
    mounts: "bring files in with box.files.upload()",
  },
  own: {
    token: isString,
    teamId: isString,
    projectId: isString,
    baseUrl: isAddress,
    ports: arePorts,
    requestTimeoutMs: isDurationMs,
  },
};
