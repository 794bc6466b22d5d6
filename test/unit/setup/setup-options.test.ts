import { describe, expect, it } from "vitest";
import { SandboxAgent } from "../../../src/sandbox-agent.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";

const token = "hunter2";

describe("the option setup refuses before anything starts", () => {
  it.each([
    [{ comands: ["true"] }, 'without "comands" (it may have packages, git, files, commands'],
    [{ packages: { apt: "ripgrep" } }, 'whose "apt" is an array of package names'],
    [{ git: {} }, 'whose "git" is an object with a url'],
    [{ git: [{ url: "https://a.example/b" }, { ref: "main" }] }, 'whose "git" is an object with a url'],
    [{ git: { url: "https://me:hunter2@a.example/b" } }, 'without a credential in it: use "token"'],
    [{ git: { url: "git@a.example:b/c", token } }, '"token" goes with a url that begins with https://'],
    [{ git: { url: "ssh://git@a.example/b", token } }, '"token" goes with a url that begins with https://'],
    [{ git: { url: "/srv/repository", token } }, '"token" goes with a url that begins with https://'],
    [{ git: { url: "https://a.example/b", username: "me" } }, '"username" goes with a "token"'],
    [{ commands: "npm ci" }, "an array of shell lines or argument lists"],
    [{ commands: ["true", ""] }, "number 1 is not"],
    [{ commands: [["echo", 5]] }, "number 0 is not"],
    [{ commands: ["true", "echo a\0b"] }, "number 1 holds a NUL character"],
    [{ commands: [["echo", "a\0b"]] }, "number 0 holds a NUL character"],
    [{ stepTimeoutMs: Infinity }, 'whose "stepTimeoutMs" is a number of milliseconds'],
  ])("%j", async (setup, message) => {
    const sandbox = memorySandbox({ programs: {} });
    const starting = SandboxAgent.start({ sandbox, setup: setup as never });
    await expect(starting).rejects.toThrow(TypeError);
    await expect(starting).rejects.toThrow('SandboxAgent.start(): option "setup" must be ');
    await expect(starting).rejects.toThrow(message);
    await expect(starting).rejects.not.toThrow(token);
    expect(sandbox.started).toEqual([]);
  });
});
