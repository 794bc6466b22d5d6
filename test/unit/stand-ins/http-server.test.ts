import { afterEach, describe, expect, it } from "vitest";
import { Answer, HttpError, StandInServer } from "../../stand-ins/kit/http-server.ts";

const servers: StandInServer[] = [];
async function start(): Promise<StandInServer> {
  const server = new StandInServer({ errorBody: (code, message) => ({ code, message }) })
    .route("GET", "/boxes/:id", ({ parameters }) => ({ id: parameters["id"] }))
    .route("POST", "/boxes", async (request) => new Answer(201, await request.json()))
    .route("GET", "/gone", () => {
      throw new HttpError(410, "gone");
    });
  servers.push(server);
  return server.start();
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

describe("StandInServer", () => {
  it("routes", async () => {
    const { url, count } = bound(await start());
    expect(await (await fetch(`${url}/boxes/a%20b?x=1`)).json()).toEqual({ id: "a b" });
    const posted = await fetch(`${url}/boxes`, { method: "POST", body: '{"a":1}' });
    expect([posted.status, await posted.json()]).toEqual([201, { a: 1 }]);
    const gone = await fetch(`${url}/gone`);
    expect([gone.status, await gone.json()]).toEqual([410, { code: 410, message: "gone" }]);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
    expect(count("POST", "/boxes")).toBe(1);
  });

  it("has faults on demand", async () => {
    const server = await start();
    const url = `${server.url}/boxes/a`;
    server.faults.nextStatus(429, { retryAfterSeconds: 3 });
    const limited = await fetch(url);
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "3"]);
    server.faults.next({ kind: "malformed" });
    await expect((await fetch(url)).json()).rejects.toThrow();
    server.faults.next({ kind: "cut" }, { on: ({ path }) => path.startsWith("/boxes/") });
    await expect(fetch(url)).rejects.toThrow();
    server.faults.next({ kind: "silence" });
    const silent = fetch(url);
    silent.catch(() => undefined);
    await expect.poll(() => server.count("GET", "/boxes/a")).toBe(4);
    server.cutConnections();
    await expect(silent).rejects.toThrow();
    expect((await fetch(url)).status).toBe(200);
  });
});

function bound(server: StandInServer): { url: string; count: StandInServer["count"] } {
  return { url: server.url, count: (method, path) => server.count(method, path) };
}
