import { describe, expect, it } from "vitest";
import { claude, type ClaudeOptions } from "../../../../backends/claude/index.ts";
import type { JsonObject, Launch, LaunchInput } from "../../../../src/kit.ts";
import { protocolInput, sessionId } from "./lines.ts";

function launch(options: ClaudeOptions = {}, input: Partial<LaunchInput> = {}): Launch {
  return claude(options).launch({ ...protocolInput, executable: "/usr/bin/claude", env: {}, ...input });
}

/** The value behind an option, also in the form `--option=value`. */
function option({ argv }: Launch, name: string): string | undefined {
  const joined = argv.find((argument) => argument.startsWith(`${name}=`));
  if (joined !== undefined) return joined.slice(name.length + 1);
  const index = argv.indexOf(name);
  return index === -1 ? undefined : argv[index + 1];
}

describe("the command line", () => {
  it("is that of the streaming protocol", () => {
    expect(launch().argv).toEqual([
      "/usr/bin/claude",
      "-p",
      "--output-format",
      "stream-json",
      "--verbose",
      "--include-partial-messages",
      "--input-format",
      "stream-json",
      "--replay-user-messages",
      "--permission-prompt-tool",
      "stdio",
      "--permission-mode",
      "bypassPermissions",
      "--session-id",
      sessionId,
      "--strict-mcp-config",
    ]);
  });

  it("is the same in both modes", () => {
    expect(launch({ mode: "turn" }).argv).toEqual(launch().argv);
  });

  it("begins with the caller's own command", () => {
    expect(launch({ command: "claude-next" }).argv[0]).toBe("claude-next");
    expect(launch({ command: ["nice", "claude"] }).argv.slice(0, 3)).toEqual(["nice", "claude", "-p"]);
  });

  it("takes a session up, or a copy of it, without naming another id", () => {
    const resumed = launch({}, { resume: { nativeSessionId: "native", fork: false } });
    expect(option(resumed, "--resume")).toBe("native");
    expect(resumed.argv).not.toContain("--session-id");
    expect(resumed.argv).not.toContain("--fork-session");
    expect(launch({}, { resume: { nativeSessionId: "native", fork: true } }).argv).toContain(
      "--fork-session",
    );
  });

  it("names the model also when it resumes", () => {
    const resume = { nativeSessionId: "native", fork: false };
    expect(option(launch({ model: "sonnet" }, { resume }), "--model")).toBe("sonnet");
    expect(option(launch({ model: "sonnet" }, { resume, model: "opus" }), "--model")).toBe("opus");
    expect(launch().argv).not.toContain("--model");
  });

  it("bypasses the CLI's own permissions only where all calls are allowed", () => {
    const mode = (permissions: LaunchInput["permissions"], options: ClaudeOptions = {}): string | undefined =>
      option(launch(options, { permissions }), "--permission-mode");
    expect(mode("allow-all")).toBe("bypassPermissions");
    expect(mode("ask")).toBe("default");
    expect(mode("deny-all")).toBe("default");
    expect(mode("ask", { permissionMode: "plan" })).toBe("plan");
  });

  it("does not offer questions that nobody answers", () => {
    expect(option(launch({}, { answersQuestions: false }), "--disallowedTools")).toBe("AskUserQuestion");
    expect(option(launch(), "--disallowedTools")).toBeUndefined();
  });

  it("keeps lists from swallowing what follows", () => {
    const { argv } = launch({ allowedTools: ["Bash(git *)", "Read"], disallowedTools: ["WebFetch"] });
    expect(argv).toContain("--allowedTools=Bash(git *)");
    expect(argv).toContain("--allowedTools=Read");
    expect(argv).toContain("--disallowedTools=WebFetch");
  });

  it("carries limits", () => {
    const limited = launch({ maxTurns: 3, maxBudgetUsd: 0.5, fallbackModel: "haiku" });
    expect(option(limited, "--max-turns")).toBe("3");
    expect(option(limited, "--max-budget-usd")).toBe("0.5");
    expect(option(limited, "--fallback-model")).toBe("haiku");
  });

  it("ends with further arguments", () => {
    expect(launch({ extraArgs: ["--effort", "low"] }).argv.slice(-2)).toEqual(["--effort", "low"]);
  });

  it("has the session's level of thinking go before the backend's arguments", () => {
    const { argv } = launch({ extraArgs: ["--effort", "low"] }, { thinking: "max" });
    expect(argv.slice(-4)).toEqual(["--effort", "low", "--effort", "max"]);
  });

  it("starts in the mode of work that is asked for, by session before backend", () => {
    expect(option(launch({}, { agentMode: "plan" }), "--permission-mode")).toBe("plan");
    const edits = { permissionMode: "acceptEdits" } as const;
    expect(option(launch(edits, { agentMode: "plan" }), "--permission-mode")).toBe("plan");
  });

  it("offers only the tools that are allowed, and asks about the others even without hooks", () => {
    const confined = launch({}, { allowedTools: ["Bash", "Task"] });
    expect(confined.argv).toContain("--tools=Bash,Agent");
    expect(option(confined, "--permission-mode")).toBe("default");
    // A project's settings could switch the hooks off.
    expect(option(confined, "--setting-sources")).toBe("user");
  });

  it("carries the schema of a turn's output, as far as the CLI takes it", () => {
    const of = (outputSchema: JsonObject): string | undefined =>
      option(launch({ mode: "turn" }, { turn: { turnId: "t", content: [], outputSchema } }), "--json-schema");
    expect(of({ $schema: "x", type: "object", properties: {} })).toBe('{"type":"object","properties":{}}');
    expect(of({ type: "array" })).toBeUndefined();
    expect(launch({ mode: "turn" }, { turn: { turnId: "t", content: [] } }).argv).not.toContain(
      "--json-schema",
    );
  });
});

