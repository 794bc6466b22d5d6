import { describe, expect, it } from "vitest";
import { droid, type DroidOptions } from "../../../../backends/droid/index.ts";
import {
  isJsonObject,
  parseJson,
  type JsonObject,
  type Launch,
  type LaunchInput,
} from "../../../../src/kit.ts";
import { ownServer, protocolInput, sessionId } from "./lines.ts";

function launch(options: DroidOptions = {}, input: Partial<LaunchInput> = {}): Launch {
  return droid(options).launch({ ...protocolInput, executable: "/cli/droid", env: {}, ...input });
}

const folder = `/state/sessions/${sessionId}`;

function file({ files }: Launch, path: string): JsonObject | undefined {
  const content = files.find((one) => one.path === path)?.content;
  const value = typeof content === "string" ? parseJson(content) : undefined;
  return isJsonObject(value) ? value : undefined;
}

const settings = (one: Launch): JsonObject | undefined => file(one, `${folder}/settings.json`);

describe("the command line", () => {
  const protocol = [
    ...["exec", "--input-format", "stream-jsonrpc", "--output-format", "stream-jsonrpc"],
  ] as const;

  it.each(["session", "turn"] as const)("speaks the CLI's protocol in mode %s", (mode) => {
    expect(launch({ mode }, { permissions: "deny-all" }).argv).toEqual(["/cli/droid", ...protocol]);
  });

  it("takes another command, and further arguments behind the library's own", () => {
    expect(launch({ command: ["node", "droid.js"] }).argv.slice(0, 3)).toEqual(["node", "droid.js", "exec"]);
    expect(launch({ command: "other" }).argv[0]).toBe("other");
    expect(launch({ extraArgs: ["--tag", "x"] }).argv.slice(-2)).toEqual(["--tag", "x"]);
  });

  it("shows neither prompt, nor instructions, nor what is resumed", () => {
    const { argv } = launch(
      {},
      {
        resume: { nativeSessionId: "abc", fork: true },
        systemPrompt: { append: "Be kind." },
        turn: { turnId: "t", content: [{ type: "text", text: "What?" }] },
      },
    );
    expect(argv).toEqual(["/cli/droid", ...protocol, "--skip-permissions-unsafe"]);
  });

  it("lifts Droid's own permissions only where every call is allowed", () => {
    expect(launch().argv).toContain("--skip-permissions-unsafe");
    expect(launch({}, { permissions: "deny-all" }).argv).not.toContain("--skip-permissions-unsafe");
    expect(launch({}, { permissions: "ask" }).argv).not.toContain("--skip-permissions-unsafe");
  });
});

describe("the environment", () => {
  it("keeps Droid from everything that the session does not need", () => {
    expect(launch({}, { permissions: "allow-all" }).env).toEqual({
      FACTORY_DROID_AUTO_UPDATE_ENABLED: "false",
      FACTORY_OTEL_ENABLED: "false",
      OTEL_SDK_DISABLED: "true",
      FACTORY_DISABLE_KEYRING: "true",
      FACTORY_HOME_OVERRIDE: "/state/home",
      FACTORY_RUNTIME_SETTINGS_PATH: `${folder}/settings.json`,
    });
  });

  it("keeps it from Factory where the models are a server's of one's own", () => {
    expect(launch(ownServer).env).toMatchObject({ FACTORY_AIRGAP_ENABLED: "true" });
    expect(launch().env).not.toHaveProperty("FACTORY_AIRGAP_ENABLED");
  });

  it("leaves what the caller has set", () => {
    const env = { FACTORY_OTEL_ENABLED: "true", FACTORY_AIRGAP_ENABLED: "false" };
    const one = launch(ownServer, { env });
    expect(one.env).not.toHaveProperty("FACTORY_OTEL_ENABLED");
    expect(one.env).not.toHaveProperty("FACTORY_AIRGAP_ENABLED");
  });

  it("carries instructions that are added, if they fit", () => {
    const added = launch({}, { systemPrompt: { append: "Be kind." } });
    expect(added.env).toMatchObject({ FACTORY_APPEND_SYSTEM_PROMPT: "Be kind." });
    for (const systemPrompt of [{ append: "ä".repeat(60_000) }, { replace: "Be terse." }]) {
      expect(launch({}, { systemPrompt }).env).not.toHaveProperty("FACTORY_APPEND_SYSTEM_PROMPT");
    }
  });
});

