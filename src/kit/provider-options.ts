import { isAbsolute } from "node:path";
import type { Environment, Labels } from "../spec/sandbox.ts";
import { isJsonObject } from "./json.ts";
import {
  type OptionCheck,
  isAbsolutePath,
  isDurationMs,
  isEnvironment,
  isOneOf,
  isPositiveInteger,
  isPositiveNumber,
  isString,
  isStringRecord,
  validateOptions,
} from "./validate-options.ts";

/** A folder, file or volume that the sandbox sees. */
export interface SandboxMount {
  /** Absolute path on the machine where the sandbox runs, or the name of a volume. */
  readonly source: string;
  /** Absolute path inside the sandbox. */
  readonly target: string;
  /** Default `"bind"`: a path. */
  readonly type?: "bind" | "volume";
  /** Whether the sandbox may change what is there; default `false`. */
  readonly writable?: boolean;
}

/**
 * The words that options of all providers share. A provider takes those that its vendor knows, maps them, and refuses
 * the others with the reason; none of them means something else anywhere, and none is ignored.
 */
export interface ProviderVocabulary {
  /** Name of a container image. */
  readonly image?: string;
  /** Name or id of a template that the vendor has built. */
  readonly template?: string;
  /** Id of a snapshot, as `snapshot()` gives it. */
  readonly snapshot?: string;
  /** Processors, for example 1.5. */
  readonly cpus?: number;
  /** Bytes, or a text such as `"512m"` or `"2g"`. */
  readonly memoryBytes?: number | string;
  /** Bytes, or a text such as `"10g"`. */
  readonly diskBytes?: number | string;
  /** Processes and threads at one time. */
  readonly pidsLimit?: number;
  /** How long the vendor lets the sandbox live without being extended. */
  readonly timeoutMs?: number;
  /** Where it runs, in the vendor's words. */
  readonly region?: string;
  /** Working directory, created when missing. */
  readonly cwd?: string;
  /** Given to each process when it starts, never stored in the sandbox's configuration. */
  readonly env?: Environment;
  /** User name or `uid[:gid]` of the processes. */
  readonly user?: string;
  readonly mounts?: readonly SandboxMount[];
  /** Put on the sandbox; names that begin with `playpen.` are the library's own. */
  readonly labels?: Labels;
}

const unitBytes: { readonly [unit: string]: number } = {
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/** `"512m"` → 536870912; `undefined` when it is no number of bytes. */
export function parseBytes(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  const match = typeof value === "string" ? /^(\d+(?:\.\d+)?)([bkmgt])(?:i?b)?$/i.exec(value) : null;
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) * (unitBytes[match[2]?.toLowerCase() ?? "b"] ?? 1));
}

/** Docker refuses less. */
const minimumBytes = 6 * 2 ** 20;

const areBytes: OptionCheck = (value) => {
  const bytes = parseBytes(value);
  return bytes !== undefined && bytes >= minimumBytes
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

const vocabulary = {
  image: isString,
  template: isString,
  snapshot: isString,
  cpus: isPositiveNumber,
  memoryBytes: areBytes,
  diskBytes: areBytes,
  pidsLimit: isPositiveInteger,
  timeoutMs: isDurationMs,
  region: isString,
  cwd: isAbsolutePath,
  env: isEnvironment,
  user: isUser,
  mounts: areMounts,
  labels: areLabels,
} satisfies { readonly [Name in keyof ProviderVocabulary]-?: OptionCheck };

/** Which options a provider takes, for `validateProviderOptions`. */
export interface ProviderOptionRules {
  /** The words of the vocabulary that the provider takes. */
  readonly takes: readonly (keyof ProviderVocabulary)[];
  /** Why it does not take the others, and what to do instead; a word without a reason is an unknown option. */
  readonly refuses: { readonly [Name in keyof ProviderVocabulary]?: string };
  /** The checks of its own options. */
  readonly own: { readonly [name: string]: OptionCheck };
}

/**
 * Checks a provider's options: those of its own, and those of the vocabulary that it takes.
 *
 * @throws TypeError that names the option, the value received and the correction.
 *
 * @example
 * ```ts
 * validateProviderOptions("e2b()", options, {
 *   takes: ["template", "timeoutMs", "env", "labels"],
 *   refuses: { cpus: "a template fixes them; build one with the number you need" },
 *   own: { apiKey: isString },
 * });
 * ```
 */
export function validateProviderOptions(owner: string, options: unknown, rules: ProviderOptionRules): void {
  if (isJsonObject(options)) {
    for (const [name, why] of Object.entries(rules.refuses)) {
      if (options[name] === undefined) continue;
      throw new TypeError(`${owner}: there is no option ${JSON.stringify(name)}: ${why}.`);
    }
  }
  // Those that are refused may be there, undefined.
  const known = [...rules.takes, ...refusedNames(rules)].map((name) => [name, vocabulary[name]] as const);
  validateOptions(owner, options, { ...Object.fromEntries(known), ...rules.own });
}

function refusedNames({ refuses }: ProviderOptionRules): readonly (keyof ProviderVocabulary)[] {
  return (Object.keys(vocabulary) as (keyof ProviderVocabulary)[]).filter(
    (name) => refuses[name] !== undefined,
  );
}
