import { computesdk } from "playpen/computesdk";
import { startComputesdk } from "../../../test/stand-ins/computesdk/index.ts";
import { type Place, words } from "../place.ts";

export function computesdkPlace(): Promise<Place> {
  const standIn = startComputesdk();
  const { compute } = standIn;
  return Promise.resolve({
    provider: computesdk({ compute }),
    async create() {
      const sandbox = await compute.sandbox.create();
      return {
        async run(onFirstByte) {
          await sandbox.runCommand(words.join(" "));
          onFirstByte();
        },
        destroy: () => sandbox.destroy(),
      };
    },
    stop: async () => {
      await standIn.stop();
    },
  });
}
