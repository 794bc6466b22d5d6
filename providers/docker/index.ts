export { docker } from "./docker-provider.ts";
export type { DockerOptions, DockerRegistryAuth, DockerTls } from "./docker-options.ts";
export type { SandboxMount as DockerMount } from "../../src/kit.ts";
