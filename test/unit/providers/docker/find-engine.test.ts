import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { type Server, createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { SandboxAgentError } from "playpen";
import { docker } from "playpen/docker";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { dockerKind } from "../../../../providers/docker/docker-kind.ts";
import { engineAddresses, findEngine } from "../../../../providers/container-engine/find-engine.ts";

let folder: string;
const servers: Server[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "docker-engine-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, "close");
  }
  await rm(folder, { recursive: true, force: true });
});

async function listen(server: Server, name: string): Promise<string> {
  const path = join(folder, name);
  servers.push(server);
  await once(server.listen(path), "listening");
  return path;
}

function engine(): Server {
  return createHttpServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(request.url === "/_ping" ? "OK" : JSON.stringify({ Version: "test-1" }));
  });
}

async function names(
  environment: { readonly [name: string]: string },
  options = {},
): Promise<readonly string[]> {
  return (await engineAddresses(dockerKind, options, environment)).map(({ name }) => name);
}

async function failure(promise: Promise<unknown>) {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!SandboxAgentError.is(error, "provider_unavailable")) throw error;
  return error;
}

describe("engineAddresses", () => {
  it("lists the usual sockets in order", async () => {
    expect(await names({ XDG_RUNTIME_DIR: "/run/user/7" })).toEqual([
      "/var/run/docker.sock",
      join(homedir(), ".docker/run/docker.sock"),
      join(homedir(), ".docker/desktop/docker.sock"),
      join(homedir(), ".colima/default/docker.sock"),
      "/run/user/7/docker.sock",
      "/run/user/7/podman/podman.sock",
      "/run/podman/podman.sock",
    ]);
    expect(await names({})).not.toContain(expect.stringContaining("undefined"));
  });

  it("takes an address that was named for the only one, an option before DOCKER_HOST", async () => {
    const environment = { DOCKER_HOST: "tcp://10.0.0.5:2375" };
    expect(await names(environment)).toEqual(["tcp://10.0.0.5:2375"]);
    expect(await names(environment, { socketPath: "/a.sock" })).toEqual(["/a.sock"]);
    expect(await names(environment, { host: "unix:///b.sock" })).toEqual(["/b.sock"]);
    expect(await names({ DOCKER_HOST: "" })).toContain("/var/run/docker.sock");
  });

  it("reads the certificates that DOCKER_HOST needs", async () => {
    for (const name of ["ca", "cert", "key"]) await writeFile(join(folder, `${name}.pem`), name);
    const environment = { DOCKER_HOST: "tcp://h:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: folder };
    const [address] = await engineAddresses(dockerKind, {}, environment);
    expect(address?.url?.protocol).toBe("https:");
    expect(address?.tls).toEqual({ ca: "ca", cert: "cert", key: "key" });
    await rm(join(folder, "key.pem"));
    expect((await failure(engineAddresses(dockerKind, {}, environment))).message).toContain("key.pem");
  });

  it("refuses ssh, and what is no address, with the way out", async () => {
    const overSsh = await failure(engineAddresses(dockerKind, {}, { DOCKER_HOST: "ssh://user@machine" }));
    expect(overSsh.message).toContain("ssh:// is not supported");
    expect(overSsh.remedy).toContain("socketPath");
    expect((await failure(engineAddresses(dockerKind, {}, { DOCKER_HOST: "machine" }))).message).toContain(
      '"machine"',
    );
  });
});

describe("findEngine", () => {
  it("names each place and why it failed", async () => {
    const missing = await failure(findEngine(dockerKind, { socketPath: join(folder, "missing.sock") }));
    expect(missing.details.tried).toEqual([
      `${join(folder, "missing.sock")}: ENOENT (there is no such socket)`,
    ]);
    await writeFile(join(folder, "stale.sock"), "");
    const stale = await failure(findEngine(dockerKind, { socketPath: join(folder, "stale.sock") }));
    expect(stale.message).toContain("ECONNREFUSED (nothing listens there)");
    const refused = await failure(findEngine(dockerKind, { host: "tcp://127.0.0.1:1" }));
    expect(refused.message).toContain("tcp://127.0.0.1:1: ECONNREFUSED");
  });

  it("gives up on an engine that does not answer", async () => {
    const open = new Set<NodeJS.EventEmitter>();
    const silent = createServer((connection) => {
      open.add(connection);
      connection.on("close", () => open.delete(connection));
      connection.resume();
    });
    const error = await failure(findEngine(dockerKind, { socketPath: await listen(silent, "silent.sock") }));
    expect(error.message).toContain("no answer within 3000 ms");
    // Nothing of the attempt is left to keep the host going.
    await vi.waitFor(() => expect(open.size).toBe(0));
  });

  it("finds an engine by an option although DOCKER_HOST leads elsewhere", async () => {
    vi.stubEnv("DOCKER_HOST", "tcp://127.0.0.1:1");
    const socketPath = await listen(engine(), "engine.sock");
    expect(await docker({ socketPath }).check()).toEqual({ available: true, version: "test-1" });
    expect(await docker().check()).toMatchObject({ available: false });
  });

  it("looks again after a failure, and once after a success", async () => {
    const socketPath = join(folder, "late.sock");
    const provider = docker({ socketPath });
    const before = await provider.check();
    expect(before.available ? "" : before.reason).toContain("ENOENT");
    expect(before.available ? "" : before.remedy).toContain("Start Docker");
    let pings = 0;
    const late = createHttpServer((request, response) => {
      if (request.url === "/_ping") pings++;
      response.end("{}");
    });
    await listen(late, "late.sock");
    await Promise.all([provider.check(), provider.check()]);
    await provider.check();
    expect(pings).toBe(1);
  });

  it("does nothing before it is used", () => {
    expect(() => docker({ socketPath: join(folder, "missing.sock") })).not.toThrow();
  });
});
