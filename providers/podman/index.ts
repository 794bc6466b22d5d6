export { podman, type PodmanOptions, type PodmanSandbox } from "./podman.ts";
export type {
  EngineTls as PodmanTls,
  RegistryAuth as PodmanRegistryAuth,
} from "../container-engine/container-options.ts";
export type { SandboxMount as PodmanMount } from "../../src/kit.ts";
