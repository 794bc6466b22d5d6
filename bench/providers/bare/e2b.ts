import { Sandbox } from "e2b";
import { e2b } from "playpen/e2b";
import { StandInE2b } from "../../../test/stand-ins/e2b/index.ts";
import { type Place, words } from "../place.ts";

export async function e2bPlace(): Promise<Place> {
  const cloud = new StandInE2b();
  await cloud.start();
  return {
    provider: e2b(cloud.options),
    async create() {
      const sandbox = await Sandbox.create("base", cloud.options);
      return {
        async run(onFirstByte) {
          await sandbox.commands.run(words.join(" "), { onStdout: onFirstByte });
        },
        destroy: () => sandbox.kill(),
      };
    },
    stop: () => cloud.stop(),
  };
}