describe("skills", () => {
  const skills = [
    {
      name: "greet",
      files: {
        "SKILL.md": "Say hello.",
        "scripts/run": "#!/bin/sh\n",
        "scripts/bytes": new Uint8Array([0x23, 0x21, 0x0a]),
      },
    },
  ];

  it("are a plugin of the session alone", () => {
    const { argv, files } = launch({}, { skills });
    const folder = `/state/sessions/${sessionId}/plugin`;
    expect(argv).toContain(`--plugin-dir=${folder}`);
    expect(files.map(({ path, mode }) => [path, mode])).toEqual([
      [`${folder}/.claude-plugin/plugin.json`, undefined],
      [`${folder}/skills/greet/SKILL.md`, undefined],
      [`${folder}/skills/greet/scripts/run`, 0o700],
      [`${folder}/skills/greet/scripts/bytes`, 0o700],
    ]);
    expect(JSON.parse(String(files[0]!.content))).toMatchObject({ name: "playpen", version: "1.2.3" });
    expect(launch({}, { skills: [] }).argv.join(" ")).not.toContain("--plugin-dir");
  });
});

describe("settings", () => {
  it("of a project apply only where all calls are allowed, since its hooks run unasked", () => {
    expect(option(launch({}, { permissions: "allow-all" }), "--setting-sources")).toBeUndefined();
    for (const permissions of ["ask", "deny-all"] as const) {
      const asked = launch({}, { permissions });
      expect(option(asked, "--setting-sources")).toBe("user");
      // CLAUDE.md is read all the same.
      expect(option(asked, "--add-dir")).toBe("/workspace");
      expect(asked.env).toMatchObject({ CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: "1" });
    }
  });

  it("apply as the caller says", () => {
    const all = launch({ settingSources: ["user", "project"] }, { permissions: "ask" });
    expect(option(all, "--setting-sources")).toBe("user,project");
    expect(option(all, "--add-dir")).toBeUndefined();
    expect(launch({ settingSources: [] }).argv).toContain("--setting-sources=");
  });

  it("keep skills from running commands unasked, unless the caller wants it", () => {
    const settings = (permissions: LaunchInput["permissions"], options: ClaudeOptions = {}): unknown => {
      const file = launch(options, { permissions }).files.find(({ path }) => path.endsWith("/settings.json"));
      return file === undefined ? undefined : JSON.parse(String(file.content));
    };
    expect(settings("allow-all")).toBeUndefined();
    expect(settings("ask")).toEqual({ disableSkillShellExecution: true });
    expect(settings("deny-all", { settings: { model: "x" } })).toEqual({
      disableSkillShellExecution: true,
      model: "x",
    });
    expect(settings("ask", { settings: { disableSkillShellExecution: false } })).toEqual({
      disableSkillShellExecution: false,
    });
  });

  it("of the caller go by a file", () => {
    const { argv, files } = launch({ settings: { env: { TOKEN: "secret" } } });
    expect(argv.join(" ")).not.toContain("secret");
    expect(files).toEqual([
      { path: `/state/sessions/${sessionId}/settings.json`, content: '{"env":{"TOKEN":"secret"}}' },
    ]);
    expect(argv).toContain(files[0]!.path);
  });
});

