import { homedir } from "node:os";
import { join } from "node:path";
import type { EngineKind } from "../container-engine/engine-kind.ts";

export const podmanKind: EngineKind = {
  name: "podman",
  title: "Podman",
  hostVariable: "CONTAINER_HOST",
  sockets(environment) {
    if (process.platform === "win32") return ["//./pipe/podman-machine-default"];
    const runtime = environment["XDG_RUNTIME_DIR"];
    const ofMachine = join(homedir(), ".local/share/containers/podman/machine");
    return [
      ...(runtime === undefined ? [] : [join(runtime, "podman/podman.sock")]),
      "/run/podman/podman.sock",
      join(ofMachine, "podman.sock"),
      join(ofMachine, "qemu/podman.sock"),
    ];
  },
  defaultNetwork: "podman",
  remedy:
    "Start its service with `systemctl --user start podman.socket` or `podman system service --time 0`, on macOS " +
    "`podman machine start`, or name the socket with podman({ socketPath }) or CONTAINER_HOST.",
};
