import { describe, expect, it } from "vitest";
import { pi, type PiOptions } from "../../../../backends/pi/index.ts";
import type { Launch, LaunchInput } from "../../../../src/kit.ts";
import { protocolInput } from "./lines.ts";

function launch(options: PiOptions = {}, input: Partial<LaunchInput> = {}): Launch {
  return pi(options).launch({ ...protocolInput, executable: "/cli/pi", env: {}, ...input });
}

function file({ files }: Launch, name: string): string {
  const content = files.find(({ path }) => path.endsWith(`/${name}`))?.content;
  return typeof content === "string" ? content : "";
}

const folder = "/state/sessions/7c1f3d0a-5b7e-4c53-9a53-2f0e8a1b6d01";
const url = "http://127.0.0.1:1/v1";

describe("the command line", () => {
  it("is one process for the session", () => {
    expect(launch().argv).toEqual([
      "/cli/pi",
      ...["--mode", "rpc", "--session-dir", "/state/conversations", "--extension", `${folder}/bridge.js`],
    ]);
  });

  it("is one process for the turn", () => {
    expect(launch({ mode: "turn" }).argv).toContain("json");
  });

  it("takes another command", () => {
    expect(launch({ command: ["node", "pi.js"] }).argv.slice(0, 3)).toEqual(["node", "pi.js", "--mode"]);
    expect(launch({ command: "other" }).argv[0]).toBe("other");
  });

  it("resumes and forks", () => {
    const resume = { nativeSessionId: "abc", fork: false };
    expect(launch({}, { resume }).argv.join(" ")).toContain("--session abc");
    expect(launch({}, { resume: { ...resume, fork: true } }).argv.join(" ")).toContain("--fork abc");
  });

  it("names the model, the session's before the backend's", () => {
    expect(launch({ model: "openai/gpt-5" }).argv.slice(-2)).toEqual(["--model", "openai/gpt-5"]);
    expect(launch({ model: "a" }, { model: "b" }).argv.slice(-2)).toEqual(["--model", "b"]);
    expect(launch({ provider: "openai", model: "gpt-5" }).argv.slice(-4)).toEqual([
      ...["--provider", "openai", "--model", "gpt-5"],
    ]);
    expect(launch({ baseUrl: url, models: ["m1", "m2"] }).argv.slice(-4)).toEqual([
      ...["--provider", "custom", "--model", "m1"],
    ]);
  });

  it("passes the level of thinking, tools and further arguments on", () => {
    const { argv } = launch(
      { extraArgs: ["--no-skills"] },
      { thinking: "high", allowedTools: ["read", "grep"] },
    );
    expect(argv.slice(-5)).toEqual(["--thinking", "high", "--tools", "read,grep", "--no-skills"]);
    expect(launch({}, { allowedTools: [] }).argv.at(-1)).toBe("--no-tools");
  });

  it("offers no tool where all are denied", () => {
    expect(launch({}, { permissions: "deny-all", allowedTools: ["read"] }).argv).toContain("--no-tools");
  });

  it("names a system prompt and skills by file", () => {
    const replaced = launch({}, { systemPrompt: { replace: "Be terse." } });
    expect(replaced.argv.slice(-2)).toEqual(["--system-prompt", `${folder}/system-prompt.md`]);
    expect(file(replaced, "system-prompt.md")).toBe("Be terse.");
    expect(launch({}, { systemPrompt: { append: "Be kind." } }).argv).toContain("--append-system-prompt");
    const skilled = launch(
      {},
      { skills: [{ name: "greet", files: { "SKILL.md": "Hello.", "a/b.txt": "B" } }] },
    );
    expect(skilled.argv.slice(-2)).toEqual(["--skill", `${folder}/skills/greet`]);
    expect(file(skilled, "skills/greet/a/b.txt")).toBe("B");
  });

  it("names images by file where there is a process for the turn", () => {
    const data = new Uint8Array([1, 2]);
    const content = [
      { type: "text", text: "What is it?" },
      { type: "image", data, mediaType: "image/png" },
    ] as const;
    const { argv, files } = launch({ mode: "turn" }, { turn: { turnId: "turn-1", content } });
    expect(argv.at(-1)).toBe(`@${folder}/images/0.png`);
    expect(files.at(-1)).toEqual({ path: `${folder}/images/0.png`, content: data });
    expect(argv.join(" ")).not.toContain("What is it?");
  });
});

