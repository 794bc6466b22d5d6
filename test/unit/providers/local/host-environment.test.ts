import { describe, expect, it } from "vitest";
import { hostEnvironment } from "../../../../providers/local/host-environment.ts";

const host = {
  PATH: "/bin",
  LANG: "C.UTF-8",
  LC_ALL: "C",
  TZ: "UTC",
  TERM: "xterm",
  HOME: "/home/person",
  API_KEY: "secret",
  SSH_AUTH_SOCK: "/run/agent",
  LD_PRELOAD: "/tmp/library.so",
  NODE_OPTIONS: "--require /tmp/x.cjs",
  EDITOR: "vi",
};

describe("hostEnvironment", () => {
  it("lets in what is harmless, and nothing else", () => {
    expect(hostEnvironment(host, [])).toEqual({
      PATH: "/bin",
      LANG: "C.UTF-8",
      LC_ALL: "C",
      TZ: "UTC",
      TERM: "xterm",
    });
  });

  it("lets in what was asked for by name", () => {
    expect(hostEnvironment(host, ["EDITOR", "MISSING"])).toMatchObject({ EDITOR: "vi" });
    expect(hostEnvironment(host, ["EDITOR"])).not.toHaveProperty("API_KEY");
  });

  it("has a PATH where the host has none", () => {
    expect(hostEnvironment({}, [])["PATH"]).toContain("/usr/bin");
  });
});
