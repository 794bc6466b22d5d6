import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { acp, type AcpOptions, type AcpPresetName } from "../../../../backends/acp/index.ts";
import type { Launch, LaunchInput } from "../../../../src/kit.ts";
import { launchInput } from "./agent.ts";

function launch(preset: AcpPresetName, options: AcpOptions = {}, more: Partial<LaunchInput> = {}): Launch {
  return acp(preset, options).launch({ ...launchInput, ...more });
}

const folder = `/state/sessions/${launchInput.sessionId}`;

describe("the command line", () => {
  it.each([
    ["claude", []],
    ["codex", []],
    ["copilot", ["--acp"]],
    ["droid", ["exec", "--output-format", "acp"]],
    ["gemini", ["--acp"]],
    ["opencode", ["acp"]],
    ["qwen", ["--acp"]],
  ] as const)("of %s makes it speak the protocol", (preset, args) => {
    expect(launch(preset).argv).toEqual(["/usr/local/bin/agent", ...args]);
    expect(launch(preset, { extraArgs: ["--verbose"] }).argv.at(-1)).toBe("--verbose");
  });

  it("is the caller's own where the agent is", () => {
    const backend = acp({ command: ["node", "agent.mjs"], args: ["--acp"], extraArgs: ["-v"] });
    expect(backend.launch(launchInput)).toEqual({
      argv: ["node", "agent.mjs", "--acp", "-v"],
      env: {},
      files: [],
    });
  });

  it("shows no secret", () => {
    for (const preset of ["copilot", "gemini", "opencode", "qwen"] as const) {
      const { argv } = launch(
        preset,
        { env: { GEMINI_API_KEY: "sk-secret" } },
        {
          env: { GEMINI_API_KEY: "sk-secret", OPENAI_API_KEY: "sk-secret" },
          mcpServers: { echo: { type: "stdio", command: "echo", env: { TOKEN: "mcp-secret" } } },
        },
      );
      expect(argv.join(" ")).not.toMatch(/secret/);
    }
  });
});

describe("the environment", () => {
  it("gives way to the caller's", () => {
    expect(launch("gemini").env).toMatchObject({
      GEMINI_CLI_NO_RELAUNCH: "1",
      GEMINI_CLI_TRUST_WORKSPACE: "true",
    });
    const { env } = launch("gemini", {}, { env: { GEMINI_CLI_TRUST_WORKSPACE: "false" } });
    expect(env).not.toHaveProperty("GEMINI_CLI_TRUST_WORKSPACE");
    expect(env).toHaveProperty("GEMINI_CLI_NO_RELAUNCH");
  });

  it.each([
    ["gemini", "GEMINI_CLI_SYSTEM_DEFAULTS_PATH", `${folder}/gemini-defaults.json`],
    ["qwen", "QWEN_CODE_SYSTEM_DEFAULTS_PATH", `${folder}/qwen-defaults.json`],
  ] as const)("leads %s to settings that stand below the user's", (preset, variable, path) => {
    const { env, files } = launch(preset);
    expect(env[variable]).toBe(path);
    expect(files.map((file) => file.path)).toEqual([path]);
    expect(() => JSON.parse(files[0]?.content as string) as unknown).not.toThrow();
  });
});

describe("MCP servers of Copilot", () => {
  it("that are run by a command come by a file, since the protocol takes others alone", () => {
    const server = { type: "stdio", command: "node", args: ["echo.mjs"], env: { TOKEN: "s" } } as const;
    const http = { type: "http", url: "http://tools/mcp" } as const;
    const { argv, files } = launch("copilot", {}, { mcpServers: { echo: server, http } });
    expect(argv.slice(1)).toEqual(["--acp", `--additional-mcp-config=@${folder}/mcp.json`]);
    expect(JSON.parse(files[0]?.content as string)).toEqual({
      mcpServers: { echo: { ...server, tools: ["*"] } },
    });
    expect(launch("copilot", {}, { mcpServers: { http } })).toMatchObject({ files: [] });
  });
});

describe("a session of Gemini CLI that is taken up", () => {
  const home = mkdtempSync(`${tmpdir()}/acp-gemini-`);
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it("has the name of its file changed, or loading it in the same minute would destroy it", () => {
    const chats = `${home}/.gemini/tmp/workspace/chats`;
    mkdirSync(chats, { recursive: true });
    for (const id of ["0a1b2c3d", "99999999"])
      writeFileSync(`${chats}/session-2026-01-02T03-04-${id}.jsonl`, "{}");
    const resume = { nativeSessionId: "0a1b2c3d-1111-4111-8111-111111111111", fork: false };
    const { argv } = launch("gemini", {}, { resume, executable: "echo" });
    const [program, ...args] = argv;
    const run = (): string =>
      spawnSync(program, args, { env: { PATH: process.env["PATH"], HOME: home }, encoding: "utf8" }).stdout;
    expect(run()).toBe("--acp\n");
    const names = ["session-2000-01-01T00-00-0a1b2c3d.jsonl", "session-2026-01-02T03-04-99999999.jsonl"];
    expect(readdirSync(chats).sort()).toEqual(names);
    // And again, with nothing left to be done.
    expect(run()).toBe("--acp\n");
    expect(readdirSync(chats).sort()).toEqual(names);
  });
});