describe("the environment", () => {
  it("keeps Pi from everything that the session does not need", () => {
    expect(launch().env).toEqual({
      PI_OFFLINE: "1",
      PI_SKIP_VERSION_CHECK: "1",
      PI_TELEMETRY: "0",
      PI_CODING_AGENT_DIR: `${folder}/agent`,
    });
  });

  it("leaves what the caller has set, except where the project may not be trusted", () => {
    expect(launch({}, { env: { PI_OFFLINE: "0" } }).env).not.toHaveProperty("PI_OFFLINE");
    const untrusted = launch({ trustProject: false }, { env: { PI_OFFLINE: "0" } });
    expect(untrusted.env).toMatchObject({ PI_OFFLINE: "1" });
    expect(untrusted.argv).toContain("--no-extensions");
  });
});

describe("the files", () => {
  it("hold no key", () => {
    const { files, argv, env } = launch(
      { baseUrl: url, model: "m", apiKey: "sk-secret" },
      { env: { PI_PROVIDER_API_KEY: "sk-secret" } },
    );
    expect(JSON.stringify({ files, argv, env })).not.toContain("sk-secret");
  });

  it("tell Pi of a server of one's own", () => {
    const one = launch(
      {
        baseUrl: url,
        models: [{ id: "m1", reasoning: true, images: false, cost: { input: 1, output: 2 } }, "m2"],
      },
      { model: "m3", env: { PI_PROVIDER_API_KEY: "k" } },
    );
    expect(JSON.parse(file(one, "models.json"))).toEqual({
      providers: {
        custom: {
          baseUrl: url,
          api: "openai-completions",
          apiKey: "PI_PROVIDER_API_KEY",
          models: [
            {
              id: "m1",
              reasoning: true,
              input: ["text"],
              cost: { input: 1, output: 2, cacheRead: 1, cacheWrite: 1 },
            },
            { id: "m2", reasoning: false, input: ["text", "image"] },
            { id: "m3", reasoning: false, input: ["text", "image"] },
          ],
        },
      },
    });
    const keyless = launch({ baseUrl: url, model: "m", provider: "mine", api: "anthropic-messages" });
    expect(JSON.parse(file(keyless, "models.json"))).toMatchObject({
      providers: { mine: { apiKey: "none", api: "anthropic-messages" } },
    });
  });

  it("tell Pi of another address of one of its own providers", () => {
    const proxied = launch({ baseUrl: "https://proxy.test", provider: "anthropic", model: "sonnet" });
    expect(JSON.parse(file(proxied, "models.json"))).toEqual({
      providers: { anthropic: { baseUrl: "https://proxy.test" } },
    });
    expect(launch().files.some(({ path }) => path.endsWith("models.json"))).toBe(false);
  });

  it("have Pi tell of its retries, and take settings over", () => {
    expect(JSON.parse(file(launch(), "settings.json"))).toMatchObject({
      enableInstallTelemetry: false,
      retry: { provider: { maxRetries: 0 } },
    });
    const settings = { retry: { maxRetries: 1 }, compaction: { enabled: false } };
    expect(JSON.parse(file(launch({ settings }), "settings.json"))).toMatchObject({
      retry: { maxRetries: 1, provider: { maxRetries: 0 } },
      compaction: { enabled: false },
    });
  });

  it("hold the extension, made for the session's permissions", () => {
    expect(file(launch(), "bridge.js")).toContain('const gate = "allow-all"');
    const asking = file(launch({}, { permissions: "ask" }), "bridge.js");
    expect(asking).toContain('const gate = "ask"');
    // Commands run without what the project's settings would put before them.
    expect(asking).toContain("createBashToolDefinition(context.cwd)");
    expect(file(launch({ trustProject: true }, { permissions: "ask" }), "bridge.js")).not.toContain(
      "createBashTool",
    );
    expect(file(launch({}, { answersQuestions: false }), "bridge.js")).not.toContain("request_user_input");
    expect(file(launch({ mode: "turn" }), "bridge.js")).not.toContain("registerTool");
    const resume = { nativeSessionId: "abc", fork: false };
    expect(file(launch({}, { resume }), "bridge.js")).toContain('const sessionId = "abc"');
    expect(file(launch({}, { resume: { ...resume, fork: true } }), "bridge.js")).toContain(
      "const sessionId = null",
    );
  });
});
