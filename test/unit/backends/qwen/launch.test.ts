import { describe, expect, it } from "vitest";
import { qwen, type QwenOptions } from "../../../../backends/qwen/index.ts";
import { objectField, type JsonObject, type Launch, type LaunchInput } from "../../../../src/kit.ts";
import { own, protocolInput } from "./lines.ts";

function launch(options: QwenOptions = {}, input: Partial<LaunchInput> = {}): Launch {
  return qwen(options).launch({ ...protocolInput, executable: "/cli/qwen", env: {}, ...input });
}

const folder = "/state/sessions/7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01";

function file({ files }: Launch, path: string): string {
  const content = files.find((one) => one.path === `${folder}/${path}`)?.content;
  return typeof content === "string" ? content : "";
}

/** The settings that win over the user's and the project's. */
function settings(options: QwenOptions = {}, input: Partial<LaunchInput> = {}): JsonObject {
  return JSON.parse(file(launch(options, input), "settings.json")) as JsonObject;
}

function userSettings(options: QwenOptions = {}, input: Partial<LaunchInput> = {}): JsonObject {
  return JSON.parse(file(launch(options, input), "home/settings.json")) as JsonObject;
}

describe("the command line", () => {
  it("is one process for the session", () => {
    expect(launch().argv).toEqual(["/cli/qwen", "--acp", "--auth-type", "openai", "--approval-mode", "yolo"]);
  });

  it("is one process for the turn, which tells how commands end", () => {
    expect(launch({ mode: "turn" }).argv).toEqual([
      ...["/cli/qwen", "--output-format", "stream-json", "--include-partial-messages", "--debug"],
      ...["--session-id", "7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01"],
      ...["--auth-type", "openai", "--approval-mode", "yolo"],
    ]);
    const resume = { nativeSessionId: "abc", fork: false };
    expect(launch({ mode: "turn" }, { resume }).argv.join(" ")).toContain("--resume abc");
    expect(launch({ mode: "turn" }, { resume }).argv).not.toContain("--session-id");
    // By the protocol in the session's process.
    expect(launch({}, { resume }).argv).not.toContain("--resume");
  });

  it("takes another command, and further arguments", () => {
    expect(launch({ command: ["node", "qwen.js"] }).argv.slice(0, 3)).toEqual(["node", "qwen.js", "--acp"]);
    expect(launch({ command: "other" }).argv[0]).toBe("other");
    expect(launch({ extraArgs: ["--no-telemetry"] }).argv.at(-1)).toBe("--no-telemetry");
  });

  it("names the model, the session's before the backend's before the environment's", () => {
    expect(launch(own, { model: "m3" }).argv.slice(-2)).toEqual(["--model", "m3"]);
    expect(launch(own).argv.slice(-2)).toEqual(["--model", "m1"]);
    expect(launch({}, { env: { OPENAI_MODEL: "m4" } }).argv.slice(-2)).toEqual(["--model", "m4"]);
    expect(launch({ models: ["m5"] }).argv.slice(-2)).toEqual(["--model", "m5"]);
  });

  it("asks for the session's mode", () => {
    const mode = (input: Partial<LaunchInput>): string =>
      launch({}, input).argv.join(" ").split("--approval-mode ")[1]?.split(" ")[0] ?? "";
    expect(mode({ agentMode: "plan" })).toBe("plan");
    expect(mode({ permissions: "ask" })).toBe("default");
    expect(mode({ permissions: "deny-all" })).toBe("default");
  });

  it("keeps the project's MCP servers out unless every call is allowed", () => {
    const stdio = { type: "stdio", command: "x" } as const;
    const allowed = (input: Partial<LaunchInput>): unknown =>
      launch({}, input).argv.filter((word) => word.startsWith("--allowed-mcp"));
    expect(allowed({})).toEqual([]);
    expect(allowed({ permissions: "ask" })).toEqual(["--allowed-mcp-server-names="]);
    expect(allowed({ permissions: "deny-all", mcpServers: { a: stdio, b: stdio } })).toEqual([
      "--allowed-mcp-server-names=a",
      "--allowed-mcp-server-names=b",
    ]);
  });

  it("names the schema of an answer by file, where there is a process for the turn", () => {
    const outputSchema = { type: "object", properties: { ok: { type: "boolean" } } };
    const turn = { turnId: "turn-1", content: [{ type: "text", text: "Is it so?" }], outputSchema } as const;
    const launched = launch({ mode: "turn" }, { turn });
    expect(launched.argv).toContain(`--json-schema=@${folder}/schema.json`);
    expect(JSON.parse(file(launched, "schema.json"))).toEqual(outputSchema);
    expect(launched.argv.join(" ")).not.toContain("Is it so?");
    const odd = { ...turn, outputSchema: { anyOf: [outputSchema] } };
    expect(launch({ mode: "turn" }, { turn: odd }).argv.join(" ")).not.toContain("--json-schema");
    expect(launch({}, { turn }).argv.join(" ")).not.toContain("--json-schema");
  });
});

