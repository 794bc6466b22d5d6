import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CloudflareStandIn, startCloudflare } from "../../../stand-ins/cloudflare/index.ts";

/** The Worker itself, by its HTTP interface, in Cloudflare's own runtime. */
let standIn: CloudflareStandIn;
beforeAll(async () => {
  standIn = await startCloudflare();
});
afterAll(() => standIn.stop());

interface Asked {
  readonly token?: string | undefined;
  readonly body?: unknown;
}

async function ask(
  method: string,
  path: string,
  { token = standIn.token, body }: Asked = {},
): Promise<Response> {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  return fetch(`${standIn.workerUrl}${path}`, {
    method,
    headers: token === "" ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
  });
}

async function made(labels: { readonly [name: string]: string } = {}): Promise<string> {
  const id = `test-${randomUUID()}`;
  const answer = await ask("POST", "/v1/sandbox", { body: { id, labels, life_ms: 60_000 } });
  expect(answer.status).toBe(200);
  return id;
}

async function events(id: string, command: object): Promise<readonly unknown[]> {
  const answer = await ask("POST", `/v1/sandbox/${id}/exec`, { body: command });
  const lines = (await answer.text()).trim().split("\n");
  return lines.map((line): unknown => JSON.parse(line));
}

describe("who may use the bridge", () => {
  it.each(["", "wrong", "Bearer", "x".repeat(100_000 / 10)])("is not whoever brings %j", async (token) => {
    const answer = await ask("GET", "/v1", { token });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("playpen-bridge")).toBe("1");
    expect(await answer.text()).not.toContain(standIn.token);
  });

  it("is not whoever brings a part of the token, or more than it", async () => {
    const { token } = standIn;
    for (const other of [token.slice(0, -1), `${token}x`, token.toUpperCase()]) {
      expect((await ask("GET", "/v1", { token: other })).status).toBe(401);
    }
    const basic = await fetch(`${standIn.workerUrl}/v1`, { headers: { authorization: `Basic ${token}` } });
    expect(basic.status).toBe(401);
    const query = await fetch(`${standIn.workerUrl}/v1?token=${token}`);
    expect(query.status).toBe(401);
  });

  it("is whoever brings the token", async () => {
    const answer = await ask("GET", "/v1");
    expect([answer.status, await answer.json()]).toEqual([200, { version: 1 }]);
  });

  it.each(["", "short"])("is nobody where the Worker's own token is %j", async (token) => {
    const open = await startCloudflare({ token });
    for (const given of ["", token, "undefined"]) {
      const answer = await fetch(`${open.workerUrl}/v1`, { headers: { authorization: `Bearer ${given}` } });
      expect(answer.status).toBe(503);
      expect(await answer.text()).toContain("wrangler secret put PLAYPEN_TOKEN");
    }
    await open.stop();
  });
});

