import { type KubernetesOptions, kubernetes } from "playpen/kubernetes";
import { describe, expect, it } from "vitest";
import { resolveKubernetesOptions } from "../../../../providers/kubernetes/kubernetes-options.ts";
import { podManifest } from "../../../../providers/kubernetes/pod-manifest.ts";

const wrong: readonly (readonly [name: string, value: unknown])[] = [
  ["image", ""],
  ["pull", "IfNotPresent"],
  ["imagePullSecrets", "secret"],
  ["imagePullSecrets", ["A_B"]],
  ["namespace", "Agents"],
  ["namespace", "a/b"],
  ["kubeconfig", ""],
  ["context", 1],
  ["server", "10.0.0.1:6443"],
  ["server", "ftp://10.0.0.1"],
  ["token", ""],
  ["certificateAuthority", "/etc/ca.pem"],
  ["cwd", "workspace"],
  ["env", { "A-B": "1" }],
  ["user", "root; id"],
  ["runAsUser", 0],
  ["runAsUser", "1000"],
  ["mounts", [{ source: "a", target: "/b" }]],
  ["cpus", 0],
  ["memoryBytes", "much"],
  ["diskBytes", 1],
  ["timeoutMs", 1000],
  ["startTimeoutMs", 0],
  ["requestTimeoutMs", "1m"],
  ["serviceAccount", "an account"],
  ["nodeSelector", { zone: 1 }],
  ["tolerations", { key: "a" }],
  ["tolerations", [{ key: "a", operator: "In" }]],
  ["tolerations", [{ name: "a" }]],
  ["runtimeClass", "gVisor "],
  ["labels", { "playpen.owner": "me" }],
  ["imgae", "x"],
  ["template", "x"],
  ["snapshot", "x"],
  ["pidsLimit", 100],
  ["region", "eu"],
];

describe("kubernetes()", () => {
  it.each(wrong)("refuses a wrong %s when it is called: %j", (name, value) => {
    const options: object = { [name]: value };
    expect(() => kubernetes(options)).toThrow(TypeError);
    expect(() => kubernetes(options)).toThrow(`"${name}"`);
  });

  it.each<[KubernetesOptions, string]>([
    [{ server: "https://a:6443", kubeconfig: "/a" }, "exclude each other"],
    [{ server: "https://a:6443", context: "a" }, "exclude each other"],
    [{ token: "secret-value" }, 'is for "server"'],
    [{ certificateAuthority: "-----BEGIN CERTIFICATE-----" }, 'is for "server"'],
    [{ user: "node", runAsUser: 1000 }, "exclude each other"],
  ])("refuses options that do not go together: %j", (options, words) => {
    expect(() => kubernetes(options)).toThrow(words);
    expect(() => kubernetes(options)).toThrow(/^(?!.*secret-value)/s);
  });

  it("has these defaults", () => {
    const nothing: object = { image: undefined, memoryBytes: undefined };
    expect(resolveKubernetesOptions(nothing)).toEqual({
      image: "node:22-bookworm",
      pull: "missing",
      env: {},
      mounts: [],
      timeoutMs: 300_000,
      startTimeoutMs: 300_000,
      requestTimeoutMs: 60_000,
      labels: {},
    });
  });

  it("describes itself without secrets", () => {
    const options = { server: "https://a:6443", token: "secret-value", env: { KEY: "secret-value" } };
    const described = kubernetes({ ...options, memoryBytes: "2g" }).describe?.();
    expect(JSON.stringify(described)).not.toContain("secret-value");
    expect(described).toMatchObject({ memoryBytes: 2 * 2 ** 30 });
  });
});

describe("the pod", () => {
  const manifest = (options: KubernetesOptions, ttlMs?: number) =>
    podManifest("name", resolveKubernetesOptions(options), {
      env: { KEY: "secret-value" },
      labels: {},
      ...(ttlMs === undefined ? {} : { ttlMs }),
    });

  it("holds no variable, and no token of a service account", () => {
    const pod = manifest({ env: { OTHER: "secret-value" } });
    expect(JSON.stringify(pod)).not.toContain("secret-value");
    expect(pod.spec).toMatchObject({ automountServiceAccountToken: false, restartPolicy: "Never" });
    expect(manifest({ serviceAccount: "builder" }).spec).toMatchObject({
      automountServiceAccountToken: true,
      serviceAccountName: "builder",
    });
  });

  it("has the limits, the mounts and the time that were asked for", () => {
    const mounts = [
      { source: "/srv/cache", target: "/cache" },
      { source: "claim", target: "/data", type: "volume", writable: true },
    ] as const;
    const { spec } = manifest({ cpus: 1.5, memoryBytes: "512m", diskBytes: "2g", mounts }, 90_500);
    expect(spec?.activeDeadlineSeconds).toBe(91);
    expect(spec?.volumes).toEqual([
      { name: "mount-0", hostPath: { path: "/srv/cache" } },
      { name: "mount-1", persistentVolumeClaim: { claimName: "claim", readOnly: false } },
    ]);
    expect(spec?.containers[0]).toMatchObject({
      resources: { limits: { cpu: "1500m", memory: "536870912", "ephemeral-storage": "2147483648" } },
      volumeMounts: [
        { name: "mount-0", mountPath: "/cache", readOnly: true },
        { name: "mount-1", mountPath: "/data", readOnly: false },
      ],
    });
  });

  it("meets the standard `restricted` where its user is given", () => {
    expect(manifest({ runAsUser: 1000 }).spec?.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      seccompProfile: { type: "RuntimeDefault" },
      capabilities: { drop: ["ALL"] },
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
    });
  });
});
