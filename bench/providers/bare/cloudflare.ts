import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { cloudflare } from "playpen/cloudflare";
import { startCloudflare } from "../../../test/stand-ins/cloudflare/index.ts";
import { root } from "../../kit/places.ts";
import { type Place, words } from "../place.ts";

export async function cloudflarePlace(): Promise<Place> {
  const worker = join(root, "test/stand-ins/cloudflare/worker.ts");
  const standIn = await startCloudflare({ worker });
  const { url, token } = standIn;
  const ask = async (method: string, path: string, body?: object): Promise<Response> => {
    const response = await fetch(`${url}/v1/sandbox${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    provider: cloudflare({ url, token }),
    async create() {
      const id = `bare-${randomUUID()}`;
      await ask("POST", "", { id, life_ms: 600_000 });
      return {
        async run(onFirstByte) {
          const { body } = await ask("POST", `/${id}/exec`, { argv: words });
          if (body === null) throw new Error("The bridge sent nothing.");
          for await (const _chunk of body) onFirstByte();
        },
        destroy: () => ask("DELETE", `/${id}`),
      };
    },
    stop: () => standIn.stop(),
  };
}
