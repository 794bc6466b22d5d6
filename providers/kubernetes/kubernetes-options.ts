import {
  type Environment,
  type Labels,
  type OptionCheck,
  type ProviderOptionRules,
  type SandboxMount,
  isDurationMs,
  isJsonObject,
  isOneOf,
  isString,
  isStringArray,
  isStringRecord,
  parseBytes,
  validateProviderOptions,
} from "../../src/kit.ts";

/** A taint of nodes that the pod puts up with, in the words of Kubernetes. */
export interface KubernetesToleration {
  readonly key?: string;
  readonly operator?: "Exists" | "Equal";
  readonly value?: string;
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

/** Settings of the Kubernetes provider. Everything has a default. */
export interface KubernetesOptions {
  /** Needs `/bin/sh`; default `"node:22-bookworm"`. */
  readonly image?: string;
  /** When the image is fetched; default `"missing"`. */
  readonly pull?: "missing" | "always" | "never";
  /** Names of secrets in the namespace that let the image be fetched. */
  readonly imagePullSecrets?: readonly string[];
  /** Where the pods are made; default: the context's, else `"default"`. */
  readonly namespace?: string;
  /** Path of a kubeconfig file; default: `KUBECONFIG`, else `~/.kube/config`, else the pod's own service account. */
  readonly kubeconfig?: string;
  /** Name of a context in the kubeconfig; default: its current one. */
  readonly context?: string;
  /** Address of the API server, such as `https://10.0.0.1:6443`, in place of a kubeconfig. */
  readonly server?: string;
  /** Bearer token for `server`. */
  readonly token?: string;
  /** PEM text of the authority that signed the certificate of `server`; default: the system's authorities. */
  readonly certificateAuthority?: string;
  /** Working directory, created when missing; default: `workspace` in the home folder of the container's user. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the pod's configuration. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes, which takes a container that runs as root; default: the container's. */
  readonly user?: string;
  /** Numeric user of the whole container. With it the pod meets the pod security standard `restricted`. */
  readonly runAsUser?: number;
  /** Paths of the node (`hostPath`), or with `type: "volume"` persistent volume claims by name. */
  readonly mounts?: readonly SandboxMount[];
  /** The limit, for example 1.5; default: the namespace's. */
  readonly cpus?: number;
  /** The limit: bytes, or a text such as `"512m"` or `"2g"`; default: the namespace's. */
  readonly memoryBytes?: number | string;
  /** The limit on what the container writes (`ephemeral-storage`), beyond which the pod is evicted. */
  readonly diskBytes?: number | string;
  /** How long a pod lives after its host was last heard of; default 300,000. */
  readonly timeoutMs?: number;
  /** How long a pod may take until it runs, the fetching of its image included; default 300,000. */
  readonly startTimeoutMs?: number;
  /** How long the API server may take for an answer; default 60,000. */
  readonly requestTimeoutMs?: number;
  /** Name of the service account whose token processes see; default: none sees any. */
  readonly serviceAccount?: string;
  /** Labels of the nodes that the pod may run on. */
  readonly nodeSelector?: { readonly [name: string]: string };
  /** Taints that the pod puts up with. */
  readonly tolerations?: readonly KubernetesToleration[];
  /** Name of a runtime class, such as one for gVisor or Kata Containers. */
  readonly runtimeClass?: string;
  /** Added to the sandbox's labels; names that begin with `playpen.` are the library's own. */
  readonly labels?: Labels;
}

/** The options with their defaults filled in and their units resolved. */
export interface KubernetesSettings extends KubernetesOptions {
  readonly image: string;
  readonly pull: "missing" | "always" | "never";
  readonly env: Environment;
  readonly mounts: readonly SandboxMount[];
  readonly memoryBytes?: number;
  readonly diskBytes?: number;
  readonly timeoutMs: number;
  readonly startTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly labels: Labels;
}

/** @throws TypeError that names the option, the value received and the correction. */
export function resolveKubernetesOptions(options: KubernetesOptions): KubernetesSettings {
  validateProviderOptions("kubernetes()", options, rules);
  const given = withoutUndefined(options);
  const { server } = given;
  for (const name of ["kubeconfig", "context"] as const) {
    if (server === undefined || given[name] === undefined) continue;
    throw new TypeError(`kubernetes(): options "server" and "${name}" exclude each other; leave one out.`);
  }
  for (const name of ["token", "certificateAuthority"] as const) {
    if (server !== undefined || given[name] === undefined) continue;
    throw new TypeError(`kubernetes(): option "${name}" is for "server", which is missing.`);
  }
  if (given.runAsUser !== undefined && given.user !== undefined) {
    throw new TypeError('kubernetes(): options "runAsUser" and "user" exclude each other; leave one out.');
  }
  const { memoryBytes, diskBytes, ...rest } = given;
  return {
    ...defaults,
    ...rest,
    ...(memoryBytes === undefined ? {} : { memoryBytes: parseBytes(memoryBytes) ?? 0 }),
    ...(diskBytes === undefined ? {} : { diskBytes: parseBytes(diskBytes) ?? 0 }),
  };
}

const defaults = {
  image: "node:22-bookworm",
  pull: "missing",
  env: {},
  mounts: [],
  timeoutMs: 300_000,
  startTimeoutMs: 300_000,
  requestTimeoutMs: 60_000,
  labels: {},
} as const satisfies KubernetesSettings;

function withoutUndefined(options: KubernetesOptions): KubernetesOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Names of namespaces and service accounts; the API server refuses others. */
const isName: OptionCheck = (value) =>
  typeof value === "string" && value.length <= 253 && /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(value)
    ? undefined
    : "a name of small letters, digits, - and . that begins and ends with a letter or digit";

const areNames: OptionCheck = (value) =>
  isStringArray(value) === undefined &&
  Array.isArray(value) &&
  value.every((name) => isName(name) === undefined)
    ? undefined
    : "an array of names";

const isServer: OptionCheck = (value) =>
  typeof value === "string" && /^https?:\/\/[^/\s?#]+(\/[^\s?#]*)?$/.test(value)
    ? undefined
    : 'an address such as "https://10.0.0.1:6443"';

const isPem: OptionCheck = (value) =>
  typeof value === "string" && value.includes("-----BEGIN CERTIFICATE-----")
    ? undefined
    : "the PEM text of a certificate";

/** Root has no use for it: the standard `restricted` forbids root. */
const isNumericUser: OptionCheck = (value) =>
  typeof value === "number" && Number.isInteger(value) && value > 0 && value < 2 ** 31
    ? undefined
    : "a whole number above 0";

const tolerationFields: { readonly [name: string]: OptionCheck } = {
  key: isString,
  operator: isOneOf("Exists", "Equal"),
  value: isString,
  effect: isOneOf("NoSchedule", "PreferNoSchedule", "NoExecute"),
};

const areTolerations: OptionCheck = (value) => {
  const isToleration = (each: unknown): boolean =>
    isJsonObject(each) &&
    Object.entries(each).every(([name, field]) => tolerationFields[name]?.(field) === undefined) &&
    Object.keys(each).every((name) => Object.hasOwn(tolerationFields, name));
  return Array.isArray(value) && value.every(isToleration)
    ? undefined
    : "an array of { key?, operator?, value?, effect? }";
};

/** A pod cannot be asked for less time than it takes to be heard of. */
const isLease: OptionCheck = (value) =>
  isDurationMs(value) ?? (typeof value === "number" && value >= 4000 ? undefined : "at least 4,000");

const own = {
  pull: isOneOf("missing", "always", "never"),
  imagePullSecrets: areNames,
  namespace: isName,
  kubeconfig: isString,
  context: isString,
  server: isServer,
  token: isString,
  certificateAuthority: isPem,
  runAsUser: isNumericUser,
  timeoutMs: isLease,
  startTimeoutMs: isDurationMs,
  requestTimeoutMs: isDurationMs,
  serviceAccount: isName,
  nodeSelector: isStringRecord,
  tolerations: areTolerations,
  runtimeClass: isName,
};

const rules: ProviderOptionRules = {
  takes: ["image", "cwd", "env", "user", "mounts", "cpus", "memoryBytes", "diskBytes", "labels"],
  refuses: {
    template: 'give the name of an image with "image"',
    snapshot: "Kubernetes keeps no snapshot of a container's files; build an image",
    pidsLimit: "the kubelet sets it for all pods of a node (podPidsLimit)",
    region: 'choose the nodes with "nodeSelector"',
  },
  own,
};
