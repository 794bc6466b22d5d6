import { vercel } from "playpen/vercel";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type VercelStandIn, startVercel } from "../../../stand-ins/vercel/index.ts";

let cloud: VercelStandIn;
beforeAll(async () => {
  cloud = await startVercel();
});
afterAll(() => cloud.stop());

function provider() {
  const { url: baseUrl, token, teamId, projectId } = cloud;
  return vercel({ baseUrl, token, teamId, projectId });
}

const speaking = "for i in 1 2 3 4 5 6 7 8; do echo line $i; echo other $i >&2; sleep 0.2; done";
const lines = (word: string): string => [1, 2, 3, 4, 5, 6, 7, 8].map((at) => `${word} ${at}\n`).join("");

describe("the output of a process", () => {
  it("comes by one request that goes on, not by one for each piece", async () => {
    await using sandbox = await provider().create({ env: {}, labels: {} });
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", speaking], stdin: "ignore" });
    const before = cloud.commands.length;
    const both = [process.stdout, process.stderr].map((stream) => new Response(stream).text());
    expect(await Promise.all(both)).toEqual([lines("line"), lines("other")]);
    expect(await process.exited).toEqual({ code: 0, signal: null });
    // One more when the connection was slower than the process, and one that tidies up.
    expect(cloud.commands.length - before).toBeLessThanOrEqual(3);
  });

  it("is whole and comes once although the connection breaks while it is told", async () => {
    await using sandbox = await provider().create({ env: {}, labels: {} });
    const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", speaking], stdin: "ignore" });
    let text = "";
    let cuts = 0;
    for await (const chunk of process.stdout) {
      text += Buffer.from(chunk).toString();
      if (text.includes(`line ${cuts * 3 + 2}\n`) && cuts < 2) {
        cuts++;
        cloud.server.cutConnections();
      }
    }
    expect([text, cuts]).toEqual([lines("line"), 2]);
    expect(await process.exited).toEqual({ code: 0, signal: null });
  });
});
