import { isAbsolute } from "node:path";
import {
  type Environment,
  type Labels,
  type OptionCheck,
  isAbsolutePath,
  isBoolean,
  isEnvironment,
  isJsonObject,
  isOneOf,
  isPositiveInteger,
  isPositiveNumber,
  isString,
  isStringArray,
  isStringRecord,
  validateOptions,
} from "../../src/kit.ts";

/** A folder, file or volume of the engine's machine that the sandbox sees. */
export interface DockerMount {
  /** Absolute path on the engine's machine, or the name of a volume. */
  readonly source: string;
  /** Absolute path inside the sandbox. */
  readonly target: string;
  /** Default `"bind"`: a path of the engine's machine. */
  readonly type?: "bind" | "volume";
  /** Whether the sandbox may change what is there; default `false`. */
  readonly writable?: boolean;
}

export interface DockerTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface DockerRegistryAuth {
  readonly username: string;
  readonly password: string;
  /** Address of the registry; default: the one in the image's name. */
  readonly serverAddress?: string;
}

/** Settings of the Docker provider. Everything has a default. */
export interface DockerOptions {
  /** Needs `/bin/sh`; default `"node:22-bookworm"`. */
  readonly image?: string;
  /** When the image is fetched; default `"missing"`. */
  readonly pull?: "missing" | "always" | "never";
  readonly registryAuth?: DockerRegistryAuth;
  /** For example `"linux/amd64"`; default: the engine's. */
  readonly platform?: string;
  /** Working directory, created when missing; default `"/workspace"`. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the container's configuration. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes; default: the image's user. */
  readonly user?: string;
  readonly mounts?: readonly DockerMount[];
  /** `"bridge"` (default), `"none"`, `"host"`, or the name of a network. */
  readonly network?: string;
  /** For example 1.5; default: no limit. */
  readonly cpus?: number;
  /** Bytes, or a text such as `"512m"` or `"2g"`; swap is not added to it. Default: no limit. */
  readonly memoryBytes?: number | string;
  /** Processes and threads at one time; default 4096. */
  readonly pidsLimit?: number;
  /** Whether an init process reaps orphans; default `true`. */
  readonly init?: boolean;
  /** Capabilities taken away; default `["AUDIT_WRITE", "MKNOD", "NET_RAW"]`. */
  readonly capDrop?: readonly string[];
  /** Whether `sudo` and other set-uid programs gain nothing; default `true`. */
  readonly noNewPrivileges?: boolean;
  /** Added to the container's labels; names that begin with `playpen.` are the library's own. */
  readonly labels?: Labels;
  /** Path of the engine's socket; default: the first engine that answers. */
  readonly socketPath?: string;
  /** Address of the engine, such as `tcp://10.0.0.5:2376`; default: `DOCKER_HOST`. */
  readonly host?: string;
  /** PEM texts for a `tcp://` or `https://` host; default: the files in `DOCKER_CERT_PATH` for `DOCKER_HOST`. */
  readonly tls?: DockerTls;
}

/** The options with their defaults filled in and their units resolved. */
export interface DockerSettings extends DockerOptions {
  readonly image: string;
  readonly pull: "missing" | "always" | "never";
  readonly cwd: string;
  readonly env: Environment;
  readonly mounts: readonly DockerMount[];
  readonly network: string;
  readonly memoryBytes?: number;
  readonly pidsLimit: number;
  readonly init: boolean;
  readonly capDrop: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly labels: Labels;
}

/** @throws TypeError that names the option, the value received and the correction. */
export function resolveDockerOptions(options: DockerOptions): DockerSettings {
  validateOptions("docker()", options, checks);
  if (options.socketPath !== undefined && options.host !== undefined) {
    throw new TypeError('docker(): options "socketPath" and "host" exclude each other; leave one out.');
  }
  const { memoryBytes, ...rest } = withoutUndefined(options);
  return {
    ...defaults,
    ...rest,
    ...(memoryBytes === undefined ? {} : { memoryBytes: parseBytes(memoryBytes) ?? 0 }),
  };
}

