import type Dockerode from "dockerode";
import type { Labels, SandboxSpec } from "../../src/kit.ts";
import type { DockerSettings } from "./docker-options.ts";
import { providerName } from "./container-state.ts";
import { mainCommand } from "./main-process.ts";

/** Tells which containers are this library's, whatever the core puts on them. */
export const ownLabel = { name: "playpen.provider", value: providerName } as const;

/**
 * The container as the engine is asked for it. It holds no environment: that is given to each process when it starts,
 * so that no secret can be read from the container's configuration.
 */
export function containerConfig(
  settings: DockerSettings,
  spec: SandboxSpec,
  user: string,
): Dockerode.ContainerCreateOptions {
  const { entrypoint, cmd } = mainCommand(spec.cwd ?? settings.cwd, user);
  return {
    Image: settings.image,
    ...(settings.platform === undefined ? {} : { platform: settings.platform }),
    Entrypoint: entrypoint,
    Cmd: cmd,
    // The main process makes the working directory, wherever it is. The others run as the sandbox's user.
    User: "0:0",
    WorkingDir: "/",
    Labels: sandboxLabels(settings, spec),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    Tty: false,
    HostConfig: {
      AutoRemove: true,
      Init: settings.init,
      // What the main process says is for this library alone.
      LogConfig: { Type: "none", Config: {} },
      NetworkMode: settings.network,
      PidsLimit: settings.pidsLimit,
      CapDrop: [...settings.capDrop],
      SecurityOpt: settings.noNewPrivileges ? ["no-new-privileges"] : [],
      Mounts: settings.mounts.map((mount) => ({
        Type: mount.type ?? "bind",
        Source: mount.source,
        Target: mount.target,
        ReadOnly: mount.writable !== true,
      })),
      ...(settings.cpus === undefined ? {} : { NanoCpus: Math.round(settings.cpus * 1e9) }),
      ...(settings.memoryBytes === undefined
        ? {}
        : { Memory: settings.memoryBytes, MemorySwap: settings.memoryBytes }),
    },
  };
}

export function sandboxLabels(settings: DockerSettings, spec: SandboxSpec): { [name: string]: string } {
  return { ...settings.labels, ...spec.labels, [ownLabel.name]: ownLabel.value };
}

/** The engine's filter for this library's containers that carry all of these labels. */
export function labelFilter(labels: Labels): { label: string[] } {
  const wanted = Object.entries({ ...labels, [ownLabel.name]: ownLabel.value });
  return { label: wanted.map(([name, value]) => `${name}=${value}`) };
}
