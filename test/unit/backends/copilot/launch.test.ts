import { describe, expect, it } from "vitest";
import { copilot, type CopilotOptions } from "../../../../backends/copilot/index.ts";
import type { Launch, LaunchInput } from "../../../../src/kit.ts";

const input: LaunchInput = {
  sessionId: "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01",
  cwd: "/workspace",
  stateDirectory: "/state",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: false,
  libraryVersion: "0.0.0",
  executable: "/usr/local/bin/copilot",
  env: {},
};

function launch(options: CopilotOptions = {}, more: Partial<LaunchInput> = {}): Launch {
  return copilot(options).launch({ ...input, ...more });
}

/** The arguments of the CLI itself. */
function cliArguments({ argv }: Launch): readonly string[] {
  return argv.slice(argv.indexOf("/usr/local/bin/copilot") + 1);
}

describe("the server", () => {
  it("runs behind the bridge, which comes as a file", () => {
    const { argv, files } = launch();
    const bridge = `/state/sessions/${input.sessionId}/line-bridge.cjs`;
    expect(argv.slice(0, 5)).toEqual(["node", bridge, "/usr/local/bin/copilot", "--headless", "--stdio"]);
    expect(files.map(({ path }) => path)).toEqual([bridge]);
  });

  it("is given no secret and no text by argument or file", () => {
    const { argv, files, env } = launch(
      { githubToken: "gho_1", baseUrl: "http://m/v1", apiKey: "sk-1" },
      {
        systemPrompt: { append: "Be terse." },
        mcpServers: { echo: { type: "stdio", command: "echo", env: { TOKEN: "mcp-secret" } } },
        env: { COPILOT_PROVIDER_API_KEY: "sk-1" },
      },
    );
    const written = JSON.stringify([argv, files, env]);
    for (const text of ["gho_1", "sk-1", "Be terse.", "mcp-secret"]) expect(written).not.toContain(text);
  });

  it("makes no traffic that the session does not need", () => {
    expect(cliArguments(launch())).toEqual([
      "--headless",
      "--stdio",
      "--no-auto-update",
      "--disable-client-telemetry",
      "--no-remote",
      "--no-remote-export",
      "--log-level",
      "none",
      "--disable-builtin-mcps",
    ]);
    expect(cliArguments(launch({ builtinMcpServers: true }))).not.toContain("--disable-builtin-mcps");
  });

  it("takes the caller's command and further arguments", () => {
    const { argv } = launch({ command: ["npx", "copilot"], extraArgs: ["--experimental"] });
    expect(argv).toEqual(expect.arrayContaining(["npx", "copilot", "--headless"]));
    expect(argv.at(-1)).toBe("--experimental");
  });
});

describe("the environment", () => {
  it("keeps the CLI's files in the state folder, which the sandbox's sessions share", () => {
    expect(launch().env["COPILOT_HOME"]).toBe("/state/copilot");
  });

  it("names the model, without which the server does not start for a provider", () => {
    expect(launch({}, { model: "gpt-5.4" }).env["COPILOT_MODEL"]).toBe("gpt-5.4");
    expect(launch().env).not.toHaveProperty("COPILOT_MODEL");
  });

  it.each([
    ["allow-all", {}, "true"],
    ["allow-all", { trustProject: false }, "false"],
    ["ask", {}, "false"],
    ["deny-all", {}, "false"],
  ] as const)("with %s and %o trusts the project: %s", (permissions, options, trusted) => {
    // Also against the host's own variable, which would allow every tool.
    const { env } = launch(options, { permissions, env: { COPILOT_ALLOW_ALL: "true" } });
    expect(env["COPILOT_ALLOW_ALL"]).toBe(trusted);
  });

  it.each(["ask", "deny-all"] as const)("refuses trust in the project with %s", (permissions) => {
    expect(() => launch({ trustProject: true }, { permissions })).toThrow(TypeError);
    expect(() => launch({ trustProject: true }, { permissions })).toThrow("trustProject");
  });
});

