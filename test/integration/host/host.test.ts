import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { SandboxAgent } from "playpen";
import { claude } from "playpen/claude";
import { docker } from "playpen/docker";
import { type ModelServer, startModelServer } from "playpen/testing";
import { describeWith, type Engine } from "../../image/engines.ts";
import { hostCliDirectory, hostCliFolder, testImage } from "../../image/paths.ts";
import { eventually, startHost } from "./host-program.ts";

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(async () => {
  await server.close();
});

const places: readonly { readonly place: string; readonly engines: readonly Engine[] }[] = [
  { place: "docker", engines: ["docker", "test-image"] },
  { place: "bubblewrap", engines: ["bubblewrap", "host-clis"] },
  { place: "none", engines: ["host-clis"] },
];

function parametersFor(place: string): { readonly [name: string]: string } {
  const where =
    place === "docker"
      ? { image: testImage() }
      : { command: `${hostCliDirectory()}/claude`, cliFolder: hostCliFolder() };
  return { place, modelUrl: server.url, ...where };
}

/** The processes of this machine, those in containers included, whose command line holds the text. */
function processesWith(text: string): string[] {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").includes(text);
    } catch {
      return false;
    }
  });
}

function containerExists(id: string): boolean {
  return spawnSync("docker", ["container", "inspect", id], { timeout: 20_000 }).status === 0;
}

for (const { place, engines } of places) {
  describeWith(engines, `a host program with an agent in ${place}`, () => {
    it("leaves nothing behind when it is killed in the middle of a turn", async () => {
      const seconds = String(100_000 + Math.floor(Math.random() * 900_000));
      const host = startHost("working", { ...parametersFor(place), seconds });
      const { id } = await host.step("working");
      await eventually(() => processesWith(`sleep ${seconds}`).length >= 2, 20_000);
      host.process.kill("SIGKILL");
      expect(await host.ended).toBe("SIGKILL");
      // Within a second on a quiet machine; this one may be busy with other tests.
      await eventually(() => processesWith(seconds).length === 0, 10_000);
      if (place === "docker") await eventually(() => !containerExists(id ?? ""), 10_000);
    });

    it("survives what it does not look at, and ends by itself after destroy()", async () => {
      const host = startHost("nasty", parametersFor(place));
      expect(await host.step("completed")).toMatchObject({ text: "Still here." });
      await host.step("destroyed");
      expect(await host.ended).toBe(0);
    });
  });
}

describeWith(["docker", "test-image"], "a sandbox that outlives its host", () => {
  it("is taken up by another process, which resumes the session", async () => {
    const host = startHost("leaving", parametersFor("docker"));
    const { id = "", nativeSessionId = "" } = await host.step("detached");
    expect(await host.ended).toBe(0);
    const box = await SandboxAgent.connect({
      sandbox: docker(),
      id,
      agent: claude({ baseUrl: server.url, env: { ANTHROPIC_API_KEY: "test-key-of-another-process" } }),
    });
    try {
      const session = await box.createSession({ resume: nativeSessionId });
      expect((await session.prompt("!recall")).text).toContain("walnut");
    } finally {
      await box.destroy();
    }
    expect(containerExists(box.sandbox.id)).toBe(false);
  });
});

describe("a missing credential", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("is told by its variables before anything starts", async () => {
    for (const name of Object.keys(process.env)) {
      if (/^(ANTHROPIC|CLAUDE)/.test(name)) vi.stubEnv(name, undefined);
    }
    const options = { sandbox: docker({ image: "never-pulled" }), agent: claude() };
    await expect(SandboxAgent.start(options)).rejects.toMatchObject({
      code: "credential_missing",
      message: expect.stringContaining("ANTHROPIC_API_KEY") as string,
    });
  });
});
