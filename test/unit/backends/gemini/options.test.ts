import { describe, expect, it } from "vitest";
import { gemini } from "../../../../backends/gemini/index.ts";

const make = (options: object) => () => gemini(options);

describe("options", () => {
  it("needs none", () => {
    expect(gemini()).toMatchObject({ name: "gemini", mode: "session", env: {}, install: true });
    expect(gemini()).not.toHaveProperty("command");
    expect(gemini({ command: "gem", model: "gemini-2.5-pro", install: false })).toMatchObject({
      ...{ command: ["gem"], model: "gemini-2.5-pro", install: false },
    });
  });

  it("names the option, the value and the correction", () => {
    expect(make({ mode: "batch" })).toThrow(
      new TypeError('gemini(): option "mode" must be one of "session", "turn", received "batch".'),
    );
    expect(make({ trustproject: true })).toThrow(
      /unknown option "trustproject". Did you mean "trustProject"\?/,
    );
    expect(make({ settings: [] })).toThrow(/"settings" must be an object such as/);
    expect(make({ trustProject: "yes" })).toThrow(/"trustProject" must be/);
    expect(make({ model: 25 })).toThrow(/"model" must be/);
  });

  it.each([
    ["--acp", "mode"],
    ["--experimental-acp", "mode"],
    ["-o", "library"],
    ["--output-format=json", "library"],
    ["-m", "model"],
    ["--model=x", "model"],
    ["-p", "prompt"],
    ["--prompt=x", "prompt"],
    ["--", "prompt"],
    ["--resume", "resume"],
    ["--session-id=x", "library"],
    ["-y", "permissions"],
    ["--yolo", "permissions"],
    ["--approval-mode=yolo", "permissions"],
    ["--admin-policy", "permissions"],
    ["--allowed-tools=x", "allowedTools"],
    ["--skip-trust", "trustProject"],
    ["--sandbox", "sandbox"],
    ["--worktree", "cwd"],
    ["--list-sessions", "end at once"],
    ["--help", "end at once"],
  ])("refuses %s among further arguments", (argument, instead) => {
    expect(make({ extraArgs: [argument] })).toThrow(TypeError);
    expect(make({ extraArgs: [argument] })).toThrow(instead);
  });

  it("passes the key and the address by the environment, over what it says", () => {
    expect(
      gemini({ apiKey: "k", baseUrl: "http://m", env: { GEMINI_API_KEY: "other", A: "1" } }).env,
    ).toEqual({
      A: "1",
      GEMINI_API_KEY: "k",
      GOOGLE_GEMINI_BASE_URL: "http://m",
      GOOGLE_VERTEX_BASE_URL: "http://m",
    });
  });

  it("forwards the address with the key: a gateway's key is not for the vendor", () => {
    const { forwarded, secret } = gemini().credentials;
    expect(forwarded).toEqual(expect.arrayContaining(["GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"]));
    expect(secret).toEqual(["GEMINI_API_KEY", "GOOGLE_API_KEY"]);
  });

  it("declares less for one shot", () => {
    expect(gemini().capabilities).toMatchObject({
      permissions: ["allow-all", "deny-all", "ask"],
      interrupt: "protocol",
      models: "cli",
    });
    expect(gemini({ mode: "turn" }).capabilities).toMatchObject({
      permissions: ["allow-all", "deny-all"],
      interrupt: "signal",
      images: false,
      reasoning: false,
      models: "documented",
    });
    expect(gemini().documentedModels?.filter(({ isDefault }) => isDefault)).toMatchObject([{ id: "auto" }]);
  });
});

describe("the model of another vendor", () => {
  it("is refused, since Google's API does not serve it", () => {
    const modelProblem = (model: string, env = {}): string | undefined => gemini().modelProblem?.(model, env);
    expect(modelProblem("gpt-5")).toMatch(/one of OpenAI's.*"baseUrl"/);
    expect(modelProblem("gemini-2.5-flash")).toBeUndefined();
    expect(modelProblem("tuned-by-me")).toBeUndefined();
    expect(modelProblem("gpt-5", { GOOGLE_GEMINI_BASE_URL: "http://127.0.0.1:1" })).toBeUndefined();
  });
});