describe("the environment", () => {
  it("gives the session folders of its own, and keeps it from what it does not need", () => {
    expect(launch().env).toEqual({
      QWEN_DISABLE_AUTO_TITLE: "1",
      QWEN_CODE_DISABLE_PRECONNECT: "1",
      QWEN_DEBUG_LOG_FILE: "0",
      QWEN_CODE_NO_RELAUNCH: "1",
      QWEN_HOME: `${folder}/home`,
      QWEN_RUNTIME_DIR: "/state/runtime",
      QWEN_CODE_SYSTEM_SETTINGS_PATH: `${folder}/settings.json`,
      OPENAI_API_KEY: "none",
    });
  });

  it("leaves what the caller has set, except where it holds the session together", () => {
    const env = { QWEN_DEBUG_LOG_FILE: "1", QWEN_HOME: "/mine", OPENAI_API_KEY: "k" };
    const launched = launch({}, { env }).env;
    expect(launched).not.toHaveProperty("QWEN_DEBUG_LOG_FILE");
    expect(launched).not.toHaveProperty("OPENAI_API_KEY");
    expect(launched).toMatchObject({ QWEN_HOME: `${folder}/home` });
  });

  it("leads to the model", () => {
    expect(launch(own).env).toMatchObject({
      OPENAI_BASE_URL: "http://127.0.0.1:1/v1",
      OPENAI_MODEL: "m1",
    });
  });
});

describe("the files", () => {
  it("hold no key, and neither do the arguments", () => {
    for (const mode of ["session", "turn"] as const) {
      const { argv, files } = launch(
        { ...own, mode, apiKey: "sk-secret" },
        { env: { OPENAI_API_KEY: "sk-secret" } },
      );
      expect(JSON.stringify({ argv, files })).not.toContain("sk-secret");
    }
  });

  it("describe the models", () => {
    const options = { ...own, contextWindow: 1000, maxRetries: 0 };
    const { modelProviders } = settings(options, { model: "m3", thinking: "high" });
    const one = {
      envKey: "OPENAI_API_KEY",
      baseUrl: "http://127.0.0.1:1/v1",
      generationConfig: {
        reasoning: { effort: "high" },
        contextWindowSize: 1000,
        maxRetries: 0,
        modalities: { image: true },
      },
    };
    expect(modelProviders).toEqual({
      openai: ["m3", "m1", "m2"].map((id) => ({ id, name: id, ...one })),
    });
  });

  it("hold a system prompt and skills", () => {
    const replaced = launch({}, { systemPrompt: { replace: "Be terse." } });
    expect(file(replaced, "system.md")).toBe("Be terse.");
    expect(replaced.env).toMatchObject({ QWEN_SYSTEM_MD: `${folder}/system.md` });
    const appended = launch({}, { systemPrompt: { append: "Be kind." } });
    expect(file(appended, "home/QWEN.md")).toBe("Be kind.");
    expect(appended.env).not.toHaveProperty("QWEN_SYSTEM_MD");
    const skills = [{ name: "greet", files: { "SKILL.md": "Hello.", "a/b.txt": "B" } }];
    expect(file(launch({}, { skills }), "home/skills/greet/a/b.txt")).toBe("B");
  });
});