describe("MCP servers", () => {
  it("go by a file, and no others are used", () => {
    const launched = launch(
      {},
      {
        mcpServers: {
          files: { type: "stdio", command: "files", args: ["--all"], env: { TOKEN: "secret" } },
          web: { type: "http", url: "https://example.com/mcp", headers: { authorization: "Bearer secret" } },
          bare: { type: "stdio", command: "bare" },
        },
      },
    );
    const path = `/state/sessions/${sessionId}/mcp.json`;
    expect(option(launched, "--mcp-config")).toBe(path);
    expect(launched.argv).toContain("--strict-mcp-config");
    expect(launched.argv.join(" ")).not.toContain("secret");
    const [file] = launched.files;
    expect(file).toMatchObject({ path });
    // Without a mode of its own, a file is for its owner alone.
    expect(file!.mode).toBeUndefined();
    expect(JSON.parse(String(file!.content))).toEqual({
      mcpServers: {
        files: { type: "stdio", command: "files", args: ["--all"], env: { TOKEN: "secret" } },
        web: { type: "http", url: "https://example.com/mcp", headers: { authorization: "Bearer secret" } },
        bare: { type: "stdio", command: "bare", args: [], env: {} },
      },
    });
  });
});

describe("the environment", () => {
  it("keeps the CLI quiet, at home in the sandbox, and from retrying for minutes", () => {
    expect(launch().env).toMatchObject({
      CLAUDE_CONFIG_DIR: "/state/config",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
      IS_SANDBOX: "1",
      CLAUDE_CODE_MAX_RETRIES: "5",
      CLAUDE_AGENT_SDK_CLIENT_APP: "playpen/1.2.3",
    });
  });

  it("yields to the caller's own", () => {
    const { env } = launch(
      { maxThinkingTokens: 5 },
      { env: { CLAUDE_CODE_MAX_RETRIES: "9", MAX_THINKING_TOKENS: "7" } },
    );
    expect(env).not.toHaveProperty("CLAUDE_CODE_MAX_RETRIES");
    expect(env).not.toHaveProperty("MAX_THINKING_TOKENS");
  });

  it("carries the budget for thinking", () => {
    expect(launch({ maxThinkingTokens: 0 }).env).toMatchObject({ MAX_THINKING_TOKENS: "0" });
    expect(launch().env).not.toHaveProperty("MAX_THINKING_TOKENS");
  });

  it("carries key and address, which are in no argument", () => {
    const backend = claude({ apiKey: "sk-secret", baseUrl: "http://127.0.0.1:1", env: { EXTRA: "1" } });
    expect(backend.env).toEqual({
      EXTRA: "1",
      ANTHROPIC_API_KEY: "sk-secret",
      ANTHROPIC_BASE_URL: "http://127.0.0.1:1",
    });
    expect(launch({ apiKey: "sk-secret" }).argv.join(" ")).not.toContain("sk-secret");
    expect(backend.credentials.secret).toContain("ANTHROPIC_API_KEY");
  });
});
