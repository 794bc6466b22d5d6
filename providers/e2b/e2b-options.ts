import {
  type Environment,
  type Labels,
  type NetworkPolicy,
  type OptionCheck,
  type ProviderOptionRules,
  type SandboxMount,
  isDurationMs,
  isJsonObject,
  isString,
  isStringArray,
  validateProviderOptions,
} from "../../src/kit.ts";

/** Settings of the E2B provider. Everything has a default; the key comes from `E2B_API_KEY`. */
export interface E2bOptions {
  /** Default: the variable `E2B_API_KEY`, read when it is first needed. */
  readonly apiKey?: string;
  /** Name or id of a template; default `"base"`. */
  readonly template?: string;
  /** Id of a snapshot, as `snapshot()` gives it, instead of a template. */
  readonly snapshot?: string;
  /** How long the sandbox outlives its last use, and its host, in milliseconds; default 600,000. */
  readonly timeoutMs?: number;
  /** Working directory, created when missing; default: `workspace` in the user's home. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the sandbox's configuration. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes; default: the template's user. */
  readonly user?: string;
  /** Volumes, by their name; E2B mounts them writable, so that `writable: true` is to be said. */
  readonly mounts?: readonly SandboxMount[];
  /** Which hosts may be reached from the beginning; default `"allow-all"`. */
  readonly network?: NetworkPolicy;
  /** Added to the sandbox's metadata; names that begin with `playpen.` are the library's own. */
  readonly labels?: Labels;
  /** Of an installation of one's own; default: the variable `E2B_DOMAIN`, else `e2b.app`. */
  readonly domain?: string;
  /** Address of the API, where it does not follow from the domain. */
  readonly apiUrl?: string;
  /** Address of the sandboxes' proxy, where it does not follow from the domain. */
  readonly sandboxUrl?: string;
  /** How long a request may wait for its answer, in milliseconds; default 60,000. */
  readonly requestTimeoutMs?: number;
}

export interface E2bSettings extends E2bOptions {
  readonly template: string;
  readonly timeoutMs: number;
  readonly env: Environment;
  readonly mounts: readonly SandboxMount[];
  readonly network: NetworkPolicy;
  readonly labels: Labels;
  readonly requestTimeoutMs: number;
}

const defaults = {
  template: "base",
  timeoutMs: 600_000,
  env: {},
  mounts: [],
  network: "allow-all",
  labels: {},
  requestTimeoutMs: 60_000,
} as const satisfies E2bSettings;

/** @throws TypeError that names the option, the value received and the correction. */
export function resolveE2bOptions(options: E2bOptions): E2bSettings {
  validateProviderOptions("e2b()", options, rules);
  if (options.template !== undefined && options.snapshot !== undefined) {
    throw new TypeError('e2b(): options "template" and "snapshot" exclude each other; leave one out.');
  }
  const given: E2bOptions = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  const wrong = given.mounts?.find(({ type, writable }) => type !== "volume" || writable !== true);
  if (wrong !== undefined) {
    throw new TypeError(
      `e2b(): option "mounts": E2B mounts volumes only, and writable; give { source: "<name of a volume>", ` +
        `target: ${JSON.stringify(wrong.target)}, type: "volume", writable: true }.`,
    );
  }
  return { ...defaults, ...given };
}

const isNetworkPolicy: OptionCheck = (value) => {
  if (value === "allow-all" || value === "deny-all") return undefined;
  const isList = isJsonObject(value) && Object.keys(value).join() === "allow";
  return isList && isStringArray(value["allow"]) === undefined
    ? undefined
    : '"allow-all", "deny-all" or { allow: [names or addresses of hosts] }';
};

const isUrl: OptionCheck = (value) =>
  typeof value === "string" && /^https?:\/\/[^/]/.test(value) ? undefined : "an http or https address";

const rules: ProviderOptionRules = {
  takes: ["template", "snapshot", "timeoutMs", "cwd", "env", "user", "mounts", "labels"],
  refuses: {
    image: 'E2B runs templates: build one from the image, and give its name with "template"',
    cpus: "a template fixes them: build one with the number you need",
    memoryBytes: "a template fixes it: build one with the memory you need",
    diskBytes: "the account's plan fixes it",
    pidsLimit: "a sandbox is a machine of its own, without a limit of processes",
    region: 'the account fixes it; an installation of your own is chosen with "domain"',
  },
  own: {
    apiKey: isString,
    network: isNetworkPolicy,
    domain: isString,
    apiUrl: isUrl,
    sandboxUrl: isUrl,
    requestTimeoutMs: isDurationMs,
  },
};
