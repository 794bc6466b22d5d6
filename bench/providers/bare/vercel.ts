import { Sandbox } from "@vercel/sandbox";
import { vercel } from "playpen/vercel";
import { startVercel } from "../../../test/stand-ins/vercel/index.ts";
import { type Place, words } from "../place.ts";

export async function vercelPlace(): Promise<Place> {
  const standIn = await startVercel();
  const { url: baseUrl, token, teamId, projectId } = standIn;
  // The client takes no address of the service, but a function that asks it.
  const ask: typeof fetch = (input, init) => {
    const { method, headers, body, signal } = { ...init };
    const asked = String(input instanceof Request ? input.url : input);
    const address = asked.replace(/^https:\/\/[^/]+(?:\/api)?(?=\/v\d)/, baseUrl);
    return fetch(address, {
      ...(method === undefined ? {} : { method }),
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  };
  return {
    provider: vercel({ baseUrl, token, teamId, projectId }),
    async create() {
      const sandbox = await Sandbox.create({ token, teamId, projectId, fetch: ask });
      return {
        async run(onFirstByte) {
          const [program, ...args] = words;
          await sandbox.runCommand({ cmd: program, args });
          onFirstByte();
        },
        destroy: () => sandbox.stop(),
      };
    },
    stop: () => standIn.stop(),
  };
}