const defaults = {
  image: "node:22-bookworm",
  pull: "missing",
  cwd: "/workspace",
  env: {},
  mounts: [],
  network: "bridge",
  pidsLimit: 4096,
  init: true,
  capDrop: ["AUDIT_WRITE", "MKNOD", "NET_RAW"],
  noNewPrivileges: true,
  labels: {},
} as const satisfies DockerSettings;

function withoutUndefined(options: DockerOptions): DockerOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const unitBytes: { readonly [unit: string]: number } = {
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};
/** The engine refuses less. */
const minimumMemoryBytes = 6 * 2 ** 20;

/** `"512m"` → 536870912; `undefined` when it is no amount of memory. */
export function parseBytes(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  const match = typeof value === "string" ? /^(\d+(?:\.\d+)?)([bkmgt])(?:i?b)?$/i.exec(value) : null;
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) * (unitBytes[match[2]?.toLowerCase() ?? "b"] ?? 1));
}

const isMemory: OptionCheck = (value) => {
  const bytes = parseBytes(value);
  return bytes !== undefined && bytes >= minimumMemoryBytes
    ? undefined
    : 'a whole number of bytes or a text such as "512m" or "2g", at least 6 MiB';
};

const isUser: OptionCheck = (value) =>
  typeof value === "string" && /^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/.test(value)
    ? undefined
    : 'a user name or "uid[:gid]"';

const mountTypes = isOneOf("bind", "volume");

const areMounts: OptionCheck = (value) => {
  const expected = "an array of { source, target, type?, writable? }";
  if (!Array.isArray(value)) return expected;
  for (const mount of value) {
    if (!isJsonObject(mount)) return expected;
    const { source, target, type = "bind", writable = false, ...unknown } = mount;
    const [name] = Object.keys(unknown);
    if (name !== undefined) return `${expected}, without ${JSON.stringify(name)}`;
    if (mountTypes(type) !== undefined) return `${expected} where type is ${String(mountTypes(type))}`;
    if (typeof source !== "string" || source === "" || (type === "bind" && !isAbsolute(source))) {
      return `${expected} where source is ${type === "bind" ? "an absolute path" : "the name of a volume"}`;
    }
    if (isAbsolutePath(target) !== undefined)
      return `${expected} where target is ${String(isAbsolutePath(target))}`;
    if (typeof writable !== "boolean") return `${expected} where writable is true or false`;
  }
  return undefined;
};

const areLabels: OptionCheck = (value) => {
  const wrong = isStringRecord(value);
  if (wrong !== undefined || !isJsonObject(value)) return wrong;
  return Object.keys(value).some((name) => name === "" || name.startsWith("playpen."))
    ? 'an object whose names are not empty and do not begin with "playpen."'
    : undefined;
};

/** Which protocols there are is said by the search for an engine, which reads `DOCKER_HOST` by the same rule. */
const isHost: OptionCheck = (value) =>
  typeof value === "string" && /^[a-z]+:\/\/./.test(value)
    ? undefined
    : 'an address such as "unix:///var/run/docker.sock" or "tcp://10.0.0.5:2376"';

function isRecordOf(...names: readonly string[]): OptionCheck {
  return (value) =>
    isStringRecord(value) === undefined && Object.keys(value as object).every((name) => names.includes(name))
      ? undefined
      : `an object with texts for ${names.join(", ")}`;
}

const isRegistryAuth: OptionCheck = (value) =>
  isRecordOf("username", "password", "serverAddress")(value) ??
  (isJsonObject(value) && "username" in value && "password" in value
    ? undefined
    : "an object with username and password");

const checks = {
  image: isString,
  pull: isOneOf("missing", "always", "never"),
  registryAuth: isRegistryAuth,
  platform: isString,
  cwd: isAbsolutePath,
  env: isEnvironment,
  user: isUser,
  mounts: areMounts,
  network: isString,
  cpus: isPositiveNumber,
  memoryBytes: isMemory,
  pidsLimit: isPositiveInteger,
  init: isBoolean,
  capDrop: isStringArray,
  noNewPrivileges: isBoolean,
  labels: areLabels,
  socketPath: isString,
  host: isHost,
  tls: isRecordOf("ca", "cert", "key"),
} satisfies { readonly [Name in keyof DockerOptions]-?: OptionCheck };
