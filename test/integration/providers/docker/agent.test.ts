import type { SandboxAgent } from "playpen";
import { docker } from "playpen/docker";
import { afterAll, beforeAll } from "vitest";
import { describeWith } from "../../../image/engines.ts";
import { testImage } from "../../../image/paths.ts";
import { Relay } from "../../../stand-ins/kit/relay.ts";
import { type Leftovers, describeRealAgent } from "../describe-real-agent.ts";
import { containerExists } from "./harness.ts";

const container =
  ({ sandbox: { id } }: SandboxAgent): Leftovers =>
  async () =>
    (await containerExists(id)) ? [id] : [];

describeWith(["docker", "test-image"], "Docker behind a connection", () => {
  let relay: Relay;
  beforeAll(async () => {
    relay = await new Relay({ path: "/var/run/docker.sock" }).start();
  });
  afterAll(() => relay.stop());

  describeRealAgent("a real agent in a container", {
    // The model server listens on this machine's loopback interface only.
    provider: () => docker({ image: testImage(), network: "host", host: `tcp://127.0.0.1:${relay.port}` }),
    command: "claude",
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
        when: "the connections to a container that was taken up end",
        isTakenUp: true,
        cut: () => {
          relay.cut("end");
        },
      },
    ],
  });
});
