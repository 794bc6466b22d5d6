import type { Duplex } from "node:stream";
import Docker from "dockerode";
import { docker } from "playpen/docker";
import { podman } from "playpen/podman";
import { podmanImage, startPodmanService } from "../../../test/image/podman.ts";
import { bareImage } from "../../kit/places.ts";
import { bareContainerOptions } from "../../turns/bare-places.ts";
import { type BareSandbox, type Place, words } from "../place.ts";

export function dockerPlace(): Promise<Place> {
  const image = bareImage();
  const engine = new Docker();
  return Promise.resolve({
    provider: docker({ image, pull: "never" }),
    create: () => container(engine, image),
    stop: () => Promise.resolve(),
  });
}

export async function podmanPlace(): Promise<Place> {
  const service = await startPodmanService();
  const engine = new Docker({ socketPath: service.socketPath });
  return {
    provider: podman({ image: podmanImage, socketPath: service.socketPath }),
    create: () => container(engine, podmanImage),
    stop: async () => {
      await service.stop();
    },
  };
}

async function container(engine: Docker, image: string): Promise<BareSandbox> {
  const created = await engine.createContainer(bareContainerOptions(image));
  await created.start();
  return {
    async run(onFirstByte) {
      const exec = await created.exec({ Cmd: [...words], AttachStdout: true, AttachStderr: true });
      const stream: Duplex = await exec.start({ hijack: true, stdin: false });
      stream.once("data", onFirstByte);
      stream.resume();
      await new Promise((resolve) => stream.once("end", resolve));
      await exec.inspect();
      stream.destroy();
    },
    destroy: () => created.remove({ force: true }),
  };
}
