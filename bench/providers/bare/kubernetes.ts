import { randomUUID } from "node:crypto";
import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { CoreV1Api, Exec, KubeConfig, V1Pod } from "@kubernetes/client-node";
import { kubernetes } from "playpen/kubernetes";
import { startKubernetes } from "../../../test/stand-ins/kubernetes/index.ts";
import { type Place, words } from "../place.ts";

const namespace = "default";
const container = "main";

export async function kubernetesPlace(): Promise<Place> {
  const cluster = await startKubernetes();
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "cluster", server: cluster.url, skipTLSVerify: true },
    { name: "user", token: cluster.token },
  );
  const pods = config.makeApiClient(CoreV1Api);
  const exec = new Exec(config);
  return {
    provider: kubernetes({ server: cluster.url, token: cluster.token }),
    async create() {
      const name = `bare-${randomUUID().slice(0, 8)}`;
      const containers = [{ name: container, image: "debian", command: ["sleep", "900"] }];
      const body = Object.assign(new V1Pod(), {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name },
        spec: { restartPolicy: "Never", containers },
      });
      await pods.createNamespacedPod({ namespace, body });
      while ((await pods.readNamespacedPod({ namespace, name })).status?.phase !== "Running") await delay(5);
      return {
        run: (onFirstByte) =>
          new Promise((resolve, reject) => {
            const stdout = new PassThrough();
            stdout.once("data", onFirstByte);
            stdout.resume();
            exec
              .exec(namespace, name, container, [...words], stdout, null, null, false, () => {
                resolve();
              })
              .catch(reject);
          }),
        destroy: () => pods.deleteNamespacedPod({ namespace, name, gracePeriodSeconds: 0 }),
      };
    },
    stop: () => cluster.stop(),
  };
}
