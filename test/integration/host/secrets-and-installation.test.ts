import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Progress, SandboxAgent } from "playpen";
import { claude } from "playpen/claude";
import { codex } from "playpen/codex";
import { docker } from "playpen/docker";
import { type ModelServer, startModelServer } from "playpen/testing";
import { describeWith } from "../../image/engines.ts";
import { bareImage, testImage } from "../../image/paths.ts";

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(async () => {
  await server.close();
});

const key = "sk-ant-api03-0b5c1e7a9f3d4c2b8e6f";
const boxSecret = "box-secret-7c41d0aa93";

describeWith(["docker", "test-image"], "secrets", () => {
  it("are in no argument, no inspection, no event and no error", async () => {
    await using box = await SandboxAgent.start({
      sandbox: docker({ image: testImage(), network: "host" }),
      env: { DATABASE_PASSWORD: boxSecret },
      permissions: "allow-all",
    });
    const agents = [
      claude({ baseUrl: server.url, env: { ANTHROPIC_API_KEY: key, CLAUDE_CODE_MAX_RETRIES: "1" } }),
      codex({ baseUrl: `${server.url}/v1`, model: "stand-in", env: { OPENAI_API_KEY: key } }),
    ];
    const mcpServers = { tools: { type: "stdio", command: "true", env: { MCP_TOKEN: boxSecret } } } as const;
    const said: string[] = [];
    for (const agent of agents) {
      const session = await box.createSession({ agent, mcpServers, includeRaw: true });
      const turn = session.prompt(
        "!shell env; for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; done\n!text done",
      );
      for await (const event of turn) {
        said.push(JSON.stringify(event));
        if (event.type === "tool.started") {
          const { stdout } = await box.exec(["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]);
          expect(stdout).toContain(agent.name);
          for (const secret of [key, boxSecret]) expect(stdout).not.toContain(secret);
        }
      }
      const failed = await session.prompt(`!status 401 the key ${key} is wrong`, { reject: false });
      said.push(JSON.stringify(failed));
      await session.close();
    }
    const all = said.join("\n");
    // The agent's own tool printed its environment: the names are there, the values are not.
    expect(all).toContain("DATABASE_PASSWORD=[redacted]");
    for (const secret of [key, boxSecret]) expect(all).not.toContain(secret);

    const inspected = spawnSync("docker", ["inspect", box.sandbox.id], { encoding: "utf8", timeout: 20_000 });
    expect(inspected.stdout).toContain("playpen.owner");
    for (const secret of [key, boxSecret]) expect(inspected.stdout).not.toContain(secret);
  });
});

describeWith(["docker", "test-image"], "a CLI that is not in the sandbox", () => {
  const backend = (install: boolean): ReturnType<typeof claude> =>
    claude({ baseUrl: server.url, env: { ANTHROPIC_API_KEY: key }, install });

  it("is installed from npm, once, with progress", async () => {
    const seen: Progress[] = [];
    await using box = await SandboxAgent.start({
      sandbox: docker({ image: bareImage(), network: "host" }),
      agent: backend(true),
      onProgress: (progress) => seen.push(progress),
    });
    const [first, second] = await Promise.all([box.createSession(), box.createSession()]);
    const installs = seen
      .filter((progress) => progress.phase === "install")
      .map((progress) => progress.message);
    expect(installs).toEqual([
      expect.stringMatching(/^Installing @anthropic-ai\/claude-code@/),
      expect.stringMatching(/^Installed @anthropic-ai\/claude-code@/),
    ]);
    const results = await Promise.all([first.prompt("!text one"), second.prompt("!text two")]);
    expect(results.map((result) => result.text)).toEqual(["one", "two"]);
  });

  it("is an error when it may not be installed, or cannot be without a network", async () => {
    await using offline = await SandboxAgent.start({
      sandbox: docker({ image: bareImage(), network: "none" }),
    });
    await expect(offline.createSession({ agent: backend(false) })).rejects.toMatchObject({
      code: "cli_missing",
      message: expect.stringContaining("install: false") as string,
    });
    await expect(offline.createSession({ agent: backend(true) })).rejects.toMatchObject({
      code: "cli_install_failed",
      details: { agent: "claude", output: expect.stringMatching(/network|ENOTFOUND|EAI_AGAIN/) as string },
    });
  });
});
