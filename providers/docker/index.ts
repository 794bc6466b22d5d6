export { docker } from "./docker-provider.ts";
export type { DockerMount, DockerOptions, DockerRegistryAuth, DockerTls } from "./docker-options.ts";
