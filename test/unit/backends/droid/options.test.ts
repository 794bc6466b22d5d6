import { describe, expect, it } from "vitest";
import { droid } from "../../../../backends/droid/index.ts";

const made =
  (options: object): (() => unknown) =>
  () =>
    droid(options);

const url = "http://localhost:1/v1";

describe("droid()", () => {
  it("needs no options, and does no more than describe", () => {
    expect(droid()).toMatchObject({
      name: "droid",
      mode: "session",
      install: true,
      env: {},
      cli: { command: "droid", package: "droid", version: "0.215.0" },
    });
    expect(droid()).not.toHaveProperty("model");
    expect(droid()).not.toHaveProperty("command");
  });

  it("takes its options over", () => {
    expect(
      droid({ mode: "turn", model: "glm-5", command: ["node", "droid.js"], install: false, env: { A: "1" } }),
    ).toMatchObject({
      mode: "turn",
      model: "glm-5",
      command: ["node", "droid.js"],
      install: false,
      env: { A: "1" },
    });
    expect(droid({ command: "droid" }).command).toEqual(["droid"]);
  });

  it("begins with the first model of its server, where none is named", () => {
    expect(droid({ baseUrl: url, models: ["m1", "m2"] }).model).toBe("m1");
    expect(droid({ baseUrl: url, models: [{ id: "m1" }], model: "m2" }).model).toBe("m2");
  });

  it.each(["session", "turn"] as const)(
    "does not declare in mode %s that every call can be asked for",
    (mode) => {
      expect(droid({ mode }).capabilities.permissions).toEqual(["allow-all", "deny-all"]);
    },
  );

  it("lists and changes models only where there is a process to ask", () => {
    expect(droid().capabilities).toMatchObject({ models: "cli", setModel: true });
    expect(droid({ mode: "turn" }).capabilities).toMatchObject({ models: "none", setModel: false });
  });
});

describe("the credential", () => {
  it("is Factory's key, or one that a server of one's own may want", () => {
    expect(droid().credentials).toMatchObject({
      anyOf: [["FACTORY_API_KEY"]],
      forwarded: ["FACTORY_API_KEY"],
    });
    expect(droid({ baseUrl: url, model: "m" }).credentials).toMatchObject({
      anyOf: [],
      forwarded: ["DROID_PROVIDER_API_KEY"],
    });
    expect(droid().credentials.secret).toEqual(["FACTORY_API_KEY", "DROID_PROVIDER_API_KEY"]);
  });

  it("goes into the variable that is looked for", () => {
    expect(droid({ apiKey: "k", env: { A: "1" } }).env).toEqual({ A: "1", FACTORY_API_KEY: "k" });
    expect(droid({ apiKey: "k", baseUrl: url, model: "m" }).env).toEqual({ DROID_PROVIDER_API_KEY: "k" });
  });
});

describe("an option that is wrong", () => {
  it.each([
    [{ mdoel: "x" }, /unknown option "mdoel".*Did you mean "model"/],
    [{ mode: "rpc" }, /"mode" must be one of "session", "turn"/],
    [{ baseUrl: "localhost:1", model: "m" }, /"baseUrl" must be an address/],
    [{ baseUrl: url }, /"baseUrl" needs "model" or "models"/],
    [{ apiKey: "a b" }, /"apiKey" must be a key of printable ASCII characters.*received string/],
    [{ apiKey: "" }, /"apiKey" must be a key/],
    [{ api: "openai-completions" }, /"api" needs "baseUrl"/],
    [{ baseUrl: url, api: "openai", model: "m" }, /"api" must be one of "openai-completions"/],
    [{ models: ["m"] }, /"models" needs "baseUrl"/],
    [{ baseUrl: url, models: "m" }, /"models" must be an array of models/],
    [{ baseUrl: url, models: [{ name: "m" }] }, /"models" must be an array of names, or objects with an id/],
    [
      { baseUrl: url, models: [{ id: "m", thinks: true }] },
      /models that have id, name, reasoning.*not thinks/,
    ],
    [
      { baseUrl: url, models: [{ id: "m", contextWindow: 0 }] },
      /whose contextWindow is a whole number above 0/,
    ],
    [{ trustProject: "yes" }, /"trustProject" must be true or false/],
    [{ settings: [] }, /"settings" must be an object/],
    [{ extraArgs: "--tag x" }, /"extraArgs"/],
    [{ extraArgs: ["--output-format=json"] }, /may not hold "--output-format": the library speaks/],
    [{ extraArgs: ["--auto", "high"] }, /"--auto": use the session's option "permissions"/],
    [{ extraArgs: ["--skip-permissions-unsafe"] }, /use the session's option "permissions"/],
    [{ extraArgs: ["-s", "x"] }, /resume or fork a session by the library/],
    [{ extraArgs: ["-m", "x"] }, /use the option "model"/],
    [{ extraArgs: ["--only-tools", "Read"] }, /use the session's option "allowedTools"/],
    [{ extraArgs: ["--version"] }, /the CLI would end at once/],
    [{ command: [] }, /"command"/],
  ])("%j is refused", (options, message) => {
    expect(made(options)).toThrow(TypeError);
    expect(made(options)).toThrow(message);
  });

  it("is not shown when it is a key", () => {
    expect(made({ apiKey: "se cret" })).not.toThrow(/se cret/);
  });
});
