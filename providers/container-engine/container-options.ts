import {
  type Environment,
  type Labels,
  type OptionCheck,
  type ProviderOptionRules,
  type SandboxMount,
  isBoolean,
  isJsonObject,
  isOneOf,
  isString,
  isStringArray,
  isStringRecord,
  parseBytes,
  validateProviderOptions,
} from "../../src/kit.ts";
import type { EngineKind } from "./engine-kind.ts";

/** Certificates for an engine that is reached over TLS, as the text of PEM files. */
export interface EngineTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The account for a registry that does not let anybody in. */
export interface RegistryAuth {
  readonly username: string;
  readonly password: string;
  /** Address of the registry; default: the one in the image's name. */
  readonly serverAddress?: string;
}

/** What a container is like, whichever way its engine is reached. Everything has a default. */
export interface ContainerOptions {
  /** Needs `/bin/sh`; default `"node:22-bookworm"`. */
  readonly image?: string;
  /** When the image is fetched; default `"missing"`. */
  readonly pull?: "missing" | "always" | "never";
  readonly registryAuth?: RegistryAuth;
  /** For example `"linux/amd64"`; default: the engine's. */
  readonly platform?: string;
  /** Working directory, created when missing; default `"/workspace"`. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the container's configuration. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes; default: the image's user. */
  readonly user?: string;
  readonly mounts?: readonly SandboxMount[];
  /** `"bridge"` (default), `"none"`, `"host"`, or the name of a network. */
  readonly network?: string;
  /** Ports that `expose()` has to publish on the engine's machine, since the host cannot reach its networks. */
  readonly ports?: readonly number[];
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
}

/** Settings of a provider that speaks to an engine's API. Everything has a default. */
export interface EngineOptions extends ContainerOptions {
  /** Path of the engine's socket; default: the first engine that answers. */
  readonly socketPath?: string;
  /** Address of the engine, such as `tcp://10.0.0.5:2376`; default: `DOCKER_HOST` or, for Podman, `CONTAINER_HOST`. */
  readonly host?: string;
  /** PEM texts for a `tcp://` or `https://` host; default: the files in `DOCKER_CERT_PATH` for one by a variable. */
  readonly tls?: EngineTls;
}

/** The options with their defaults filled in and their units resolved. */
export interface ContainerSettings extends EngineOptions {
  readonly kind: EngineKind;
  readonly image: string;
  readonly pull: "missing" | "always" | "never";
  readonly cwd: string;
  readonly env: Environment;
  readonly mounts: readonly SandboxMount[];
  readonly network: string;
  readonly ports: readonly number[];
  readonly memoryBytes?: number;
  readonly pidsLimit: number;
  readonly init: boolean;
  readonly capDrop: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly labels: Labels;
}

/** @throws TypeError that names the option, the value received and the correction. */
export function resolveEngineOptions(
  kind: EngineKind,
  options: EngineOptions,
  more: { readonly [name: string]: OptionCheck } = {},
): ContainerSettings {
  const owner = `${kind.name}()`;
  validateProviderOptions(owner, options, { ...rules, own: { ...own, ...more } });
  if (options.socketPath !== undefined && options.host !== undefined) {
    throw new TypeError(`${owner}: options "socketPath" and "host" exclude each other; leave one out.`);
  }
  if ((options.ports ?? []).length > 0 && ["none", "host"].includes(options.network ?? "")) {
    throw new TypeError(
      `${owner}: option "ports" cannot go with the network ${JSON.stringify(options.network)}; use "bridge" or ` +
        "a network of your own.",
    );
  }
  const { memoryBytes, ...rest } = withoutUndefined(options);
  return {
    ...defaults,
    kind,
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
  ports: [],
  pidsLimit: 4096,
  init: true,
  capDrop: ["AUDIT_WRITE", "MKNOD", "NET_RAW"],
  noNewPrivileges: true,
  labels: {},
} as const satisfies Omit<ContainerSettings, "kind">;

function withoutUndefined(options: EngineOptions): EngineOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

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

const arePorts: OptionCheck = (value) =>
  Array.isArray(value) && value.every((port) => Number.isInteger(port) && port > 0 && port < 65_536)
    ? undefined
    : "an array of port numbers from 1 to 65535";

/** The checks of options that every container has, beside those of the vocabulary. */
export const containerChecks = {
  pull: isOneOf("missing", "always", "never"),
  platform: isString,
  network: isString,
  ports: arePorts,
  init: isBoolean,
  capDrop: isStringArray,
  noNewPrivileges: isBoolean,
};

const own = {
  ...containerChecks,
  registryAuth: isRegistryAuth,
  socketPath: isString,
  host: isHost,
  tls: isRecordOf("ca", "cert", "key"),
};

const rules: Omit<ProviderOptionRules, "own"> = {
  takes: ["image", "cwd", "env", "user", "mounts", "cpus", "memoryBytes", "pidsLimit", "labels"],
  refuses: {
    template: 'give the name of an image with "image"',
    snapshot: 'it is given with each box, or as an image: give its id with "image"',
    diskBytes: "most of the engine's storage drivers have no limit for one container",
    timeoutMs: "a container lives as long as its host process, or until the time given to detach()",
    region: 'it runs where the engine does: choose one with "host"',
  },
};
