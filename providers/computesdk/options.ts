import {
  type Environment,
  type Labels,
  type OptionCheck,
  isDurationMs,
  isJsonObject,
  isString,
  validateProviderOptions,
} from "../../src/kit.ts";
import type { Compute } from "./compute.ts";

/** Options of `computesdk()`. */
export interface ComputesdkOptions {
  /** The program's own `compute` of the package `computesdk`, set up with the vendors that it uses. */
  readonly compute: Compute;
  /** Name of the vendor to create with, where there are several; default: as `compute` chooses. */
  readonly provider?: string;
  /** Image to start from, where the vendor takes one. */
  readonly image?: string;
  /** Name or id of a template that the vendor has built. */
  readonly template?: string;
  /** How long the vendor lets a sandbox live; it cannot be put off. Default 3,600,000. */
  readonly timeoutMs?: number;
  /** Further options of `compute.sandbox.create()`, such as a vendor's own words for sizes. */
  readonly createOptions?: { readonly [name: string]: unknown };
  /** Working directory, created when missing; default: `workspace` in the home folder. */
  readonly cwd?: string;
  /** Given to each process when it starts. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes, where the vendor runs commands as root; default: the vendor's. */
  readonly user?: string;
  /** Added to the labels of every sandbox. */
  readonly labels?: Labels;
  /** How long to wait for a creation or any other answer; default 120,000. */
  readonly requestTimeoutMs?: number;
}

/** The options with their defaults. */
export interface ComputesdkSettings {
  readonly compute: Compute;
  readonly createOptions: { readonly [name: string]: unknown };
  readonly timeoutMs: number;
  /** Empty: the usual one. */
  readonly cwd: string;
  readonly env: Environment;
  readonly user: string | undefined;
  readonly labels: Labels;
  readonly requestTimeoutMs: number;
}

const isCompute: OptionCheck = (value) => {
  const isObject = (typeof value === "object" || typeof value === "function") && value !== null;
  const sandbox: unknown = isObject ? Reflect.get(value, "sandbox") : undefined;
  const has = (name: string): boolean =>
    typeof sandbox === "object" && sandbox !== null && typeof Reflect.get(sandbox, name) === "function";
  return ["create", "getById", "list", "destroy"].every(has)
    ? undefined
    : "the `compute` of the package computesdk 4, with its sandbox.create(), getById(), list() and destroy()";
};

/** What this library says to `create` by itself. */
const reserved = ["timeout", "metadata", "envs", "signal"];

const isCreateOptions: OptionCheck = (value) => {
  if (!isJsonObject(value)) return "an object of options of compute.sandbox.create()";
  const found = reserved.find((name) => Object.hasOwn(value, name));
  return found === undefined ? undefined : `an object without ${JSON.stringify(found)}, which is set here`;
};

const own = {
  compute: isCompute,
  provider: isString,
  createOptions: isCreateOptions,
  requestTimeoutMs: isDurationMs,
};

const inVendorsWords = "every vendor has another word for it; say it in `createOptions`";

const refuses = {
  snapshot: "say `snapshotId` in `createOptions`",
  cpus: inVendorsWords,
  memoryBytes: inVendorsWords,
  diskBytes: inVendorsWords,
  pidsLimit: inVendorsWords,
  region: inVendorsWords,
  mounts: "there is no common way to do it; fetch what is needed with files.upload()",
};

/** @throws TypeError that names the option. */
export function resolveOptions(options: ComputesdkOptions): ComputesdkSettings {
  validateProviderOptions("computesdk()", options, {
    takes: ["image", "template", "timeoutMs", "cwd", "env", "user", "labels"],
    refuses,
    own,
  });
  if (!Object.hasOwn(options, "compute")) {
    throw new TypeError('computesdk(): the option "compute" is missing.');
  }
  const { provider, image, template } = options;
  return {
    compute: options.compute,
    createOptions: {
      ...options.createOptions,
      ...(provider === undefined ? {} : { provider }),
      ...(image === undefined ? {} : { image }),
      ...(template === undefined ? {} : { templateId: template }),
    },
    timeoutMs: options.timeoutMs ?? 3_600_000,
    cwd: options.cwd ?? "",
    env: options.env ?? {},
    user: options.user,
    labels: options.labels ?? {},
    requestTimeoutMs: options.requestTimeoutMs ?? 120_000,
  };
}
