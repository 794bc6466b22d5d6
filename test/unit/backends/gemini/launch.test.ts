import { describe, expect, it } from "vitest";
import { gemini, type GeminiOptions } from "../../../../backends/gemini/index.ts";
import type { Launch, LaunchInput } from "../../../../src/kit.ts";
import { launchInput } from "./lines.ts";

const home = `/state/sessions/${launchInput.sessionId}`;

function launch(options: GeminiOptions = {}, more: Partial<LaunchInput> = {}): Launch {
  return gemini(options).launch({ ...launchInput, ...more });
}

/** The arguments of the CLI itself. */
function cliArguments({ argv }: Launch): readonly string[] {
  return argv.slice(argv.indexOf("/usr/local/bin/gemini") + 1);
}

function file({ files }: Launch, path: string): string | undefined {
  return files.find((candidate) => candidate.path === `${home}/${path}`)?.content as string | undefined;
}

function settings(result: Launch): unknown {
  return JSON.parse(file(result, ".gemini/settings.json") ?? "null");
}

describe("the command line", () => {
  it("starts the CLI behind a script that makes its home ready", () => {
    const result = launch();
    expect(result.argv).toEqual([
      ...["sh", `${home}/start.sh`, home, "/state/shared", "", "yes", "0"],
      ...["/usr/local/bin/gemini", "--acp", "--model", "gemini-2.5-pro", "--approval-mode", "yolo"],
    ]);
    expect(file(result, "start.sh")).toMatch(/^set -eu\n/);
  });

  it("is of one turn in mode turn, with the prompt by standard input", () => {
    const turn = { turnId: "t", content: [{ type: "text", text: "Secret prompt" }] } as const;
    const result = launch({ mode: "turn" }, { turn });
    expect(cliArguments(result).slice(0, 2)).toEqual(["--output-format", "stream-json"]);
    expect(JSON.stringify(result)).not.toContain("Secret prompt");
  });

  it("takes a session up: by argument for one turn, and by the protocol else", () => {
    const resume = { nativeSessionId: "0a1b2c3d-1111-4111-8111-111111111111", fork: false };
    const session = launch({}, { resume });
    expect(session.argv[4]).toBe("0a1b2c3d");
    expect(cliArguments(session)).not.toContain("--resume");
    const turn = launch({ mode: "turn" }, { resume });
    expect(turn.argv[4]).toBe("");
    expect(cliArguments(turn).slice(-2)).toEqual(["--resume", resume.nativeSessionId]);
  });

  it("takes the caller's command and further arguments, last", () => {
    const { argv } = launch({ command: ["npx", "gemini"], extraArgs: ["--debug"] });
    expect(argv.slice(7, 10)).toEqual(["npx", "gemini", "--acp"]);
    expect(argv.at(-1)).toBe("--debug");
  });

  it("shows no secret", () => {
    const result = launch(
      { apiKey: "sk-secret" },
      {
        env: { GEMINI_API_KEY: "sk-secret" },
        systemPrompt: { append: "secret rule" },
        mcpServers: { echo: { type: "stdio", command: "echo", env: { TOKEN: "mcp-secret" } } },
      },
    );
    expect(result.argv.join(" ")).not.toContain("secret");
    expect(JSON.stringify(result.env)).not.toContain("sk-secret");
  });
});

describe("trust in the project", () => {
  it.each([
    ["allow-all", undefined, "yes"],
    ["ask", undefined, "unless-configured"],
    ["deny-all", undefined, "unless-configured"],
    ["ask", true, "yes"],
    ["allow-all", false, "no"],
  ] as const)("with %s and trustProject %s is %s", (permissions, trustProject, trust) => {
    const options = trustProject === undefined ? {} : { trustProject };
    expect(launch(options, { permissions }).argv[5]).toBe(trust);
  });

  it("depends on the servers too, whose number the script is told", () => {
    const server = { type: "stdio", command: "x" } as const;
    expect(launch({}, { mcpServers: { a: server, b: server } }).argv[6]).toBe("2");
  });
});

describe("permissions", () => {
  const policy = (more: Partial<LaunchInput>): string | undefined =>
    file(launch({}, more), "policies/session.toml");

  it("need no policy where all is allowed", () => {
    expect(policy({})).toBeUndefined();
    expect(cliArguments(launch())).not.toContain("--admin-policy");
  });

  it("are an administrator's policy, above whatever a project says", () => {
    const result = launch({}, { permissions: "ask" });
    expect(cliArguments(result)).toEqual(
      expect.arrayContaining(["--approval-mode", "default", "--admin-policy", `${home}/policies`]),
    );
    expect(result.env["GEMINI_CLI_SYSTEM_SETTINGS_PATH"]).toBe(`${home}/system/settings.json`);
    expect(result.files.map(({ path }) => path)).not.toContain(`${home}/system/settings.json`);
  });

  it("ask for every call, also for those that the CLI holds to be harmless, and for no sub-agent's", () => {
    expect(policy({ permissions: "ask" })).toBe(
      [
        '[[rule]]\ntoolName = "invoke_agent"\ndecision = "deny"\npriority = 999\n',
        '[[rule]]\ntoolName = "*"\nargsPattern = "^"\ndecision = "ask_user"\npriority = 998\n',
        '[[rule]]\ntoolName = "*"\ndecision = "ask_user"\npriority = 997\n',
      ].join("\n"),
    );
    expect(settings(launch({}, { permissions: "ask" }))).toMatchObject({
      security: { disableAlwaysAllow: true },
      advanced: { ignoreLocalEnv: true },
    });
  });

  it("deny every call", () => {
    expect(policy({ permissions: "deny-all" })).toBe(
      '[[rule]]\ntoolName = "*"\ndecision = "deny"\npriority = 997\n',
    );
  });

  it("allow only the tools of a list, and none by an empty one", () => {
    expect(policy({ allowedTools: ["read_file", 'a"\u007fb'] })).toBe(
      [
        '[[rule]]\ntoolName = ["read_file","a\\"\\u007fb"]\ndecision = "allow"\npriority = 997\n',
        '[[rule]]\ntoolName = "*"\ndecision = "deny"\npriority = 996\n',
      ].join("\n"),
    );
    expect(policy({ allowedTools: [] })).toBe(
      '[[rule]]\ntoolName = "*"\ndecision = "deny"\npriority = 996\n',
    );
  });
});

