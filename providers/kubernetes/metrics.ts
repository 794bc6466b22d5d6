import {
  SandboxAgentError,
  type SandboxMetrics,
  arrayField,
  objectField,
  stringField,
} from "../../src/kit.ts";
import { apiFailure, providerName, statusOf } from "./api-errors.ts";
import type { Cluster } from "./cluster.ts";

/** Asks the cluster's metrics server, which tells the average of the last seconds. */
export async function readMetrics(
  cluster: Cluster,
  name: string,
  memoryLimitBytes: number | undefined,
): Promise<SandboxMetrics> {
  const action = "read the metrics of a pod";
  let answer: unknown;
  try {
    answer = await cluster.objects.getNamespacedCustomObject({
      group: "metrics.k8s.io",
      version: "v1beta1",
      plural: "pods",
      namespace: cluster.namespace,
      name,
    });
  } catch (error) {
    if (statusOf(error) !== 404) throw apiFailure({ action }, error);
    throw new SandboxAgentError("provider_failed", `kubernetes could not ${action} (404): there are none.`, {
      details: { provider: providerName, status: 404 },
      cause: error,
      remedy: "Install the metrics server in the cluster. It knows a new pod after a minute at most.",
    });
  }
  const usages = arrayField(answer, "containers").map((container) => objectField(container, "usage"));
  const cpus = sum(usages.map((usage) => parseQuantity(stringField(usage, "cpu"))));
  const memoryBytes = sum(usages.map((usage) => parseQuantity(stringField(usage, "memory"))));
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
  };
}

function sum(numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((number) => number !== undefined);
  return known.length === 0 ? undefined : known.reduce((total, number) => total + number, 0);
}

const units: { readonly [unit: string]: number } = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** `"250m"` → 0.25, `"64Mi"` → 67108864; `undefined` when it is no quantity of Kubernetes. */
export function parseQuantity(text: string | undefined): number | undefined {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(text ?? "") ?? [];
  const factor = units[unit];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}
