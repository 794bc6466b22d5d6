import { fly } from "playpen/fly";
import { startFly } from "../../../test/stand-ins/fly/index.ts";
import { type Place, words } from "../place.ts";

export async function flyPlace(): Promise<Place> {
  const standIn = await startFly();
  const { url, app, token } = standIn;
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}/v1/apps/${app}/machines${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    provider: fly({ baseUrl: url, app, token }),
    async create() {
      const made = await ask("POST", "", { config: { image: "debian", init: { exec: ["sleep", "900"] } } });
      const id = typeof made === "object" && made !== null && "id" in made ? String(made.id) : "";
      await ask("GET", `/${id}/wait?state=started&timeout=60`);
      return {
        async run(onFirstByte) {
          await ask("POST", `/${id}/exec`, { command: words });
          onFirstByte();
        },
        destroy: () => ask("DELETE", `/${id}?force=true`),
      };
    },
    stop: () => standIn.stop(),
  };
}
