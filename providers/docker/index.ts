export { docker, type DockerOptions, type DockerSandbox } from "./docker.ts";
export type {
  EngineTls as DockerTls,
  RegistryAuth as DockerRegistryAuth,
} from "../container-engine/container-options.ts";
export type { SandboxMount as DockerMount } from "../../src/kit.ts";
