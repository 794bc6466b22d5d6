import { spawn } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SandboxAgent } from "playpen";
import { claude } from "playpen/claude";
import type { Sandbox } from "playpen/kit";
import { ssh, type SshOptions } from "playpen/ssh";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { repositoryRoot } from "../../../scripts/subpaths.ts";
import { describeWith } from "../../image/engines.ts";
import { SshServer } from "../../stand-ins/sshd/index.ts";
import { describeOtherHost } from "./describe-other-host.ts";
import { describeRealAgent } from "./describe-real-agent.ts";

const spec = { env: {}, labels: {} };

let server: SshServer;
const provider = (options: Partial<SshOptions> = {}) => ssh({ ...server.options, ...options });

async function ownServer(config: readonly string[], keyType?: "rsa" | "ecdsa"): Promise<SshServer> {
  const own = await SshServer.start({ config, ...(keyType === undefined ? {} : { keyType }) });
  onTestFinished(() => own.stop());
  return own;
}

/** The ids of the processes that belong to a sandbox. */
function processesOf(id: string): readonly string[] {
  return readdirSync("/proc").filter((name) => {
    try {
      return readFileSync(`/proc/${name}/environ`, "latin1").includes(`PLAYPEN_SANDBOX=${id}`);
    } catch {
      return false;
    }
  });
}

const isGone = (id: string): boolean => processesOf(id).length === 0 && !existsSync(join(server.root, id));

async function sleeping(sandbox: Sandbox) {
  const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", "setsid sleep 300 & exec sleep 300"] });
  await expect.poll(() => processesOf(sandbox.id).length).toBeGreaterThan(1);
  return process;
}

async function outputOf(sandbox: Sandbox, script: string): Promise<string> {
  const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", script], stdin: "ignore" });
  return new Response(process.stdout).text();
}

