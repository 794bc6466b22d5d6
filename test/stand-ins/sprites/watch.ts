import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import { arrayField, parseJson } from "../../../src/kit/json.ts";

const everyMs = 50;

/** Tells what changes below the folders that the first message names. */
export async function watchFolder(socket: WebSocket): Promise<void> {
  const first = await new Promise<string>((resolve) =>
    socket.once("message", (data) => {
      resolve(Buffer.isBuffer(data) ? data.toString() : "");
    }),
  );
  const paths = arrayField(parseJson(first), "paths").filter((path) => typeof path === "string");
  let before = await filesBelow(paths);
  socket.send(JSON.stringify({ type: "subscribed", paths }));
  const tell = (event: string, path: string): void => {
    socket.send(JSON.stringify({ type: "event", event, path }), () => undefined);
  };
  while (socket.readyState === socket.OPEN) {
    await delay(everyMs);
    const now = await filesBelow(paths);
    for (const [path, state] of now) {
      if (!before.has(path)) tell("create", path);
      else if (before.get(path) !== state) tell("write", path);
    }
    for (const path of before.keys()) if (!now.has(path)) tell("remove", path);
    before = now;
  }
}

async function filesBelow(paths: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const folder of paths) {
    const entries = await readdir(folder, { recursive: true }).catch(() => []);
    for (const name of entries) {
      const path = join(folder, name);
      const facts = await stat(path).catch(() => undefined);
      if (facts?.isFile() === true) found.set(path, `${facts.size} ${facts.mtimeMs}`);
    }
  }
  return found;
}
