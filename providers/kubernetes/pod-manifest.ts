import type { V1Pod, V1SecurityContext, V1Volume } from "@kubernetes/client-node";
import { type SandboxSpec, leaseCommand } from "../../src/kit.ts";
import type { KubernetesSettings } from "./kubernetes-options.ts";
import { annotations, encodedLabels } from "./pod-labels.ts";

export const containerName = "sandbox";

/** What the client's class holds, as plain data. */
export type Plain<Value> = Value extends Date
  ? Value
  : Value extends readonly (infer Item)[]
    ? Plain<Item>[]
    : Value extends object
      ? { [Name in keyof Value]: Plain<Value[Name]> }
      : Value;

const pullPolicies = { missing: "IfNotPresent", always: "Always", never: "Never" } as const;

/**
 * The pod as the API server is asked for it. It holds no environment: that is given to each process when it starts, so
 * that no secret can be read from the pod's configuration.
 */
export function podManifest(name: string, settings: KubernetesSettings, spec: SandboxSpec): Plain<V1Pod> {
  const { serviceAccount, nodeSelector, tolerations, runtimeClass, imagePullSecrets, mounts } = settings;
  const labels = { ...settings.labels, ...spec.labels };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      labels: encodedLabels(labels),
      annotations: annotations(labels, spec.cwd ?? settings.cwd),
    },
    spec: {
      restartPolicy: "Never",
      // The main process ends at once when it is asked to.
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: serviceAccount !== undefined,
      enableServiceLinks: false,
      ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
      ...(spec.ttlMs === undefined
        ? {}
        : { activeDeadlineSeconds: Math.max(1, Math.ceil(spec.ttlMs / 1000)) }),
      ...(nodeSelector === undefined ? {} : { nodeSelector: { ...nodeSelector } }),
      ...(tolerations === undefined ? {} : { tolerations: tolerations.map((each) => ({ ...each })) }),
      ...(runtimeClass === undefined ? {} : { runtimeClassName: runtimeClass }),
      ...(imagePullSecrets === undefined
        ? {}
        : { imagePullSecrets: imagePullSecrets.map((secret) => ({ name: secret })) }),
      ...(mounts.length === 0 ? {} : { volumes: mounts.map(volume) }),
      containers: [
        {
          name: containerName,
          image: settings.image,
          imagePullPolicy: pullPolicies[settings.pull],
          command: [...leaseCommand(settings.timeoutMs)],
          securityContext: securityContext(settings),
          ...resources(settings),
          ...(mounts.length === 0
            ? {}
            : {
                volumeMounts: mounts.map(({ target, writable = false }, index) => ({
                  name: `mount-${index}`,
                  mountPath: target,
                  readOnly: !writable,
                })),
              }),
        },
      ],
    },
  };
}

function volume(
  { type = "bind", source, writable = false }: KubernetesSettings["mounts"][number],
  index: number,
): Plain<V1Volume> {
  const name = `mount-${index}`;
  return type === "bind"
    ? { name, hostPath: { path: source } }
    : { name, persistentVolumeClaim: { claimName: source, readOnly: !writable } };
}

function securityContext({ runAsUser }: KubernetesSettings): Plain<V1SecurityContext> {
  const always = { allowPrivilegeEscalation: false, seccompProfile: { type: "RuntimeDefault" } };
  return runAsUser === undefined
    ? { ...always, capabilities: { drop: ["AUDIT_WRITE", "MKNOD", "NET_RAW"] } }
    : { ...always, capabilities: { drop: ["ALL"] }, runAsNonRoot: true, runAsUser, runAsGroup: runAsUser };
}

function resources({ cpus, memoryBytes, diskBytes }: KubernetesSettings): {
  readonly resources?: { readonly limits: { [name: string]: string } };
} {
  const limits = {
    ...(cpus === undefined ? {} : { cpu: `${Math.ceil(cpus * 1000)}m` }),
    ...(memoryBytes === undefined ? {} : { memory: String(memoryBytes) }),
    ...(diskBytes === undefined ? {} : { "ephemeral-storage": String(diskBytes) }),
  };
  return Object.keys(limits).length === 0 ? {} : { resources: { limits } };
}
