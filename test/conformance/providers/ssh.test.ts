import { ssh } from "playpen/ssh";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { describeWith } from "../../image/engines.ts";
import { SshServer } from "../../stand-ins/sshd/index.ts";

describeWith(["sshd"], "ssh, by the system's sshd", () => {
  let server: SshServer | undefined;
  beforeAll(async () => {
    server = await SshServer.start();
  });
  afterAll(async () => {
    await server?.stop();
  });
  // What it can do is told before there is a server.
  const place = { host: "127.0.0.1", username: "root", hostKey: `SHA256:${"A".repeat(43)}` };
  describeProviderConformance({ describe, it }, { create: () => ssh(server?.options ?? place) });
});
