import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** The bare test image, as Podman has it. */
export const podmanImage = "localhost/playpen-test-bare:latest";

const startTimeoutMs = 30_000;

export interface PodmanService {
  readonly socketPath: string;
  stop(): Promise<void>;
}

/** Starts Podman's service on a socket of its own. */
export async function startPodmanService(): Promise<PodmanService> {
  const folder = await mkdtemp(join(tmpdir(), "podman-"));
  const socketPath = join(folder, "podman.sock");
  const service = spawn("podman", ["system", "service", "--time", "0", `unix://${socketPath}`], {
    stdio: "ignore",
  });
  const ended = once(service, "exit");
  const stop = async (): Promise<void> => {
    service.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = performance.now() + startTimeoutMs;
  // Nothing tells when it listens.
  while (!(await listens(socketPath))) {
    if (service.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error("podman system service does not listen");
    }
    await delay(50);
  }
  return { socketPath, stop };
}

function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
