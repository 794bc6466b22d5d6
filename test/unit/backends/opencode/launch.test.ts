import { describe, expect, it } from "vitest";
import { opencode, type OpencodeOptions } from "../../../../backends/opencode/index.ts";
import { objectField, type JsonObject, type Launch, type LaunchInput } from "../../../../src/kit.ts";
import { own, protocolInput } from "./lines.ts";

function launch(options: OpencodeOptions = {}, input: Partial<LaunchInput> = {}): Launch {
  return opencode(options).launch({ ...protocolInput, executable: "/cli/opencode", env: {}, ...input });
}

/** The command without what waits for other processes. */
function command({ argv }: Launch): readonly string[] {
  return argv.slice(3);
}

function file({ files }: Launch, name: string): string {
  const content = files.find(({ path }) => path.endsWith(`/${name}`))?.content;
  return typeof content === "string" ? content : "";
}

function config(options: OpencodeOptions = {}, input: Partial<LaunchInput> = {}): JsonObject {
  return JSON.parse(file(launch(options, input), "opencode.json")) as JsonObject;
}

const folder = "/state/sessions/7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01";

describe("the command line", () => {
  it("is one process for the session, which waits for another that makes the database", () => {
    const { argv, files } = launch();
    expect(argv).toEqual([
      ...["sh", `${folder}/start.sh`, "/state/data"],
      ...["/cli/opencode", "acp", "--cwd", "/workspace"],
    ]);
    expect(files.map(({ path }) => path)).toContain(`${folder}/start.sh`);
  });

  it("is one process for the turn", () => {
    expect(command(launch({ mode: "turn" }))).toEqual([
      ...["/cli/opencode", "run", "--format", "json", "--thinking", "--dir", "/workspace", "--auto"],
    ]);
  });

  it("takes another command, and further arguments", () => {
    expect(command(launch({ command: ["node", "oc.js"] })).slice(0, 3)).toEqual(["node", "oc.js", "acp"]);
    expect(command(launch({ command: "other" }))[0]).toBe("other");
    expect(launch({ extraArgs: ["--print-logs"] }).argv.at(-1)).toBe("--print-logs");
  });

  it("tells the process of a turn what the session's is told by the protocol", () => {
    const resume = { nativeSessionId: "ses_1", fork: false };
    const turn = (input: Partial<LaunchInput>): string =>
      command(launch({ mode: "turn", model: "openai/gpt-5" }, input)).join(" ");
    expect(turn({})).toContain("--model openai/gpt-5");
    expect(turn({ model: "openai/gpt-5-mini" })).toContain("--model openai/gpt-5-mini");
    expect(turn({ resume })).toMatch(/--session ses_1$/);
    expect(turn({ resume: { ...resume, fork: true } })).toMatch(/--session ses_1 --fork$/);
    expect(turn({ thinking: "high", agentMode: "plan" })).toContain("--variant high --agent plan");
    expect(command(launch({ ...own, mode: "turn" })).join(" ")).toContain("--model playpen/m1");
    // It would say yes where the library is not asked.
    expect(turn({ permissions: "deny-all" })).not.toContain("--auto");
  });

  it("names images by file where there is a process for the turn", () => {
    const data = new Uint8Array([1, 2]);
    const content = [
      { type: "text", text: "What is it?" },
      { type: "image", data, mediaType: "image/png" },
    ] as const;
    const { argv, files } = launch({ mode: "turn" }, { turn: { turnId: "turn-1", content } });
    expect(argv.slice(-2)).toEqual(["--file", `${folder}/images/turn-1-0.png`]);
    expect(files.at(-1)).toEqual({ path: `${folder}/images/turn-1-0.png`, content: data });
    expect(argv.join(" ")).not.toContain("What is it?");
  });
});