describe("skills", () => {
  const skills = [{ name: "greet", files: { "SKILL.md": "Say hello.", "data/names.txt": "Ada" } }];

  it.each(["session", "turn"] as const)("are written where the CLI looks for them, in mode %s", (mode) => {
    const { files } = launch({ mode }, { skills });
    const folder = `/state/sessions/${input.sessionId}/.github/skills/greet`;
    expect(files).toEqual(
      expect.arrayContaining([
        { path: `${folder}/SKILL.md`, content: "Say hello." },
        { path: `${folder}/data/names.txt`, content: "Ada" },
      ]),
    );
  });
});

describe("one shot", () => {
  const turn = { turnId: "turn-1", content: [{ type: "text", text: "Secret prompt" }] } as const;
  const one = (more: Partial<LaunchInput> = {}, options: CopilotOptions = {}): Launch =>
    launch({ mode: "turn", ...options }, { turn, ...more });

  it("takes the prompt from standard input", () => {
    expect(JSON.stringify(one())).not.toContain("Secret prompt");
    expect(cliArguments(one())).not.toContain("-p");
  });

  it("chooses the session's id, or takes a session up", () => {
    expect(cliArguments(one())).toEqual(expect.arrayContaining(["--session-id", input.sessionId]));
    const resumed = cliArguments(one({ resume: { nativeSessionId: "abc", fork: false } }));
    expect(resumed).toContain("--resume=abc");
    expect(resumed).not.toContain("--session-id");
  });

  it("allows all tools, or offers none: an empty list would be all of them", () => {
    expect(cliArguments(one())).toContain("--allow-all");
    const denied = cliArguments(one({ permissions: "deny-all" }));
    expect(denied).not.toContain("--allow-all");
    expect(denied).toContain("--available-tools=playpen-none");
    expect(cliArguments(one({ permissions: "deny-all", allowedTools: ["bash"] }))).not.toContain(
      "--available-tools=bash",
    );
  });

  it("passes what the session wants", () => {
    const args = cliArguments(
      one(
        { model: "gpt-5.4", thinking: "high", agentMode: "plan", allowedTools: ["bash", "view"] },
        { excludedTools: ["web_fetch"], customInstructions: false },
      ),
    );
    expect(args).toEqual(
      expect.arrayContaining([
        ...["--model", "gpt-5.4", "--reasoning-effort", "high", "--mode", "plan"],
        ...["--available-tools=bash", "--available-tools=view", "--excluded-tools=web_fetch"],
        "--no-custom-instructions",
      ]),
    );
  });

  it("puts MCP servers into a file, since they may hold secrets", () => {
    const server = { type: "http", url: "http://tools/mcp", headers: { Authorization: "Bearer s" } } as const;
    const result = one({ mcpServers: { tools: server } });
    const path = `/state/sessions/${input.sessionId}/mcp.json`;
    expect(cliArguments(result)).toContain(`--additional-mcp-config=@${path}`);
    expect(result.argv.join(" ")).not.toContain("Bearer");
    const content = result.files.find((file) => file.path === path)?.content as string;
    expect(JSON.parse(content)).toEqual({ mcpServers: { tools: { ...server, tools: ["*"] } } });
  });

  it("adds to the system prompt by a file of instructions, beside the caller's own", () => {
    const { env, files } = one({
      systemPrompt: { append: "Be terse." },
      env: { COPILOT_CUSTOM_INSTRUCTIONS_DIRS: "/mine" },
    });
    const folder = `/state/sessions/${input.sessionId}/instructions`;
    expect(env["COPILOT_CUSTOM_INSTRUCTIONS_DIRS"]).toBe(`/mine,${folder}`);
    expect(files).toContainEqual({ path: `${folder}/playpen.instructions.md`, content: "Be terse." });
  });
});
