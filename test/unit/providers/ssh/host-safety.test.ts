import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, type Server, createServer } from "node:net";
import { PassThrough } from "node:stream";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SshConnection } from "../../../../providers/ssh/connection.ts";
import type { ConnectionPool } from "../../../../providers/ssh/connection-pool.ts";
import { resolveOptions } from "../../../../providers/ssh/options.ts";
import { PortForwards } from "../../../../providers/ssh/port-forwards.ts";
import { crashesDuring } from "../../crashes.ts";
import { failAccepts } from "../failed-accept.ts";

describe("a machine that says nonsense as soon as it has let somebody in", () => {
  const keys = ssh2.utils.generateKeyPairSync("ed25519");
  const machine = new ssh2.Server({ hostKeys: [keys.private] });
  let listening: Server;
  beforeAll(async () => {
    listening = createServer((socket) => {
      machine.once("connection", (client) => {
        client.on("error", () => undefined);
        client.on("authentication", (context) => {
          // In one packet with the answer.
          socket.cork();
          context.accept();
          socket.write(randomBytes(64));
          socket.uncork();
        });
      });
      machine.injectSocket(socket);
    });
    listening.listen(0, "127.0.0.1");
    await once(listening, "listening");
  });
  afterAll(() => listening.close());

  it("harms no host", async () => {
    const { port } = listening.address() as AddressInfo;
    const login = { host: "127.0.0.1", port, username: "agent", password: "secret", hostKey: keys.public };
    const crashes = await crashesDuring(async () => {
      const connection = await SshConnection.open(resolveOptions(login));
      await new Promise<void>((resolve) => {
        connection.whenEnded(resolve);
      });
    });
    expect(crashes).toEqual([]);
  });
});

describe("a port of the machine that is reachable on this one", () => {
  it("harms no host when the operating system has no connection left to take", async () => {
    const pool = { any: async () => ({ forward: async () => new PassThrough() }) };
    const forwards = new PortForwards(pool as unknown as ConnectionPool);
    try {
      const { url } = await forwards.open(80);
      await expect(failAccepts(url)).resolves.toBeUndefined();
    } finally {
      forwards.close();
    }
  });
});