describe("the environment", () => {
  it("keeps OpenCode from everything that the session does not need, and gives it folders of its own", () => {
    const { OPENCODE_CONFIG_CONTENT, ...env } = launch({}, { answersQuestions: false }).env;
    expect(env).toEqual({
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
      OPENCODE_DISABLE_DEFAULT_PLUGINS: "1",
      OPENCODE_DISABLE_SHARE: "1",
      OPENCODE_DISABLE_TERMINAL_TITLE: "1",
      XDG_CONFIG_HOME: "/state/config",
      XDG_DATA_HOME: "/state/data",
      XDG_STATE_HOME: "/state/state",
      XDG_CACHE_HOME: "/state/cache",
      PWD: "/workspace",
      OPENCODE_CONFIG: `${folder}/opencode.json`,
    });
    expect(JSON.parse(OPENCODE_CONFIG_CONTENT ?? "")).toEqual({
      autoupdate: false,
      share: "disabled",
      disabled_providers: ["opencode"],
    });
  });

  it("offers the tool for questions only where somebody answers", () => {
    expect(launch().env).toMatchObject({ OPENCODE_ENABLE_QUESTION_TOOL: "1" });
  });

  it("leaves what the caller has set, except where it holds the session together", () => {
    const env = { OPENCODE_DISABLE_LSP_DOWNLOAD: "0", OPENCODE_CONFIG: "/mine.json", XDG_DATA_HOME: "/mine" };
    const launched = launch({}, { env }).env;
    expect(launched).not.toHaveProperty("OPENCODE_DISABLE_LSP_DOWNLOAD");
    expect(launched).toMatchObject({
      OPENCODE_CONFIG: `${folder}/opencode.json`,
      XDG_DATA_HOME: "/state/data",
    });
  });

  it("leaves the project's own configuration out unless every call is allowed, or the caller says so", () => {
    const projectVariable = "OPENCODE_DISABLE_PROJECT_CONFIG";
    expect(launch().env).not.toHaveProperty(projectVariable);
    expect(launch({}, { permissions: "ask" }).env).toHaveProperty(projectVariable, "1");
    expect(launch({ projectConfig: false }).env).toHaveProperty(projectVariable, "1");
    expect(launch({ projectConfig: true }, { permissions: "ask" }).env).not.toHaveProperty(projectVariable);
    // What is written for every agent is read all the same.
    expect(config({}, { permissions: "ask" })["instructions"]).toEqual(["/workspace/AGENTS.md"]);
  });
});

describe("secrets", () => {
  it("stand in no argument and in no file", () => {
    const env = { PLAYPEN_OPENCODE_API_KEY: "sk-secret", OPENAI_API_KEY: "sk-secret" };
    for (const mode of ["session", "turn"] as const) {
      const { argv, files } = launch({ ...own, mode, apiKey: "sk-secret" }, { env });
      expect(JSON.stringify({ argv, files })).not.toContain("sk-secret");
    }
  });

  it("are kept from the commands that the agent runs", () => {
    const plugin = file(launch({}, { env: { XDG_DATA_HOME: "/mine" } }), "bridge.js");
    const [settings = ""] = /(?<=const settings = ).*(?=;)/.exec(plugin) ?? [];
    const { shellVariables } = JSON.parse(settings) as { shellVariables: JsonObject };
    expect(shellVariables).toMatchObject({
      ANTHROPIC_API_KEY: null,
      PLAYPEN_OPENCODE_API_KEY: null,
      OPENCODE_CONFIG_CONTENT: null,
      XDG_DATA_HOME: "/mine",
      XDG_CONFIG_HOME: null,
    });
    expect(shellVariables).not.toHaveProperty("GITHUB_TOKEN");
  });
});

