import { kubernetes } from "playpen/kubernetes";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, describe, it } from "vitest";
import { startKubernetes } from "../../stand-ins/kubernetes/index.ts";

const cluster = await startKubernetes();
afterAll(() => cluster.stop());

describe("kubernetes, with a stand-in for the cluster", () => {
  describeProviderConformance(
    { describe, it },
    { create: () => kubernetes({ server: cluster.url, token: cluster.token }) },
  );
});
