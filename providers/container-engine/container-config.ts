import type Dockerode from "dockerode";
import { type Labels, type SandboxSpec, mainCommand } from "../../src/kit.ts";
import type { ContainerSettings } from "./container-options.ts";
import { ownLabelName } from "./engine-kind.ts";
import { withHidden } from "./inherited-labels.ts";
import type { ImageFacts } from "./pull-image.ts";

/**
 * The container as the engine is asked for it. It holds no environment: that is given to each process when it starts,
 * so that no secret can be read from the container's configuration.
 */
export function containerConfig(
  settings: ContainerSettings,
  spec: SandboxSpec,
  user: string,
  image: Pick<ImageFacts, "labels">,
): Dockerode.ContainerCreateOptions {
  const { entrypoint, cmd } = mainCommand(spec.cwd ?? settings.cwd, user);
  return {
    Image: spec.snapshot ?? settings.image,
    ...(settings.platform === undefined ? {} : { platform: settings.platform }),
    Entrypoint: entrypoint,
    Cmd: cmd,
    // The main process makes the working directory, wherever it is. The others run as the sandbox's user.
    User: "0:0",
    WorkingDir: "/",
    Labels: withHidden(sandboxLabels(settings, spec), image.labels),
    ...(settings.ports.length === 0
      ? {}
      : { ExposedPorts: Object.fromEntries(settings.ports.map((port) => [`${String(port)}/tcp`, {}])) }),
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
      ...(settings.ports.length === 0 ? {} : { PortBindings: portBindings(settings) }),
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

export function sandboxLabels(settings: ContainerSettings, spec: SandboxSpec): { [name: string]: string } {
  return { ...settings.labels, ...spec.labels, [ownLabelName]: settings.kind.name };
}

/** On the loopback address, unless the engine is on another machine. */
function portBindings({ ports, host }: ContainerSettings): Dockerode.PortMap {
  const isRemote = host !== undefined && !host.startsWith("unix:");
  const binding = [{ HostIp: isRemote ? "" : "127.0.0.1", HostPort: "" }];
  return Object.fromEntries(ports.map((port) => [`${String(port)}/tcp`, binding]));
}

/** The engine's filter for this library's containers that carry all of these labels. */
export function labelFilter(provider: string, labels: Labels): { label: string[] } {
  const wanted = Object.entries({ ...labels, [ownLabelName]: provider });
  return { label: wanted.map(([name, value]) => `${name}=${value}`) };
}
