import {
  SandboxAgentError,
  type SandboxMetrics,
  arrayField,
  isJsonObject,
  numberField,
  objectField,
} from "../../src/kit.ts";
import { type ContainerHandle, lost } from "./container-state.ts";
import { isGone, wordsOf } from "./engine-errors.ts";

/** Asks the engine for two looks at the container, about a second apart, from which it tells the processors in use. */
export async function measure(handle: ContainerHandle): Promise<SandboxMetrics> {
  try {
    const stats: unknown = await handle.container.stats({ stream: false });
    return metricsOf(stats);
  } catch (error) {
    if (isGone(error)) throw lost(handle, "It is not running any more.", error);
    const { provider } = handle;
    throw new SandboxAgentError("provider_failed", `It could not be measured: ${wordsOf(error)}`, {
      details: { provider },
      cause: error,
    });
  }
}

/** Reads the engine's answer; what it does not hold is left out. */
export function metricsOf(stats: unknown): SandboxMetrics {
  const cpus = cpusOf(stats);
  const memory = objectField(stats, "memory_stats");
  const used = numberField(memory, "usage");
  const limit = numberField(memory, "limit");
  const processes = numberField(objectField(stats, "pids_stats"), "current");
  const details = objectField(memory, "stats");
  // What the kernel keeps of files, and gives up when memory is wanted; named differently by the two kinds of cgroups.
  const cached = numberField(details, "inactive_file") ?? numberField(details, "total_inactive_file") ?? 0;
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(used === undefined ? {} : { memoryBytes: Math.max(0, used - cached) }),
    ...(limit === undefined || limit === 0 ? {} : { memoryLimitBytes: limit }),
    ...(processes === undefined ? {} : { processes }),
  };
}

function cpusOf(stats: unknown): number | undefined {
  const [now, before] = ["cpu_stats", "precpu_stats"].map((name) => objectField(stats, name));
  const total = (of: unknown) => numberField(objectField(of, "cpu_usage"), "total_usage");
  const [used, usedBefore] = [total(now), total(before)];
  const [system, systemBefore] = [now, before].map((of) => numberField(of, "system_cpu_usage"));
  if (used === undefined || usedBefore === undefined) return undefined;
  if (system === undefined || systemBefore === undefined || system <= systemBefore) return undefined;
  const listed = isJsonObject(now) ? arrayField(now["cpu_usage"], "percpu_usage").length : undefined;
  const processors = numberField(now, "online_cpus") ?? listed ?? 1;
  return Math.max(0, ((used - usedBefore) / (system - systemBefore)) * processors);
}
