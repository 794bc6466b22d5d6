import { Daytona } from "@daytonaio/sdk";
import { daytona } from "playpen/daytona";
import { StandInDaytona } from "../../../test/stand-ins/daytona/index.ts";
import { type Place, words } from "../place.ts";

export async function daytonaPlace(): Promise<Place> {
  const cloud = new StandInDaytona();
  await cloud.start();
  const client = new Daytona({ ...cloud.options, useDeprecatedPolling: true });
  return {
    provider: daytona(cloud.options),
    async create() {
      const sandbox = await client.create();
      return {
        async run(onFirstByte) {
          await sandbox.process.executeCommand(words.join(" "));
          onFirstByte();
        },
        destroy: () => sandbox.delete(),
      };
    },
    stop: () => cloud.stop(),
  };
}
