export { kubernetes } from "./kubernetes-provider.ts";
export type { KubernetesOptions, KubernetesToleration } from "./kubernetes-options.ts";
export type { KubernetesSandbox } from "./kubernetes-sandbox.ts";
export type { SandboxMount as KubernetesMount } from "../../src/kit.ts";