const creation = { id: "fine", life_ms: 1000 };
const wrong: readonly (readonly [
  what: string,
  method: string,
  path: string,
  body: unknown,
  status: number,
])[] = [
  ["no JSON", "POST", "/v1/sandbox", "{", 400],
  ["no object", "POST", "/v1/sandbox", "[]", 400],
  ["no id", "POST", "/v1/sandbox", { life_ms: 1000 }, 400],
  ["an id of large letters", "POST", "/v1/sandbox", { ...creation, id: "Big" }, 400],
  ["an id that leads elsewhere", "POST", "/v1/sandbox", { ...creation, id: "../x" }, 400],
  ["an id that is too long", "POST", "/v1/sandbox", { ...creation, id: "x".repeat(64) }, 400],
  ["no time to live", "POST", "/v1/sandbox", { id: "fine" }, 400],
  ["a time to live of text", "POST", "/v1/sandbox", { ...creation, life_ms: "1000" }, 400],
  ["a negative time to live", "POST", "/v1/sandbox", { ...creation, life_ms: -1 }, 400],
  ["labels that are no texts", "POST", "/v1/sandbox", { ...creation, labels: { a: 1 } }, 400],
  ["labels without end", "POST", "/v1/sandbox", { ...creation, labels: { a: "x".repeat(70_000) } }, 400],
  ["a relative folder", "POST", "/v1/sandbox", { ...creation, cwd: "x" }, 400],
  ["a user that is shell", "POST", "/v1/sandbox", { ...creation, user: "a;id" }, 400],
  ["an end that is no boolean", "POST", "/v1/sandbox", { ...creation, fixed_end: "yes" }, 400],
  ["a body without end", "POST", "/v1/sandbox", { ...creation, cwd: `/${"x".repeat(3_000_000)}` }, 413],
  ["an argument that is a number", "POST", "/v1/sandbox/fine/exec", { argv: [1] }, 400],
  ["no arguments", "POST", "/v1/sandbox/fine/exec", { argv: [] }, 400],
  ["an argument with a NUL", "POST", "/v1/sandbox/fine/exec", { argv: ["a\0"] }, 400],
  ["a variable with an odd name", "POST", "/v1/sandbox/fine/exec", { argv: ["a"], env: { "A;B": "" } }, 400],
  ["a variable that is a number", "POST", "/v1/sandbox/fine/exec", { argv: ["a"], env: { A: 1 } }, 400],
  ["a relative folder for a command", "POST", "/v1/sandbox/fine/exec", { argv: ["a"], cwd: "." }, 400],
  ["a time-out of nothing", "POST", "/v1/sandbox/fine/exec", { argv: ["a"], timeout_ms: 0 }, 400],
  ["a renewal that is no boolean", "POST", "/v1/sandbox/fine/expiry", { life_ms: 1, renewal: 1 }, 400],
  ["a port that is none", "POST", "/v1/sandbox/fine/tunnel", { port: 70_000 }, 400],
  ["no file", "GET", "/v1/sandbox/fine/file", undefined, 400],
  ["a negative offset", "GET", "/v1/sandbox/fine/file?path=/a&offset=-1", undefined, 400],
  ["a part that is too long", "GET", "/v1/sandbox/fine/file?path=/a&length=99999999", undefined, 400],
  ["labels that are no JSON", "GET", "/v1/sandbox?labels=x", undefined, 400],
  ["a page without end", "GET", "/v1/sandbox?limit=501", undefined, 400],
  ["an odd id in the path", "GET", "/v1/sandbox/A%20B", undefined, 400],
  ["an unknown path", "GET", "/v2", undefined, 405],
  ["an unknown part", "POST", "/v1/sandbox/fine/secrets", {}, 405],
  ["an unknown method", "PATCH", "/v1/sandbox", {}, 405],
  ["the root", "GET", "/", undefined, 405],
];

describe("what the bridge takes", () => {
  it.each(wrong)("is not %s", async (_what, method, path, body, status) => {
    const answer = await ask(method, path, { body });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error: expect.any(String) as string });
  });

  it("starts no container for a sandbox that it does not know", async () => {
    const before = standIn.containers.server.requests.length;
    for (const [method, part, body] of [
      ["POST", "/exec", { argv: ["true"] }],
      ["POST", "/expiry", { life_ms: 1000 }],
      ["POST", "/tunnel", { port: 8000 }],
      ["GET", "/file?path=/etc/hostname", undefined],
      ["PUT", "/file?path=/tmp/x", new Uint8Array(3)],
      ["GET", "", undefined],
    ] as const) {
      expect((await ask(method, `/v1/sandbox/unknown${part}`, { body })).status).toBe(404);
    }
    expect((await ask("DELETE", "/v1/sandbox/unknown")).status).toBe(204);
    expect(standIn.containers.server.requests.length).toBe(before);
  });
});

