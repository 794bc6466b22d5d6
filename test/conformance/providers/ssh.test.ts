import { ssh } from "playpen/ssh";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, beforeAll, describe, it } from "vitest";
import { missingSshd, SshServer } from "../../stand-ins/sshd/index.ts";

const missing = missingSshd();
let server: SshServer | undefined;

describe.skipIf(missing !== undefined)(
  `ssh, by the system's sshd${missing === undefined ? "" : ` [skipped: ${missing}]`}`,
  () => {
    beforeAll(async () => {
      server = await SshServer.start();
    });
    afterAll(async () => {
      await server?.stop();
    });
    // What it can do is told before there is a server.
    const place = { host: "127.0.0.1", username: "root", hostKey: `SHA256:${"A".repeat(43)}` };
    describeProviderConformance({ describe, it }, { create: () => ssh(server?.options ?? place) });
  },
);
