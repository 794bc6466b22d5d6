import { ModalClient } from "modal";
import { modal } from "playpen/modal";
import { startModal } from "../../../test/stand-ins/modal/index.ts";
import { type Place, words } from "../place.ts";

export async function modalPlace(): Promise<Place> {
  const service = await startModal();
  process.env["MODAL_SERVER_URL"] = service.url;
  const { tokenId, tokenSecret } = service;
  const client = new ModalClient({ tokenId, tokenSecret });
  return {
    provider: modal({ tokenId, tokenSecret }),
    async create() {
      const app = await client.apps.fromName("bare", { createIfMissing: true });
      const sandbox = await client.sandboxes.create(app, client.images.fromRegistry("debian"), {
        command: ["sleep", "900"],
      });
      return {
        async run(onFirstByte) {
          const process = await sandbox.exec([...words]);
          for await (const _text of process.stdout) onFirstByte();
          await process.wait();
        },
        destroy: () => sandbox.terminate(),
      };
    },
    async stop() {
      client.close();
      await service.stop();
    },
  };
}
