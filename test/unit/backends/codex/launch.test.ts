import { describe, expect, it } from "vitest";
import { codex, type CodexOptions } from "../../../../backends/codex/index.ts";
import type { JsonObject, Launch, LaunchInput } from "../../../../src/kit.ts";

const base: LaunchInput = {
  sessionId: "0b54b6de-3f0c-4a4b-8d0e-6a4f3a8f9c11",
  cwd: "/workspace",
  stateDirectory: "/home/agent/.playpen/codex",
  permissions: "allow-all",
  mcpServers: {},
  answersQuestions: false,
  libraryVersion: "0.0.0",
  executable: "/opt/codex",
  env: { OPENAI_API_KEY: "key-of-the-host" },
};

function launch(options: CodexOptions = {}, input: Partial<LaunchInput> = {}): Launch {
  return codex(options).launch({ ...base, ...input });
}

/** The settings that are given by argument. */
function settings({ argv }: Launch): Map<string, string> {
  return new Map(
    argv.flatMap((argument, index) => {
      if (argv[index - 1] !== "-c") return [];
      const end = argument.indexOf("=");
      return [[argument.slice(0, end), argument.slice(end + 1)] as const];
    }),
  );
}

describe("the launch of a session", () => {
  it("starts the app-server with its own home, which a file makes", () => {
    const { argv, env, files } = launch();
    expect(argv.slice(0, 2)).toEqual(["/opt/codex", "app-server"]);
    expect(env["CODEX_HOME"]).toBe("/home/agent/.playpen/codex/codex");
    expect(files.map(({ path, mode }) => [path, mode])).toEqual([
      ["/home/agent/.playpen/codex/codex/config.toml", 0o600],
    ]);
  });

  it("takes the caller's command, and puts further arguments last", () => {
    const { argv } = launch({ command: ["nice", "codex"], extraArgs: ["--strict-config"] });
    expect(argv.slice(0, 3)).toEqual(["nice", "codex", "app-server"]);
    expect(argv.at(-1)).toBe("--strict-config");
  });

  it("points a provider of its own at the vendor, or at baseUrl", () => {
    expect(settings(launch()).get("model_provider")).toBe('"playpen"');
    expect(settings(launch()).get("model_providers.playpen.base_url")).toBe('"https://api.openai.com/v1"');
    const other = launch({ baseUrl: "http://127.0.0.1:1/v1" });
    expect(settings(other).get("model_providers.playpen.base_url")).toBe('"http://127.0.0.1:1/v1"');
  });

  it("takes the key from the variable that is there", () => {
    const name = (env: LaunchInput["env"]): string | undefined =>
      settings(launch({}, { env })).get("model_providers.playpen.env_key");
    expect(name({ OPENAI_API_KEY: "a" })).toBe('"OPENAI_API_KEY"');
    expect(name({ OPENAI_API_KEY: "a", CODEX_API_KEY: "b" })).toBe('"CODEX_API_KEY"');
    expect(name({ OPENAI_API_KEY: "a", CODEX_API_KEY: "" })).toBe('"OPENAI_API_KEY"');
    expect(codex({ apiKey: "sk-own" }).env).toEqual({ CODEX_API_KEY: "sk-own" });
  });

  it("keeps secrets and prompts out of the arguments", () => {
    const options = { apiKey: "secret-of-the-key", env: { X: "secret-of-the-env" } };
    for (const mode of ["session", "turn"] as const) {
      const { argv } = launch(
        { ...options, mode },
        {
          env: { CODEX_API_KEY: "secret-of-the-key" },
          mcpServers: {
            one: { type: "stdio", command: "server", env: { TOKEN: "secret-of-one" } },
            two: { type: "http", url: "http://localhost/mcp", headers: { authorization: "secret-of-two" } },
          },
          systemPrompt: { append: "secret-of-the-system" },
          turn: { turnId: "t", content: [{ type: "text", text: "secret-of-the-prompt" }] },
        },
      );
      expect(argv.join("\n")).not.toContain("secret-of");
    }
  });

  it("stops what is not needed, and every retry in the end", () => {
    const given = settings(launch());
    for (const name of [
      "analytics.enabled",
      "feedback.enabled",
      "check_for_update_on_startup",
      "features.plugins",
      "features.apps",
      "features.goals",
      "features.unbounded_connection_retries",
    ]) {
      expect(given.get(name)).toBe("false");
    }
    expect(Number(given.get("model_providers.playpen.request_max_retries"))).toBeLessThan(10);
    expect(Number(given.get("model_providers.playpen.stream_max_retries"))).toBeLessThan(10);
    expect(given.get("shell_environment_policy.exclude")).toBe('["CODEX_API_KEY", "OPENAI_API_KEY"]');
  });

  it("hands on the model, the effort and the caller's settings, which win", () => {
    const given = settings(
      launch(
        {
          reasoningEffort: "high",
          reasoningSummary: "detailed",
          config: { "features.apps": true, a: { b: ["x", 1] } },
        },
        { model: "house-model" },
      ),
    );
    expect(given.get("model")).toBe('"house-model"');
    expect(given.get("model_reasoning_effort")).toBe('"high"');
    expect(given.get("model_reasoning_summary")).toBe('"detailed"');
    expect(given.get("features.apps")).toBe("true");
    expect(given.get("a")).toBe('{b = ["x", 1]}');
  });

  it("trusts the project only where every call is allowed, and never for another session", () => {
    expect(settings(launch()).get("projects")).toBe('{"/workspace" = {trust_level = "trusted"}}');
    expect(settings(launch({}, { permissions: "ask" })).has("projects")).toBe(false);
    expect(settings(launch({ trustProject: false })).has("projects")).toBe(false);
    expect(settings(launch({ trustProject: true }, { permissions: "ask" })).has("projects")).toBe(true);
    expect(settings(launch({}, { allowedTools: ["shell"] })).has("projects")).toBe(false);
  });

  it("has the session's level of thinking go before the backend's", () => {
    const effort = (input: Partial<LaunchInput>): string | undefined =>
      settings(launch({ reasoningEffort: "high" }, input)).get("model_reasoning_effort");
    expect(effort({ thinking: "low" })).toBe('"low"');
    expect(effort({})).toBe('"high"');
  });

  it("offers only the tools that are allowed", () => {
    const given = settings(launch({}, { allowedTools: ["mcp__one__read"] }));
    expect(given.get("web_search")).toBe('"disabled"');
    for (const feature of ["view_image", "multi_agent", "image_generation", "shell_tool", "hooks"]) {
      expect(given.get(`features.${feature}`)).toBe(feature === "hooks" ? "true" : "false");
    }
    expect(given.has("features.unified_exec_tty")).toBe(false);
    const more = settings(
      launch({}, { allowedTools: ["shell", "view_image", "web_search", "spawn_agent", "image_generation"] }),
    );
    for (const name of [
      "web_search",
      "features.view_image",
      "features.multi_agent",
      "features.image_generation",
      "features.shell_tool",
    ]) {
      expect(more.has(name)).toBe(false);
    }
    expect(more.get("hooks")).toContain("exit 2");
  });

  it("offers no tool that could not be asked about, though it be allowed", () => {
    const given = settings(
      launch({}, { permissions: "ask", allowedTools: ["shell", "view_image", "web_search"] }),
    );
    expect(given.get("web_search")).toBe('"disabled"');
    expect(given.get("features.view_image")).toBe("false");
    expect(given.has("features.shell_tool")).toBe(false);
  });

  it("writes the session's skills where its process alone is told of", () => {
    const skills = [{ name: "greet", files: { "SKILL.md": "Say hello.", "run.sh": "#!/bin/sh\n" } }];
    const folder = `/home/agent/.playpen/codex/skills/${base.sessionId}/greet`;
    expect(launch({}, { skills }).files.slice(1)).toEqual([
      { path: `${folder}/SKILL.md`, content: "Say hello." },
      { path: `${folder}/run.sh`, content: "#!/bin/sh\n", mode: 0o700 },
    ]);
  });

  it.each(["ask", "deny-all"] as const)("%s: takes away what could not be asked about", (permissions) => {
    const given = settings(launch({}, { permissions }));
    expect(given.get("web_search")).toBe('"disabled"');
    for (const feature of ["view_image", "multi_agent", "image_generation", "unified_exec_tty"]) {
      expect(given.get(`features.${feature}`)).toBe("false");
    }
    expect(given.get("features.hooks")).toBe("true");
    expect(given.get("hooks")).toContain("exit 2");
    expect(given.get("features.shell_tool")).toBe(permissions === "deny-all" ? "false" : undefined);
  });

  it("offers questions only to a host that answers them", () => {
    const feature = "features.default_mode_request_user_input";
    expect(settings(launch({}, { answersQuestions: true })).get(feature)).toBe("true");
    const confined = { answersQuestions: true, allowedTools: ["shell"] };
    expect(settings(launch({}, confined)).has(feature)).toBe(false);
    expect(settings(launch()).has(feature)).toBe(false);
    expect(settings(launch({}, { answersQuestions: true, permissions: "deny-all" })).has(feature)).toBe(
      false,
    );
  });

  it("moves the temporary folder where Codex's own sandbox would fail", () => {
    const inTemporary = { stateDirectory: "/tmp/state" };
    expect(launch({}, inTemporary).env).not.toHaveProperty("TMPDIR");
    const confined = launch({ sandboxMode: "workspace-write" }, inTemporary);
    expect(confined.env["TMPDIR"]).toBe("/tmp/state/codex/tmp");
    expect(confined.files.map(({ path }) => path)).toContain("/tmp/state/codex/tmp/README");
    expect(launch({ sandboxMode: "workspace-write" }).env).not.toHaveProperty("TMPDIR");
    const elsewhere = { stateDirectory: "/scratch/state", env: { TMPDIR: "/scratch/" } };
    expect(launch({ sandboxMode: "read-only" }, elsewhere).env["TMPDIR"]).toBe("/scratch/state/codex/tmp");
  });

  it("refuses a name that Codex does not take", () => {
    const mcpServers = { "two words": { type: "stdio", command: "server" } } as const;
    expect(() => launch({}, { mcpServers })).toThrow(/"two words"/);
  });
});