describe("the configuration", () => {
  it("describes a server of one's own, with the key by the environment", () => {
    const env = { OPENAI_API_KEY: "k" };
    const { provider, model, small_model: smallModel } = config(own, { model: "m3", env });
    expect(model).toBe("playpen/m3");
    expect(smallModel).toBe("playpen/m3");
    expect(provider).toMatchObject({
      playpen: {
        npm: "@ai-sdk/openai-compatible",
        options: { baseURL: "http://127.0.0.1:1/v1", apiKey: "{env:OPENAI_API_KEY}" },
      },
    });
    expect(Object.keys(objectField(objectField(provider, "playpen"), "models"))).toEqual(["m3", "m1", "m2"]);
    const bare = config(own);
    expect(objectField(objectField(bare["provider"], "playpen"), "options")).not.toHaveProperty("apiKey");
  });

  it("names the limits of such a model, and its thinking", () => {
    const models = (options: OpencodeOptions, input: Partial<LaunchInput> = {}): unknown =>
      objectField(objectField(config({ ...own, ...options }, input)["provider"], "playpen"), "models")["m1"];
    expect(models({ contextWindow: 1000, maxOutputTokens: 50 })).toMatchObject({
      limit: { context: 1000, output: 50 },
    });
    expect(models({})).not.toHaveProperty("limit");
    expect(models({})).not.toHaveProperty("reasoning");
    expect(models({}, { thinking: "high" })).toMatchObject({ reasoning: true });
  });

  it("wants a model for an address", () => {
    expect(() => launch({ baseUrl: "http://127.0.0.1:1/v1" })).toThrow(/option "model" is missing/);
  });

  it("gives one of the vendors the key", () => {
    expect(
      config({ model: "openai/gpt-5", apiKey: "k" }, { env: { PLAYPEN_OPENCODE_API_KEY: "k" } }),
    ).toMatchObject({
      model: "openai/gpt-5",
      provider: { openai: { options: { apiKey: "{env:PLAYPEN_OPENCODE_API_KEY}" } } },
    });
  });

  it("sends nothing to OpenCode's own hosted models unless they are asked for", () => {
    expect(config()).toMatchObject({ disabled_providers: ["opencode"] });
    expect(config({ model: "opencode/some" })).not.toHaveProperty("disabled_providers");
    expect(config({}, { env: { OPENCODE_API_KEY: "k" } })).not.toHaveProperty("disabled_providers");
  });

  it("holds no variable that the caller's own texts would make", () => {
    const prompt = "Say {env:HOME} and {file:/etc/passwd}.";
    const text = file(launch({}, { systemPrompt: { replace: prompt } }), "opencode.json");
    expect(text).not.toMatch(/\{(?:env|file):/);
    expect(JSON.parse(text)).toMatchObject({ agent: { build: { prompt }, plan: { prompt } } });
  });

  it("names further instructions and skills by file", () => {
    const skills = [{ name: "greet", files: { "SKILL.md": "Hello.", "a/b.txt": "B" } }];
    const launched = launch({}, { systemPrompt: { append: "Be kind." }, skills });
    expect(file(launched, "instructions.md")).toBe("Be kind.");
    expect(file(launched, "skills/greet/a/b.txt")).toBe("B");
    expect(JSON.parse(file(launched, "opencode.json"))).toMatchObject({
      instructions: [`${folder}/instructions.md`],
      skills: { paths: [`${folder}/skills`] },
    });
  });

  it("describes MCP servers", () => {
    const { mcp } = config(
      {},
      {
        mcpServers: {
          files: { type: "stdio", command: "npx", args: ["server"], env: { A: "1" } },
          web: { type: "http", url: "http://127.0.0.1:2/mcp", headers: { Authorization: "Bearer t" } },
        },
      },
    );
    expect(mcp).toEqual({
      files: { type: "local", command: ["npx", "server"], environment: { A: "1" } },
      web: {
        type: "remote",
        url: "http://127.0.0.1:2/mcp",
        headers: { Authorization: "Bearer t" },
        oauth: false,
      },
    });
  });

  it("does not offer what may not be called", () => {
    expect(config({}, { permissions: "deny-all" })["permission"]).toEqual({ "*": "deny" });
    expect(config({}, { allowedTools: ["read", "write", "mcp__my server__look up"] })["permission"]).toEqual({
      "*": "deny",
      doom_loop: "allow",
      external_directory: "allow",
      read: "allow",
      edit: "allow",
      my_server_look_up: "allow",
    });
    expect(config({}, { allowedTools: ["bash"] })["permission"]).not.toHaveProperty("read");
  });

  it("is won by the caller's own, but for the plugin", () => {
    const merged = config({
      config: { snapshot: true, agent: { title: { disable: false } }, plugin: ["mine"] },
    });
    expect(merged).toMatchObject({ snapshot: true, agent: { title: { disable: false } } });
    expect(merged["plugin"]).toEqual([`file://${folder}/bridge.js`, "mine"]);
  });

  it("has nothing for OpenCode to fetch", () => {
    const { files } = launch();
    expect(files.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        "/state/config/opencode/node_modules/.keep",
        "/state/config/opencode/package-lock.json",
      ]),
    );
  });
});
