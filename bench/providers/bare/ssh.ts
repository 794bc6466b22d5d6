import { once } from "node:events";
import { Client } from "ssh2";
import { ssh } from "playpen/ssh";
import { SshServer } from "../../../test/stand-ins/sshd/index.ts";
import { type Place, words } from "../place.ts";

export async function sshPlace(): Promise<Place> {
  const server = await SshServer.start();
  const { host, port, username, privateKey } = server.options;
  return {
    provider: ssh(server.options),
    async create() {
      const client = new Client();
      client.connect({ host, port, username, privateKey });
      await once(client, "ready");
      return {
        run: (onFirstByte) =>
          new Promise((resolve, reject) => {
            client.exec(words.join(" "), (error, channel) => {
              if (error !== undefined) {
                reject(error);
                return;
              }
              channel.once("data", onFirstByte);
              channel.once("close", resolve);
              channel.resume();
              channel.stderr.resume();
            });
          }),
        async destroy() {
          client.end();
          await once(client, "close");
        },
      };
    },
    stop: () => server.stop(),
  };
}