describe("the settings", () => {
  it("keep sessions, try again for a bounded time, and make no traffic of their own", () => {
    expect(settings(launch())).toMatchObject({
      general: { enableAutoUpdate: false, maxAttempts: 3, sessionRetention: { enabled: false } },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      tools: { shell: { enableInteractiveShell: false } },
    });
  });

  it("give way to the caller's, member by member", () => {
    expect(settings(launch({ settings: { general: { maxAttempts: 7 }, ui: { theme: "x" } } }))).toMatchObject(
      {
        general: { maxAttempts: 7, sessionRetention: { enabled: false } },
        ui: { theme: "x" },
      },
    );
  });

  it.each([
    [{}, "gemini-api-key"],
    [{ GEMINI_API_KEY: "k", GOOGLE_API_KEY: "k" }, "gemini-api-key"],
    [{ GOOGLE_API_KEY: "k" }, "vertex-ai"],
    [{ GOOGLE_CLOUD_PROJECT: "p", GEMINI_API_KEY: "" }, "vertex-ai"],
    [{ GEMINI_API_KEY: "k", GOOGLE_GENAI_USE_VERTEXAI: "true" }, "vertex-ai"],
  ])("choose the way of authentication by the environment %j: %s", (env, selectedType) => {
    expect(settings(launch({}, { env: env }))).toMatchObject({
      security: { auth: { selectedType } },
    });
  });

  it("hold MCP servers for one turn only: else they come by the protocol", () => {
    const mcpServers = {
      echo: { type: "stdio", command: "node", args: ["echo.mjs"], env: { A: "1" } },
      web: { type: "http", url: "http://tools/mcp", headers: { Authorization: "Bearer s" } },
    } as const;
    expect(settings(launch({}, { mcpServers }))).not.toHaveProperty("mcpServers");
    expect(settings(launch({ mode: "turn" }, { mcpServers }))).toMatchObject({
      mcpServers: {
        echo: { command: "node", args: ["echo.mjs"], env: { A: "1" } },
        web: { httpUrl: "http://tools/mcp", headers: { Authorization: "Bearer s" } },
      },
    });
  });

  it.each([
    ["low", "gemini-2.5-pro", { thinkingBudget: 1024 }],
    ["high", "gemini-2.5-pro", { thinkingBudget: 24_576 }],
    ["low", "gemini-3-pro-preview", { thinkingLevel: "LOW" }],
    ["high", "gemini-9-mine", { thinkingLevel: "HIGH" }],
  ])("have %s thinking as %s takes it", (thinking, model, thinkingConfig) => {
    const { modelConfigs } = settings(launch({}, { thinking, model })) as {
      modelConfigs: { customOverrides: readonly unknown[] };
    };
    expect(modelConfigs.customOverrides).toContainEqual({
      match: { model },
      modelConfig: { generateContentConfig: { thinkingConfig } },
    });
  });
});

describe("files", () => {
  it("add to the system prompt as the user's instructions, also when there are none any more", () => {
    expect(file(launch({}, { systemPrompt: { append: "Be terse." } }), ".gemini/GEMINI.md")).toBe(
      "Be terse.",
    );
    expect(file(launch(), ".gemini/GEMINI.md")).toBe("");
  });

  it("add words to the system prompt, where the CLI would read the names of files", () => {
    const append = "@README.md rules\n\t@./x and @/y, not a@b.org or @1 or @ z";
    expect(file(launch({}, { systemPrompt: { append } }), ".gemini/GEMINI.md")).toBe(
      "@\u2060README.md rules\n\t@\u2060./x and @\u2060/y, not a@b.org or @1 or @ z",
    );
  });

  it("replace the system prompt", () => {
    const result = launch({}, { systemPrompt: { replace: "You are a parrot." } });
    expect(file(result, "system.md")).toBe("You are a parrot.");
    expect(result.env["GEMINI_SYSTEM_MD"]).toBe(`${home}/system.md`);
  });

  it("hold the skills", () => {
    const skills = [{ name: "greet", files: { "SKILL.md": "Say hello." } }];
    expect(file(launch({}, { skills }), ".gemini/skills/greet/SKILL.md")).toBe("Say hello.");
  });

  it("lie in a home of the session's own", () => {
    const { env, files } = launch();
    expect(env["GEMINI_CLI_HOME"]).toBe(home);
    expect(files.every(({ path }) => path.startsWith(`${home}/`))).toBe(true);
  });
});

describe("the environment", () => {
  it("gives way to the caller's", () => {
    expect(launch().env).toMatchObject({ GEMINI_CLI_NO_RELAUNCH: "1", NO_BROWSER: "1" });
    expect(launch({}, { env: { NO_BROWSER: "0" } }).env).not.toHaveProperty("NO_BROWSER");
  });

  it("plans where the session is to plan", () => {
    expect(cliArguments(launch({}, { agentMode: "plan" }))).toEqual(
      expect.arrayContaining(["--approval-mode", "plan"]),
    );
  });
});
