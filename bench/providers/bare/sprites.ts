import { randomUUID } from "node:crypto";
import { SpritesClient } from "@fly/sprites";
import { sprites } from "playpen/sprites";
import { WebSocket } from "ws";
import { startSprites } from "../../../test/stand-ins/sprites/index.ts";
import { type Place, words } from "../place.ts";

export async function spritesPlace(): Promise<Place> {
  const standIn = await startSprites();
  // The client has none of its own, and Node 20 has none either.
  Object.assign(globalThis, { WebSocket });
  const client = new SpritesClient(standIn.token, { baseURL: standIn.url });
  return {
    provider: sprites({ baseUrl: standIn.url, token: standIn.token }),
    async create() {
      const sprite = await client.createSprite(`bare-${randomUUID().slice(0, 8)}`);
      return {
        run: (onFirstByte) =>
          new Promise((resolve, reject) => {
            const [program, ...args] = words;
            const command = sprite.spawn(program, args);
            command.stdout.once("data", onFirstByte);
            command.stdout.resume();
            command.once("error", reject);
            command.once("exit", () => {
              resolve();
            });
          }),
        destroy: () => client.deleteSprite(sprite.name),
      };
    },
    stop: () => standIn.stop(),
  };
}