describeWith(["sshd"], "ssh(), by the system's sshd", () => {
  beforeAll(async () => {
    server = await SshServer.start();
  });
  afterAll(() => server.stop());

  describeOtherHost({
    name: "ssh",
    options: () => server.options,
    provider,
    packages: [{ name: "ssh2", range: "^1.16.0", others: ["0.8.9"] }],
    count: () => (existsSync(server.root) ? readdirSync(server.root).length : 0),
  });

  describe("who the machine is", () => {
    it("is refused before the log-in begins when its key is another one", async () => {
      const [own, other] = [await ownServer([]), server.hostKey];
      for (const hostKey of [other, server.fingerprint]) {
        const failed = ssh({ ...own.options, hostKey }).create(spec);
        await expect(failed).rejects.toMatchObject({ code: "provider_unavailable" });
        await expect(failed).rejects.toThrow(own.fingerprint);
      }
      expect(await ssh({ ...own.options, hostKey: other }).check()).toMatchObject({ available: false });
      expect(own.log).not.toMatch(/Accepted|Failed|Postponed|userauth/);
    });

    it.each(["rsa", "ecdsa"] as const)("is known by its %s key, line and fingerprint", async (kind) => {
      const own = await ownServer([], kind);
      for (const hostKey of [own.hostKey, own.fingerprint]) {
        expect(await ssh({ ...own.options, hostKey }).check()).toEqual({ available: true });
      }
      // A key of a kind that it does not have.
      const failed = ssh({ ...own.options, hostKey: server.hostKey }).create(spec);
      await expect(failed).rejects.toMatchObject({ code: "provider_unavailable" });
    });
  });

  describe("who we are", () => {
    it("is refused with a code when the machine does not know the key", async () => {
      const own = await ownServer([]);
      const failed = provider({ privateKey: own.privateKey }).create(spec);
      await expect(failed).rejects.toMatchObject({ code: "provider_authentication_failed" });
    });

    it("is not even asked without a credential", async () => {
      vi.stubEnv("SSH_AUTH_SOCK", "");
      onTestFinished(() => void vi.unstubAllEnvs());
      const { privateKey: _, ...rest } = server.options;
      const connections = (): number => server.log.match(/Connection from/g)?.length ?? 0;
      const before = connections();
      const failed = ssh(rest).create(spec);
      await expect(failed).rejects.toMatchObject({
        code: "provider_authentication_failed",
        details: { variables: ["SSH_AUTH_SOCK"] },
      });
      expect(before).toBeGreaterThan(0);
      expect(connections()).toBe(before);
    });

    it("is shown by an agent", async () => {
      const agent = spawn("ssh-agent", ["-D", "-a", join(server.folder, "agent")], { stdio: "ignore" });
      onTestFinished(() => void agent.kill());
      await expect.poll(() => existsSync(join(server.folder, "agent"))).toBe(true);
      const env = { ...process.env, SSH_AUTH_SOCK: join(server.folder, "agent") };
      await once(spawn("ssh-add", ["-q", join(server.folder, "user")], { env, stdio: "ignore" }), "exit");
      const { privateKey: _, ...rest } = server.options;
      expect(await ssh({ ...rest, agent: env.SSH_AUTH_SOCK }).check()).toEqual({ available: true });
    });
  });

  it("tells nobody there from somebody who says nothing", async () => {
    const silent = createServer(() => undefined);
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const late = provider({ port, connectTimeoutMs: 300 }).create(spec);
    await expect(late).rejects.toMatchObject({ code: "provider_unavailable" });
    silent.close();
    const nobody = provider({ port, connectTimeoutMs: 300 }).create(spec);
    await expect(nobody).rejects.toMatchObject({ code: "provider_unavailable" });
  });

  it("says why the machine can make no sandbox, and leaves nothing", async () => {
    const failed = provider({ root: "/proc/none" }).create(spec);
    await expect(failed).rejects.toMatchObject({ code: "sandbox_create_failed" });
    const badCwd = provider({ cwd: "/proc/none" }).create(spec);
    await expect(badCwd).rejects.toThrow("/proc/none cannot be made");
    await expect.poll(() => (existsSync(server.root) ? readdirSync(server.root) : [])).toEqual([]);
  });

  it("opens further connections where the machine limits the sessions of one", async () => {
    const own = await ownServer(["MaxSessions 2"]);
    const sandbox = await ssh(own.options).create(spec);
    const started = await Promise.all(Array.from({ length: 5 }, () => sandbox.spawn({ argv: ["cat"] })));
    expect(own.connections().length).toBeGreaterThan(2);
    const texts = started.map(async (process, index) => {
      const writer = process.stdin.getWriter();
      await writer.write(new TextEncoder().encode(`to ${index}`));
      await writer.close();
      return new Response(process.stdout).text();
    });
    expect(await Promise.all(texts)).toEqual([0, 1, 2, 3, 4].map((index) => `to ${index}`));
    await sandbox.destroy();
    await expect.poll(() => own.connections().length).toBe(0);
  });

  it("shows no variable's value to the machine's process list", async () => {
    const sandbox = await provider({ env: { SECRET: "of-provider" } }).create({
      ...spec,
      env: { MORE: "of-box" },
    });
    const process = await sandbox.spawn({
      argv: ["/bin/sh", "-c", "echo $SECRET $MORE; cat /proc/[0-9]*/cmdline | tr '\\0' ' '"],
      stdin: "ignore",
    });
    const [first, ...rest] = (await new Response(process.stdout).text()).split("\n");
    expect(first).toBe("of-provider of-box");
    expect(rest.join("\n")).not.toMatch(/of-provider|of-box/);
    await sandbox.destroy();
  });

  it("makes a process wait whose input the other side does not take, in bounded memory", async () => {
    const sandbox = await provider().create(spec);
    await outputOf(sandbox, "mkfifo go");
    const stuck = await sandbox.spawn({ argv: ["/bin/sh", "-c", "read -r _ < go; exec wc -c"] });
    const writer = stuck.stdin.getWriter();
    const chunk = new Uint8Array(1024 * 1024);
    let written = 0;
    const all = (async () => {
      for (let round = 0; round < 20; round++) {
        await writer.write(chunk);
        written++;
      }
      await writer.close();
    })();
    let before = -1;
    while (before !== written) {
      before = written;
      await outputOf(sandbox, "sleep 0.2");
    }
    // The channel's window is 2 MiB, beside what pipes and the server hold.
    expect(written).toBeLessThan(8);
    await outputOf(sandbox, "echo > go");
    await all;
    expect((await new Response(stuck.stdout).text()).trim()).toBe(String(20 * chunk.length));
    await sandbox.destroy();
  });

  describe("the end of a sandbox", () => {
    it("comes within a second when the connection is cut, with a code for what ran", async () => {
      const sandbox = await provider().create(spec);
      const process = await sleeping(sandbox);
      const since = performance.now();
      server.cutConnections();
      await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
      await expect.poll(() => isGone(sandbox.id), { timeout: 5000, interval: 20 }).toBe(true);
      expect(performance.now() - since).toBeLessThan(5000);
      await expect(sandbox.spawn({ argv: ["true"] })).rejects.toMatchObject({ code: "sandbox_lost" });
      await sandbox.destroy();
    });

    it("comes when the host is killed", async () => {
      const program = fileURLToPath(new URL("programs/ssh-host.ts", import.meta.url));
      const host = spawn(process.execPath, ["--import", "tsx", program, JSON.stringify(server.options)], {
        cwd: repositoryRoot,
        stdio: ["ignore", "pipe", "inherit"],
      });
      onTestFinished(() => void host.kill("SIGKILL"));
      const [id] = (await once(host.stdout.setEncoding("utf8"), "data")) as [string];
      expect(processesOf(id.trim()).length).toBeGreaterThan(1);
      host.kill("SIGKILL");
      await expect.poll(() => isGone(id.trim()), { timeout: 5000, interval: 20 }).toBe(true);
    });

    it("is put off by detach, also from another host", async () => {
      const first = await provider().create(spec);
      await sleeping(first);
      const held = await provider().connect(first.id, { env: {} });
      await expect(held.detach({ ttlMs: 5000 })).rejects.toMatchObject({ code: "unsupported" });
      held.letGo();
      await first.detach({ ttlMs: 60_000 });
      await expect.poll(() => processesOf(first.id).length).toBeGreaterThan(0);
      const second = await provider().connect(first.id, { env: {} });
      await second.detach({ ttlMs: 1000 });
      await expect.poll(() => isGone(first.id), { timeout: 8000 }).toBe(true);
    });

    it("is made up for by the next sandbox when the process that watched over it was killed", async () => {
      const lost = await provider().create(spec);
      await sleeping(lost);
      const [pid = ""] = readFileSync(join(server.root, lost.id, "anchor"), "utf8").split(" ");
      process.kill(Number(pid), "SIGKILL");
      const next = await provider().create(spec);
      expect(isGone(lost.id)).toBe(true);
      await next.destroy();
      await lost.destroy();
    });
  });

  describe("ports and terminals", () => {
    it("reaches a server on the machine, and says when that is forbidden", async () => {
      const own = await ownServer(["AllowTcpForwarding no"]);
      const closed = await ssh(own.options).create(spec);
      await expect(closed.expose(8080)).rejects.toMatchObject({ code: "unsupported" });
      await closed.destroy();
      const sandbox = await provider().create(spec);
      const target = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"));
      target.listen(0, "127.0.0.1");
      await once(target, "listening");
      const { port } = target.address() as AddressInfo;
      const { url } = await sandbox.expose(port);
      expect(await sandbox.expose(port)).toEqual({ url });
      expect(await (await fetch(url)).text()).toBe("hi");
      await sandbox.destroy();
      await expect(fetch(url)).rejects.toThrow();
      target.close();
    });

    it("refuses a terminal for a program that is not there", async () => {
      const sandbox = await provider().create(spec);
      const none = sandbox.terminal({ argv: ["no-such-program"] });
      await expect(none).rejects.toMatchObject({ code: "spawn_failed" });
      const nowhere = sandbox.terminal({ cwd: "/not/there" });
      await expect(nowhere).rejects.toMatchObject({ code: "spawn_failed" });
      await sandbox.destroy();
    });
  });

  describeRealAgent("a real agent on the machine", {
    provider,
    watch:
      ({ sandbox: { id } }) =>
      () => [...processesOf(id), ...(existsSync(join(server.root, id)) ? [id] : [])],
    cuts: [
      {
        when: "the connection is cut",
        cut: () => {
          server.cutConnections();
        },
      },
    ],
  });

  it("needs permissions to be chosen, since nothing is kept from the agent", async () => {
    const agent = claude({ env: { ANTHROPIC_API_KEY: "sk-ant-api03-test" } });
    await expect(SandboxAgent.start({ sandbox: provider(), agent })).rejects.toThrow(
      "ssh runs without isolation",
    );
  });
});
