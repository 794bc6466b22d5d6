import { homedir } from "node:os";
import { join } from "node:path";
import type { EngineKind } from "../container-engine/engine-kind.ts";

export const dockerKind: EngineKind = {
  name: "docker",
  title: "Docker",
  hostVariable: "DOCKER_HOST",
  sockets(environment) {
    if (process.platform === "win32") return ["//./pipe/docker_engine"];
    const runtime = environment["XDG_RUNTIME_DIR"];
    const inRuntime = (name: string) => (runtime === undefined ? [] : [join(runtime, name)]);
    const home = homedir();
    return [
      "/var/run/docker.sock",
      join(home, ".docker/run/docker.sock"),
      join(home, ".docker/desktop/docker.sock"),
      join(home, ".colima/default/docker.sock"),
      ...inRuntime("docker.sock"),
      ...inRuntime("podman/podman.sock"),
      "/run/podman/podman.sock",
    ];
  },
  defaultNetwork: "bridge",
  remedy:
    "Start Docker or Podman, or name the engine with docker({ socketPath }) or DOCKER_HOST; on EACCES add the " +
    "user to the group that owns the socket.",
};