describe("trust in the project", () => {
  it("is for sessions where every call is allowed, unless it is said otherwise", () => {
    const policy = (options: DroidOptions, permissions: LaunchInput["permissions"]): unknown => {
      const one = launch(options, { permissions });
      const told = file(one, `${folder}/policy.json`);
      const isNamed = one.env["FACTORY_ORG_MANAGED_SETTINGS_LOCAL_PATH"] === `${folder}/policy.json`;
      expect(isNamed).toBe(told !== undefined);
      return told;
    };
    const none = {
      allowManagedHooksOnly: true,
      hooks: { hooksDisabled: true },
      mcpPolicy: { enabled: true, allowlist: [] },
    };
    expect(policy({}, "allow-all")).toBeUndefined();
    expect(policy({}, "deny-all")).toEqual(none);
    expect(policy({ trustProject: false }, "allow-all")).toEqual(none);
    expect(policy({ trustProject: true }, "deny-all")).toBeUndefined();
  });
});

describe("the files", () => {
  it("hold no key", () => {
    const one = launch(
      { ...ownServer, apiKey: "sk-secret" },
      { env: { DROID_PROVIDER_API_KEY: "sk-secret" } },
    );
    expect(JSON.stringify(one)).not.toContain("sk-secret");
    expect(JSON.stringify(settings(one))).toContain("${DROID_PROVIDER_API_KEY}");
  });

  it("tell Droid of a server of one's own, and of the session's own model", () => {
    const one = launch(
      {
        baseUrl: "http://127.0.0.1:1/v1",
        models: [
          { id: "m1", name: "One", reasoning: true, images: false, contextWindow: 9000, maxTokens: 800 },
          "m2",
        ],
      },
      { model: "m3" },
    );
    const common = {
      baseUrl: "http://127.0.0.1:1/v1",
      apiKey: "none",
      provider: "generic-chat-completion-api",
    };
    const plain = { ...common, maxOutputTokens: 16_384, noImageSupport: false };
    expect(settings(one)?.["customModels"]).toEqual([
      {
        ...common,
        id: "custom:m1",
        model: "m1",
        displayName: "One",
        maxOutputTokens: 800,
        noImageSupport: true,
        maxContextLimit: 9000,
        reasoningEffort: "high",
      },
      { ...plain, id: "custom:m2", model: "m2", displayName: "m2" },
      { ...plain, id: "custom:m3", model: "m3", displayName: "m3" },
    ]);
  });

  it.each([
    ["openai-completions", "generic-chat-completion-api"],
    ["openai-responses", "openai"],
    ["anthropic-messages", "anthropic"],
  ] as const)("call the API %s %s", (api, provider) => {
    expect(settings(launch({ ...ownServer, api }))?.["customModels"]).toMatchObject([
      { provider },
      { provider },
    ]);
  });

  it("tell of no model where Factory serves them", () => {
    expect(settings(launch({ model: "glm-5" }))).not.toHaveProperty("customModels");
  });

  it("take settings over, and put the library's lists before the caller's", () => {
    const mine = { id: "custom:mine", model: "mine" };
    const given = { includeCoAuthoredByDroid: false, disableAutoUpdate: false, customModels: [mine] };
    const told = settings(launch({ ...ownServer, settings: given }));
    expect(told).toMatchObject({ includeCoAuthoredByDroid: false, disableAutoUpdate: false });
    expect(told?.["customModels"]).toMatchObject([{ model: "m1" }, { model: "m2" }, { model: "mine" }]);
  });

  it("hold skills, whose contents the settings repeat", () => {
    const content = [
      "---",
      "name: greet",
      "description: >",
      "  Greets people,",
      "  kindly.",
      "user-invocable: false",
      "---",
      "Say hello.",
      "",
    ].join("\n");
    const one = launch({}, { skills: [{ name: "greet", files: { "SKILL.md": content, "a/b.txt": "B" } }] });
    expect(settings(one)?.["skills"]).toMatchObject([
      {
        metadata: { name: "greet", description: "Greets people, kindly.", userInvocable: false },
        systemPrompt: "Say hello.",
        filePath: `${folder}/skills/greet/SKILL.md`,
      },
    ]);
    expect(one.files).toContainEqual({ path: `${folder}/skills/greet/a/b.txt`, content: "B" });
  });

  it.each([
    ["# Greeting\n\nSay hello.", "Greeting"],
    ['---\ndescription: "Say \\"hi\\"."\n---\nx', 'Say "hi".'],
    ["---\ndescription: 'It''s so'\n---\nx", "It's so"],
    ["---\ndescription: Plain # with a remark\n---\nx", "Plain"],
    ["---\ndescription: |\n  One\n  Two\n---\nx", "One\nTwo"],
    ["", ""],
  ])("read the description of the skill %j", (content, description) => {
    const one = launch({}, { skills: [{ name: "s", files: { "SKILL.md": content } }] });
    expect(settings(one)?.["skills"]).toMatchObject([{ metadata: { description } }]);
  });

  it("trust the folders of the sandbox, and neither update nor share", () => {
    expect(file(launch(), "/state/home/.factory/settings.json")).toMatchObject({
      trustedFolders: { "/": {} },
      disableAutoUpdate: true,
      cloudSessionSync: false,
    });
  });
});