describe("the settings", () => {
  it("switch off what the session does not need", () => {
    expect(userSettings()).toMatchObject({
      general: { enableAutoUpdate: false },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      memory: { enableManagedAutoMemory: false },
    });
    expect(settings()).toMatchObject({ security: { folderTrust: { enabled: false } } });
  });

  it("of the caller are taken over, without those that allow a call where somebody is asked", () => {
    const mine = {
      permissions: { allow: ["run_shell_command"], deny: ["edit"] },
      tools: { allowed: ["edit"], sandbox: false },
      model: { sessionTokenLimit: 5 },
    };
    expect(userSettings({ settings: mine })).toMatchObject(mine);
    const asked = userSettings({ settings: mine }, { permissions: "ask" });
    expect(asked).toMatchObject({ model: { sessionTokenLimit: 5 }, permissions: { deny: ["edit"] } });
    expect(asked["permissions"]).not.toHaveProperty("allow");
    expect(asked["tools"]).not.toHaveProperty("allowed");
  });

  it("have it ask for every tool, and leave out those that it could not ask about", () => {
    const { permissions, disableAllHooks, tools } = settings({}, { permissions: "ask" });
    expect(objectField({ permissions }, "permissions")["ask"]).toEqual(
      expect.arrayContaining(["run_shell_command", "read_file", "write_file", "edit"]),
    );
    expect(objectField({ permissions }, "permissions")["deny"]).toEqual(
      expect.arrayContaining(["agent", "glob", "save_memory"]),
    );
    expect(disableAllHooks).toBe(true);
    expect(tools).toMatchObject({ discoveryCommand: "", callCommand: "" });
    expect(settings()).not.toHaveProperty("disableAllHooks");
  });

  it("deny everything where all is denied", () => {
    const { deny } = objectField(settings({}, { permissions: "deny-all" }), "permissions");
    expect(deny).toEqual(expect.arrayContaining(["run_shell_command", "read_file", "agent", "mcp__*"]));
  });

  it("confine the session to a list of tools", () => {
    const confined = settings({}, { allowedTools: ["read_file", "mcp__echo__say"] });
    expect(confined["tools"]).toMatchObject({ core: ["read_file"] });
    expect(objectField(confined, "permissions")["deny"]).toEqual(
      expect.arrayContaining(["agent", "skill", "tool_search"]),
    );
    expect(objectField(confined, "permissions")["deny"]).not.toContain("mcp__*");
    // An empty list would be none.
    expect(settings({}, { allowedTools: [] })["tools"]).toMatchObject({ core: ["none"] });
    expect(objectField(settings({}, { allowedTools: [] }), "permissions")["deny"]).toContain("mcp__*");
  });

  it("do not offer to ask where nobody answers", () => {
    const { deny } = objectField(settings({}, { answersQuestions: false }), "permissions");
    expect(deny).toContain("ask_user_question");
    expect(objectField(settings(), "permissions")["deny"]).toEqual([]);
  });

  const mcpServers = {
    files: { type: "stdio", command: "npx", args: ["server"], env: { A: "1" } },
    web: { type: "http", url: "http://127.0.0.1:2/mcp", headers: { Authorization: "Bearer t" } },
  } as const;

  it("describe MCP servers", () => {
    expect(settings({}, { mcpServers, allowedTools: ["mcp__files__look"] })["mcpServers"]).toEqual({
      files: {
        ...{ command: "npx", args: ["server"], env: { A: "1" } },
        ...{ includeTools: ["look"], trust: false },
      },
      web: {
        httpUrl: "http://127.0.0.1:2/mcp",
        headers: { Authorization: "Bearer t" },
        includeTools: [],
        trust: false,
      },
    });
  });

  it("put a gate before MCP servers where their calls are asked about", () => {
    const launched = launch({}, { mcpServers, permissions: "ask" });
    const servers = JSON.parse(file(launched, "settings.json")) as { mcpServers: JsonObject };
    const { files, web } = servers.mcpServers;
    expect(files).toMatchObject({ command: "node", args: [`${folder}/mcp-gate.mjs`], env: { A: "1" } });
    const gate = (server: unknown): unknown =>
      JSON.parse(String(objectField(server, "env")["PLAYPEN_MCP_GATE"]));
    expect(gate(files)).toEqual({ type: "stdio", command: "npx", args: ["server"], mark: "" });
    expect(gate(web)).toMatchObject({ type: "http", url: "http://127.0.0.1:2/mcp", mark: "·" });
    expect(file(launched, "mcp-gate.mjs")).toContain("PLAYPEN_MCP_GATE");
    expect(file(launch({}, { mcpServers }), "mcp-gate.mjs")).toBe("");
  });

  it("bound the rounds of a turn", () => {
    expect(settings({ maxSessionTurns: 3 })["model"]).toEqual({ maxSessionTurns: 3 });
  });
});
