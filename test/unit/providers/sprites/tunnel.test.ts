import { expect, it } from "vitest";
import type { Service } from "../../../../providers/sprites/service.ts";
import { Tunnels } from "../../../../providers/sprites/tunnel.ts";
import { failAccepts } from "../failed-accept.ts";

it("a tunnel harms no host when the operating system has no connection left to take", async () => {
  // No connection to it gets as far as the service.
  const tunnels = new Tunnels({ baseUrl: "http://127.0.0.1:9" } as Service, "sprite-1");
  try {
    const { url } = await tunnels.expose(80);
    await expect(failAccepts(url)).resolves.toBeUndefined();
  } finally {
    tunnels.close();
  }
});