describe("a sandbox of the bridge", () => {
  it("is made once", async () => {
    const id = await made();
    const again = await ask("POST", "/v1/sandbox", { body: { id, life_ms: 1000 } });
    expect(again.status).toBe(409);
    expect((await ask("DELETE", `/v1/sandbox/${id}`)).status).toBe(204);
    expect((await ask("GET", `/v1/sandbox/${id}`)).status).toBe(404);
  });

  it("says what a command writes, and how it ends", async () => {
    const id = await made();
    const argv = ["/bin/sh", "-c", 'echo "$A"; pwd; sleep 0.2; echo "it\'s $0" >&2; exit 7', "a 'b' $c"];
    const said = await events(id, { argv, env: { A: "ü\n" }, cwd: "/" });
    const of = (type: string): string =>
      said
        .filter(
          (event): event is { readonly data: string } => (event as { readonly type: string }).type === type,
        )
        .map(({ data }) => data)
        .join("");
    expect([of("stdout"), of("stderr")]).toEqual(["ü\n\n/\n", "it's a 'b' $c\n"]);
    expect(said.at(-1)).toEqual({ type: "exit", code: 7 });
    await ask("DELETE", `/v1/sandbox/${id}`);
  });

  it("says output when it is written", async () => {
    const id = await made();
    const argv = ["/bin/sh", "-c", "echo first; until [ -e go ]; do sleep 0.02; done; echo second"];
    const answer = await ask("POST", `/v1/sandbox/${id}/exec`, { body: { argv } });
    const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = answer.body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from(first?.value ?? "").toString()).toContain("first");
    await events(id, { argv: ["touch", "go"] });
    let rest = "";
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      rest += Buffer.from(read.value).toString();
    }
    expect(rest).toBe('{"type":"stdout","data":"second\\n"}\n{"type":"exit","code":0}\n');
    await ask("DELETE", `/v1/sandbox/${id}`);
  });

  it("gives and takes files by their parts", async () => {
    const id = await made();
    const file = (query: string): string => `/v1/sandbox/${id}/file?path=/tmp/.playpen-f${query}`;
    const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);
    expect((await ask("PUT", file(""), { body: bytes })).status).toBe(204);
    expect((await ask("PUT", file("&offset=999"), { body: bytes })).status).toBe(422);
    expect((await ask("PUT", file("&offset=1000"), { body: bytes })).status).toBe(204);
    const middle = await ask("GET", file("&offset=990&length=20"));
    const expected = [...bytes.subarray(990), ...bytes.subarray(0, 10)];
    expect([...new Uint8Array(await middle.arrayBuffer())]).toEqual(expected);
    const end = await ask("GET", file("&offset=1999"));
    expect([...new Uint8Array(await end.arrayBuffer())]).toEqual([bytes[999]]);
    const beyond = await ask("GET", file("&offset=5000"));
    expect((await beyond.arrayBuffer()).byteLength).toBe(0);
    const missing = await ask("GET", `/v1/sandbox/${id}/file?path=/no/such/file`);
    expect([missing.status, await missing.text()]).toEqual([422, expect.stringContaining("/no/such/file")]);
    expect((await ask("PUT", file(""), { body: new Uint8Array(2 * 1024 * 1024 + 1) })).status).toBe(413);
    await ask("DELETE", `/v1/sandbox/${id}`);
  });

  it("is listed by its labels, page by page", async () => {
    const ids = [
      await made({ page: "yes" }),
      await made({ page: "yes", "odd=name": "ü" }),
      await made(),
    ].sort();
    const found: string[] = [];
    for (let after: string | undefined = ""; after !== undefined;) {
      const answer = await ask("GET", `/v1/sandbox?limit=1&after=${after}`);
      const page = (await answer.json()) as {
        readonly sandboxes: readonly { readonly id: string }[];
        readonly after?: string;
      };
      found.push(...page.sandboxes.map(({ id }) => id));
      after = page.after;
    }
    expect(found).toEqual(ids);
    const labelled = await ask("GET", "/v1/sandbox?labels=%7B%22page%22%3A%22yes%22%7D");
    expect(await labelled.json()).toMatchObject({ sandboxes: [{ state: "running" }, { state: "running" }] });
    await Promise.all(ids.map((id) => ask("DELETE", `/v1/sandbox/${id}`)));
    expect(standIn.machines.size).toBe(0);
  });

  it("can be destroyed by many at once, also while it is made", async () => {
    const id = `test-${randomUUID()}`;
    const creating = ask("POST", "/v1/sandbox", { body: { id, life_ms: 60_000 } });
    await expect.poll(async () => (await ask("GET", `/v1/sandbox/${id}`)).status).toBe(200);
    const ended = await Promise.all([1, 2, 3].map(() => ask("DELETE", `/v1/sandbox/${id}`)));
    expect(ended.map(({ status }) => status)).toEqual([204, 204, 204]);
    expect([200, 404]).toContain((await creating).status);
    await expect.poll(() => standIn.machines.size).toBe(0);
    expect((await ask("GET", `/v1/sandbox/${id}`)).status).toBe(404);
  });

  it("whose container cannot be destroyed is known until it can", async () => {
    const id = await made();
    standIn.containers.server.faults.nextStatus(500, { on: ({ method }) => method === "DELETE" });
    expect((await ask("DELETE", `/v1/sandbox/${id}`)).status).toBe(502);
    expect((await ask("POST", `/v1/sandbox/${id}/exec`, { body: { argv: ["true"] } })).status).toBe(404);
    expect(standIn.machines.size).toBe(1);
    expect((await ask("DELETE", `/v1/sandbox/${id}`)).status).toBe(204);
    expect(standIn.machines.size).toBe(0);
  });

  it("tells no variable when its container fails in words that have it", async () => {
    const id = await made();
    standIn.containers.failNext("exec of A=top-secret-value failed");
    const body = { argv: ["true"], env: { A: "top-secret-value" } };
    const answer = await ask("POST", `/v1/sandbox/${id}/exec`, { body });
    const text = await answer.text();
    expect([answer.status, text]).toEqual([502, expect.stringContaining("exec of A=*** failed")]);
    await ask("DELETE", `/v1/sandbox/${id}`);
  });
});
