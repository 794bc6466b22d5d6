import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Progress, SandboxAgent } from "playpen";
import { docker } from "playpen/docker";
import { local } from "playpen/local";
import { describeWith } from "../../image/engines.ts";
import { testImage } from "../../image/paths.ts";
import { type GitServer, startGitServer } from "./git-server.ts";

const token = "token-4f1c9d7be2a05386";
let git: GitServer;
beforeAll(async () => {
  git = await startGitServer("x-access-token", token);
});
afterAll(() => git.close());

const sandbox = () => local({ isolation: "none" });
const start = (setup: Parameters<typeof SandboxAgent.start>[0]["setup"]) =>
  SandboxAgent.start({ sandbox: sandbox(), permissions: "allow-all", ...(setup && { setup }) });

describe("a set-up", () => {
  it("is applied, step by step, to the sandbox that is handed out", async () => {
    const progress: Progress[] = [];
    await using box = await SandboxAgent.start({
      sandbox: sandbox(),
      permissions: "allow-all",
      setup: {
        git: { url: git.url, token },
        files: { "notes/hello.txt": "hello\n", "bytes.bin": new Uint8Array([0, 255]) },
        commands: ["cat notes/hello.txt file.txt > both.txt", ["cp", "both.txt", "a copy.txt"]],
      },
      onProgress: (item) => progress.push(item),
    });
    expect(await box.files.readText("a copy.txt")).toBe("hello\nsecond\n");
    expect(await box.files.read("bytes.bin")).toEqual(new Uint8Array([0, 255]));
    expect(progress.filter(({ phase }) => phase === "prepare").map(({ message }) => message)).toEqual([
      `Setting up: git clone ${git.url}`,
      "Setting up: file notes/hello.txt",
      "Setting up: file bytes.bin",
      "Setting up: cat notes/hello.txt file.txt > both.txt",
      "Setting up: cp both.txt a copy.txt",
    ]);
  });

  it("clones branches and single commits, as deep as asked", async () => {
    const [first = ""] = git.commits;
    await using box = await start({
      git: [
        { url: git.url, token, path: "branch", ref: "old" },
        { url: git.url, token, path: "commit", ref: first },
        { url: git.url, token, path: "shallow", depth: 1 },
      ],
    });
    const say = async (script: string): Promise<string> =>
      (await box.exec(["sh", "-c", script])).stdout.trim();
    expect(await say("cat branch/file.txt; git -C branch branch --show-current")).toBe("first\nold");
    expect(await say("cat commit/file.txt; git -C commit rev-parse HEAD")).toBe(`first\n${first}`);
    expect(await say("git -C shallow rev-list --count HEAD")).toBe("1");
  });

  it("leaves the token in no argument, file or error", async () => {
    await using box = await start({ git: { url: git.url, token } });
    const { stdout } = await box.exec([
      "sh",
      "-c",
      `grep -rsF "$1" . "$HOME" | head -n 1; git config --local --list`,
      "sh",
      token,
    ]);
    expect(stdout).toContain(`remote.origin.url=${git.url}`);
    expect(stdout).not.toContain(token);
    expect(stdout).not.toContain("credential");
    const wrong = "wrong-token-000011112222";
    const failed = start({ git: { url: git.url, token: wrong } });
    await expect(failed).rejects.toMatchObject({ code: "setup_failed", details: { exitCode: 128 } });
    const error: unknown = await failed.catch((reason: unknown) => reason);
    expect(JSON.stringify(error) + String(error)).not.toContain(wrong);
    expect(String(error)).toContain(git.url);
  });

  it("gives the token to the host that was named, and to none that it leads to", async () => {
    const other = await startGitServer("x-access-token", token);
    const redirector = createServer((request, response) => {
      response.writeHead(302, { location: `${new URL(other.url).origin}${request.url ?? ""}` }).end();
    });
    redirector.listen(0, "127.0.0.1");
    await once(redirector, "listening");
    try {
      const address = redirector.address();
      const port = typeof address === "object" ? address?.port : undefined;
      const url = `http://127.0.0.1:${port}/repository`;
      await expect(start({ git: { url, token } })).rejects.toMatchObject({ code: "setup_failed" });
      expect(other.seen).toEqual([]);
    } finally {
      redirector.closeAllConnections();
      redirector.close();
      await other.close();
    }
  });

  it("fails the start with the output of the step that failed, and leaves nothing", async () => {
    const provider = sandbox();
    const failed = SandboxAgent.start({
      sandbox: provider,
      permissions: "allow-all",
      labels: { test: "set-up-fails" },
      env: { API_TOKEN: "api-token-77aa88bb99cc" },
      setup: { commands: ["true", 'echo "went wrong: $API_TOKEN" >&2; exit 7', "touch never"] },
    });
    await expect(failed).rejects.toMatchObject({
      code: "setup_failed",
      details: { exitCode: 7, output: "went wrong: [redacted]\n" },
    });
    const left = [];
    for await (const info of provider.list({ labels: { test: "set-up-fails" } })) left.push(info);
    expect(left).toEqual([]);
  });

  it("gives up a step that takes too long, and one that is aborted, with all it has started", async () => {
    const slow = start({ commands: ["sleep 300"], stepTimeoutMs: 300 });
    await expect(slow).rejects.toMatchObject({ code: "setup_failed" });
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = SandboxAgent.start({
      sandbox: sandbox(),
      permissions: "allow-all",
      setup: { commands: ["sleep 300"] },
      signal: controller.signal,
      onProgress: ({ message }) => {
        if (message.startsWith("Setting up")) controller.abort(reason);
      },
    });
    await expect(aborted).rejects.toBe(reason);
  });

  it.each([
    [{ packages: { apt: ["--allow-unauthenticated"] } }, /"packages".*"apt".*hyphen/],
    [{ packages: { brew: ["x"] } }, /"brew"/],
    [{ git: { url: "https://user:secret@example.com/x.git" } }, /use "token"/],
    [{ git: { ref: "main" } }, /with a url/],
    [{ commands: [[]] }, /"commands"/],
    [{ files: { a: 1 } }, /"files"/],
    [{ file: {} }, /"file"/],
  ])("refuses %j before anything starts", async (setup, message) => {
    const failed = start(setup as never);
    await expect(failed).rejects.toThrow(TypeError);
    await expect(failed).rejects.toThrow(message);
    expect(String(await failed.catch((error: unknown) => error))).not.toContain("user:secret");
  });
});

describeWith(["docker", "test-image"], "packages", () => {
  it("are installed as root by apt and npm, whoever the sandbox's user is", async () => {
    await using box = await SandboxAgent.start({
      sandbox: docker({ image: testImage(), network: "host" }),
      setup: { packages: { apt: ["hello"], npm: ["cowsay@1.6.0"] } },
    });
    expect((await box.exec(["hello"])).stdout).toContain("Hello");
    expect((await box.exec(["cowsay", "moo"])).stdout).toContain("moo");
    const unknown = SandboxAgent.start({
      sandbox: docker({ image: testImage(), network: "host" }),
      setup: { packages: { apt: ["no-such-package-anywhere"] } },
    });
    await expect(unknown).rejects.toMatchObject({
      code: "setup_failed",
      details: { step: "apt: no-such-package-anywhere", exitCode: 100 },
    });
  });
});
