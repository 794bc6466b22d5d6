import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { isJsonObject } from "../kit/json.ts";
import {
  isAbortSignal,
  isBoolean,
  isString,
  isStringRecord,
  type OptionCheck,
  validateOptions,
} from "../kit/validate-options.ts";
import type { Labels, SandboxInfo, SandboxProvider } from "../spec/sandbox.ts";
import { labelNames, ownerOfThisProcess } from "./labels.ts";

/** Which sandboxes `SandboxAgent.sweep` removes. */
export interface SweepOptions {
  readonly sandbox: SandboxProvider;
  /** As given to `SandboxAgent.start`. Default: this process. */
  readonly owner?: string;
  /** Further labels that a sandbox must have to be removed. */
  readonly labels?: Labels;
  /** Whether those go too whose time is not over, but for the ones that this process holds. Default `false`. */
  readonly all?: boolean;
  readonly signal?: AbortSignal;
}

/** What this process uses, by provider and id. */
const held = new Set<string>();

/** Keeps a sandbox from being swept by this process. Returns a function that ends it. */
export function holdFromSweep(provider: string, id: string): () => void {
  const key = `${provider}/${id}`;
  held.add(key);
  return () => held.delete(key);
}

/** See `SandboxAgent.sweep`. */
export async function sweep(options: SweepOptions): Promise<readonly string[]> {
  checkSweepOptions(options);
  const { sandbox: provider, owner = ownerOfThisProcess(), labels = {}, all = false, signal } = options;
  const removed: string[] = [];
  for await (const info of provider.list({ labels: { ...labels, [labelNames.owner]: owner } })) {
    signal?.throwIfAborted();
    const id = `${provider.name}/${info.id}`;
    if (held.has(id) || !(all || isExpired(info))) continue;
    if (await remove(provider, info.id)) removed.push(id);
  }
  return removed;
}

const isProvider: OptionCheck = (value) =>
  isJsonObject(value) && typeof value["list"] === "function" && typeof value["connect"] === "function"
    ? undefined
    : "a sandbox provider such as docker() from playpen/docker";

function checkSweepOptions(options: unknown): void {
  validateOptions("SandboxAgent.sweep()", options, {
    sandbox: isProvider,
    owner: isString,
    labels: isStringRecord,
    all: isBoolean,
    signal: isAbortSignal,
  });
  if (isJsonObject(options) && options["sandbox"] !== undefined) return;
  throw new TypeError(
    'SandboxAgent.sweep(): option "sandbox" is required, for example docker() from playpen/docker.',
  );
}

/** One that does not say when it expires, does not. */
function isExpired({ labels }: SandboxInfo): boolean {
  const expiry = Date.parse(labels[labelNames.expiresAt] ?? "");
  return expiry <= Date.now();
}

/** Whether it was there to be removed. */
async function remove(provider: SandboxProvider, id: string): Promise<boolean> {
  try {
    const sandbox = await provider.connect(id, { env: {} });
    await sandbox.destroy();
    return true;
  } catch (error) {
    if (SandboxAgentError.is(error, "sandbox_not_found")) return false;
    throw error;
  }
}
