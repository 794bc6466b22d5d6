import { describe, expect, it } from "vitest";
import { amp, type AmpOptions } from "../../../../backends/amp/index.ts";
import {
  isJsonObject,
  parseJson,
  type JsonObject,
  type Launch,
  type LaunchInput,
} from "../../../../src/kit.ts";
import { launchInput, threadId } from "./lines.ts";

const folder = `/state/sessions/${launchInput.sessionId}`;

function launch(options: AmpOptions = {}, more: Partial<LaunchInput> = {}): Launch {
  return amp(options).launch({ ...launchInput, ...more });
}

function jsonFile({ files }: Launch, name: string): JsonObject {
  const content = files.find(({ path }) => path === `${folder}/${name}`)?.content;
  const value = typeof content === "string" ? parseJson(content) : undefined;
  return isJsonObject(value) ? value : {};
}

describe("a turn's process", () => {
  it("begins a thread that runs here and stays to be continued", () => {
    expect(launch().argv).toEqual([
      "/usr/local/bin/amp",
      "--execute",
      "--stream-json-thinking",
      "--stream-json-input",
      "--settings-file",
      `${folder}/settings.json`,
      "--no-ide",
      "--no-notifications",
      "--no-color",
      "--no-remote-control-terminal",
      "--executor",
      "local",
      "--no-archive-after-execute",
    ]);
  });

  it("continues a thread as that was begun", () => {
    const resume = { nativeSessionId: threadId, fork: false };
    const { argv } = launch({ visibility: "private" }, { resume, agentMode: "high" });
    expect(argv.slice(0, 5)).toEqual(["/usr/local/bin/amp", "threads", "continue", threadId, "--execute"]);
    for (const flag of ["--mode", "--visibility", "--executor", "--no-archive-after-execute"]) {
      expect(argv).not.toContain(flag);
    }
  });

  it("passes mode, visibility, command and further arguments", () => {
    const { argv } = launch(
      { visibility: "private", command: ["npx", "amp"], extraArgs: ["--label", "ci"] },
      { agentMode: "high" },
    );
    expect(argv.slice(0, 3)).toEqual(["npx", "amp", "--execute"]);
    expect(argv.slice(-6)).toEqual(["--mode", "high", "--visibility", "private", "--label", "ci"]);
  });

  it("holds no secret among its arguments", () => {
    const started = launch(
      { apiKey: "sgamp_1" },
      {
        env: { AMP_API_KEY: "sgamp_1" },
        mcpServers: {
          local: { type: "stdio", command: "server", args: ["--fast"], env: { TOKEN: "mcp-secret" } },
          remote: { type: "http", url: "https://mcp.example.com", headers: { authorization: "mcp-secret" } },
        },
      },
    );
    expect(started.argv.join(" ")).not.toMatch(/sgamp_1|mcp-secret/);
    expect(started.argv).toContain(`${folder}/mcp.json`);
    expect(jsonFile(started, "mcp.json")).toEqual({
      local: { command: "server", args: ["--fast"], env: { TOKEN: "mcp-secret" } },
      remote: { url: "https://mcp.example.com", headers: { authorization: "mcp-secret" } },
    });
    expect(launch().argv).not.toContain("--mcp-config");
  });
});

describe("its settings", () => {
  it("allow every call, those too that the CLI's own rules ask for, and switch updates off", () => {
    expect(jsonFile(launch(), "settings.json")).toEqual({
      "amp.updates.mode": "disabled",
      "amp.remoteThreadCreation.enabled": false,
      "amp.dangerouslyAllowAll": true,
      "amp.permissions": [{ tool: "*", action: "allow" }],
    });
  });

  it.each(["deny-all", "ask"] as const)("reject every call where the session says %s", (permissions) => {
    expect(jsonFile(launch({}, { permissions }), "settings.json")).toMatchObject({
      "amp.dangerouslyAllowAll": false,
      "amp.permissions": [{ tool: "*", action: "reject" }],
    });
  });

  it("hold those of the caller", () => {
    const settings = { "amp.network.timeout": 60, "amp.updates.mode": "warn" };
    expect(jsonFile(launch({ settings }), "settings.json")).toMatchObject(settings);
  });

  it("name the folder of the session's skills", () => {
    const skills = [{ name: "greet", files: { "SKILL.md": "Say hello.", "words.txt": "Hello" } }];
    const started = launch({}, { skills });
    expect(jsonFile(started, "settings.json")).toMatchObject({ "amp.skills.path": `${folder}/skills` });
    expect(started.files).toContainEqual({ path: `${folder}/skills/greet/SKILL.md`, content: "Say hello." });
    expect(started.files).toContainEqual({ path: `${folder}/skills/greet/words.txt`, content: "Hello" });
  });
});
