import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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
    const { argv } = launch(preset);
    expect(argv.slice(argv.indexOf("/usr/local/bin/agent"))).toEqual(["/usr/local/bin/agent", ...args]);
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

  it("leads Qwen Code to settings that stand below the user's", () => {
    const { env, files } = launch("qwen");
    expect(env["QWEN_CODE_SYSTEM_DEFAULTS_PATH"]).toBe(`${folder}/qwen-defaults.json`);
    expect(files).toMatchObject([{ path: `${folder}/qwen-defaults.json` }]);
    expect(JSON.parse(files[0]?.content as string)).toMatchObject({ model: { skipNextSpeakerCheck: true } });
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

describe("a start of", () => {
  let home = "";
  beforeEach(() => {
    home = mkdtempSync(`${tmpdir()}/acp-start-`);
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  function run({ argv: [program, ...args] }: Launch): string {
    const env = { PATH: process.env["PATH"], HOME: home };
    return spawnSync(program, args, { env, encoding: "utf8", timeout: 20_000 }).stdout;
  }

  /** A launch whose files lie in the home, and whose agent prints its arguments. */
  function gemini(more: Partial<LaunchInput> = {}): Launch {
    const made = launch("gemini", {}, { stateDirectory: home, executable: "echo", ...more });
    for (const { path, content } of made.files) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    return made;
  }

  it("Gemini CLI gives it settings where the user has none", () => {
    const settings = `${home}/.gemini/settings.json`;
    expect(run(gemini())).toBe("--acp\n");
    expect(JSON.parse(readFileSync(settings, "utf8"))).toMatchObject({
      general: { maxAttempts: 3, sessionRetention: { enabled: false } },
      tools: { shell: { enableInteractiveShell: false } },
    });
    writeFileSync(settings, "{}");
    expect(run(gemini())).toBe("--acp\n");
    expect(readFileSync(settings, "utf8")).toBe("{}");
  });

  it("Gemini CLI renames a session that is taken up, or loading it in the same minute would destroy it", () => {
    const chats = `${home}/.gemini/tmp/workspace/chats`;
    mkdirSync(chats, { recursive: true });
    for (const id of ["0a1b2c3d", "99999999"]) {
      writeFileSync(`${chats}/session-2026-01-02T03-04-${id}.jsonl`, "{}");
    }
    const resume = { nativeSessionId: "0a1b2c3d-1111-4111-8111-111111111111", fork: false };
    // And again, with nothing left to be done.
    for (const _time of [1, 2]) {
      expect(run(gemini({ resume }))).toBe("--acp\n");
      expect(readdirSync(chats).sort()).toEqual([
        "session-2000-01-01T00-00-0a1b2c3d.jsonl",
        "session-2026-01-02T03-04-99999999.jsonl",
      ]);
    }
  });

  it("OpenCode waits while another one makes the database, and only then", async () => {
    const data = `${home}/.local/share/opencode`;
    const start = (): Launch => launch("opencode", {}, { executable: "echo" });
    expect(run(start())).toBe("acp\n");
    expect(readdirSync(data)).toEqual(["playpen-first"]);
    // The first one is dead: there is nothing to wait for.
    expect(run(start())).toBe("acp\n");
    rmSync(`${data}/playpen-ready`);
    const other = spawn("sleep", ["30"]);
    try {
      writeFileSync(`${data}/playpen-first`, String(other.pid));
      const [program, ...args] = start().argv;
      // Tells that it waits, and does so for a shorter time.
      mkdirSync(`${home}/bin`);
      writeFileSync(`${home}/bin/sleep`, "#!/bin/sh\necho waits >&2\nexec /bin/sleep 0.05\n", {
        mode: 0o755,
      });
      const env = { PATH: `${home}/bin:${process.env["PATH"] ?? ""}`, HOME: home };
      const waiting = spawn(program, args, { env });
      const said = text(waiting.stdout);
      const waits = createInterface({ input: waiting.stderr })[Symbol.asyncIterator]();
      for (const _round of [1, 2, 3]) expect((await waits.next()).value).toBe("waits");
      expect(waiting.exitCode).toBeNull();
      writeFileSync(`${data}/opencode.db`, "made");
      expect(await said).toBe("acp\n");
    } finally {
      other.kill("SIGKILL");
    }
    expect(readdirSync(data).sort()).toEqual(["opencode.db", "playpen-first", "playpen-ready"]);
  });
});