describe("the launch of a turn", () => {
  const mode = "turn";

  it("runs exec, which reads the prompt from its input", () => {
    const { argv } = launch({ mode });
    expect(argv.slice(1, 5)).toEqual(["exec", "--json", "--skip-git-repo-check", "--color"]);
    expect(argv.at(-1)).toBe("-");
    expect(settings(launch({ mode })).get("sandbox_mode")).toBe('"danger-full-access"');
    expect(settings(launch({ mode })).get("approval_policy")).toBe('"never"');
  });

  it("resumes or forks", () => {
    const resume = (fork: boolean): readonly string[] =>
      launch({ mode }, { resume: { nativeSessionId: "id", fork } }).argv.slice(-3);
    expect(resume(false)).toEqual(["resume", "id", "-"]);
    expect(resume(true)).toEqual(["fork", "id", "-"]);
  });

  it("puts servers and instructions into a file that only its session reads", () => {
    const { argv, files } = launch(
      { mode },
      {
        systemPrompt: { replace: "Be terse." },
        mcpServers: { one: { type: "stdio", command: "server", args: ["a b"], env: { TOKEN: 'x"y' } } },
      },
    );
    const profile = `playpen-${base.sessionId}`;
    expect(argv[argv.indexOf("-p") + 1]).toBe(profile);
    const content = (end: string): unknown => files.find(({ path }) => path.endsWith(end))?.content;
    expect(content(`/${profile}.config.toml`)).toBe(
      `model_instructions_file = "/home/agent/.playpen/codex/codex/${profile}.md"\n` +
        'mcp_servers = {one = {command = "server", args = ["a b"], env = {TOKEN = "x\\"y"}, default_tools_approval_mode = "approve"}}\n',
    );
    expect(content(`/${profile}.md`)).toBe("Be terse.");
    for (const file of files) expect(file.mode).toBe(0o600);
  });

  it("shows only those tools of a server that are allowed", () => {
    const one = { type: "stdio", command: "server" } as const;
    const { files } = launch(
      { mode },
      { mcpServers: { one, two: one, three: one }, allowedTools: ["mcp__one__read", "mcp__two"] },
    );
    const profile = String(
      files.find(({ path }) => path.endsWith(".config.toml") && path.includes("playpen-"))?.content,
    );
    expect(profile).toMatch(/one = \{[^}]*enabled_tools = \["read"\]/);
    expect(profile).toMatch(
      /two = \{command = "server", args = \[\], default_tools_approval_mode = "approve"\}/,
    );
    expect(profile).toMatch(/three = \{[^}]*enabled_tools = \[\]/);
  });

  it("hands the schema of the turn's output over in a file, in strict form", () => {
    const of = (outputSchema: JsonObject): Launch =>
      launch({ mode }, { turn: { turnId: "t", content: [], outputSchema } });
    const given = of({ type: "object", properties: {}, additionalProperties: false });
    const path = given.argv[given.argv.indexOf("--output-schema") + 1];
    expect(given.files.find((file) => file.path === path)?.content).toBe(
      '{"type":"object","properties":{},"required":[],"additionalProperties":false}',
    );
    expect(given.argv.at(-1)).toBe("-");
    expect(of({ type: "array" }).argv).not.toContain("--output-schema");
  });

  it("has servers that fail logged, and keeps that from the commands it runs", () => {
    const turn = launch({ mode });
    expect(turn.env["RUST_LOG"]).toContain("codex_mcp");
    expect(settings(turn).get("shell_environment_policy.exclude")).toContain("RUST_LOG");
    const own = launch({ mode }, { env: { RUST_LOG: "debug" } });
    expect(own.env).not.toHaveProperty("RUST_LOG");
    expect(settings(own).get("shell_environment_policy.exclude")).not.toContain("RUST_LOG");
    expect(launch().env).not.toHaveProperty("RUST_LOG");
  });

  it("does not start without its gate where tools are not allowed", () => {
    expect(launch({ mode }, { allowedTools: ["shell"] }).argv).toContain("--dangerously-bypass-hook-trust");
  });

  it("does not start without its gate where calls are denied", () => {
    const { argv } = launch({ mode }, { permissions: "deny-all" });
    expect(argv).toContain("--dangerously-bypass-hook-trust");
    expect(settings(launch({ mode }, { permissions: "deny-all" })).get("sandbox_mode")).toBe('"read-only"');
    expect(launch({ mode }).argv).not.toContain("--dangerously-bypass-hook-trust");
  });
});
