import { execFileSync } from "node:child_process";
import type { SandboxAgent } from "playpen";
import { podman } from "playpen/podman";
import { afterAll, beforeAll } from "vitest";
import { describeWith } from "../../../image/engines.ts";
import { hostCliFolder } from "../../../image/paths.ts";
import { type PodmanService, podmanImage, startPodmanService } from "../../../image/podman.ts";
import { Relay } from "../../../stand-ins/kit/relay.ts";
import { type Leftovers, describeRealAgent } from "../describe-real-agent.ts";
import { killPrograms } from "../kill-programs.ts";

const cliFolder = "/opt/agents";

/** The image has no CLI; the model server listens on this machine's loopback interface only. */
const settings = () => ({
  image: podmanImage,
  network: "host",
  mounts: [{ source: hostCliFolder(), target: cliFolder }],
});

/** Asks the engine itself. */
const container =
  ({ sandbox: { id } }: SandboxAgent): Leftovers =>
  () =>
    execFileSync("podman", ["ps", "--all", "--quiet", "--no-trunc"], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line === id);

describeWith(["podman", "host-clis"], "Podman by its socket", () => {
  let service: PodmanService;
  let relay: Relay;
  beforeAll(async () => {
    service = await startPodmanService();
    relay = await new Relay({ path: service.socketPath }).start();
  });
  afterAll(async () => {
    await relay.stop();
    await service.stop();
  });

  describeRealAgent("a real agent in a container", {
    provider: () => podman({ ...settings(), host: `tcp://127.0.0.1:${relay.port}` }),
    command: `${cliFolder}/node_modules/.bin/claude`,
    watch: container,
    cuts: [
      {
        when: "the engine gets out of reach",
        cut: () => {
          relay.close();
        },
        restore: () => {
          relay.open();
        },
      },
      {
        when: "the connections end",
        cut: () => {
          relay.cut("end");
        },
      },
      {
        when: "the connections are reset",
        cut: () => {
          relay.cut("reset");
        },
      },
      {
        when: "the connections to a container that was taken up end",
        isTakenUp: true,
        cut: () => {
          relay.cut("end");
        },
      },
      {
        when: "the connections to a container that was taken up are reset",
        isTakenUp: true,
        cut: () => {
          relay.cut("reset");
        },
      },
    ],
  });
});

describeWith(["podman", "host-clis"], "Podman by its command", () => {
  describeRealAgent("a real agent in a container", {
    provider: () => podman({ ...settings(), cli: true }),
    command: `${cliFolder}/node_modules/.bin/claude`,
    watch: container,
    cuts: [
      {
        when: "the program that carries it is killed",
        cut: ({ sandbox }) => {
          killPrograms("podman", "exec", sandbox.id);
        },
      },
      {
        when: "the program that holds the container is killed",
        cut: ({ sandbox }) => {
          killPrograms("podman", "start", sandbox.id);
        },
      },
    ],
  });
});
