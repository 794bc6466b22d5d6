export {
  type KubernetesStandIn,
  type KubernetesStandInOptions,
  standInImages,
  startKubernetes,
} from "./server.ts";
