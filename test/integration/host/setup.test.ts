import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Progress, SandboxAgent, type Setup } from "playpen";
import { docker } from "playpen/docker";
import { local } from "playpen/local";
import { describeWith } from "../../image/engines.ts";
import { bareImage, testImage } from "../../image/paths.ts";
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

  it("asks pip, gem, cargo and go for packages in their own words", async () => {
    // Their indexes are out of reach of a test: programs of their names note what they are asked.
    const folder = await mkdtemp(join(tmpdir(), "managers-"));
    try {
      for (const name of ["python3", "gem", "cargo", "go"]) {
        await writeFile(join(folder, name), `#!/bin/sh\necho ${name} "$@" >> "${folder}/asked"\n`, {
          mode: 0o755,
        });
      }
      await using box = await SandboxAgent.start({
        sandbox: sandbox(),
        permissions: "allow-all",
        env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` },
        setup: {
          packages: { go: ["example.com/a", "example.com/b@v1"], pip: ["x==1"], gem: ["y"], cargo: ["z@2"] },
        },
      });
      expect((await box.exec(["cat", `${folder}/asked`])).stdout).toBe(
        [
          "python3 -m pip install --no-input --disable-pip-version-check -- x==1",
          "gem install --no-document -- y",
          "cargo install --locked -- z@2",
          "go install -- example.com/a@latest example.com/b@v1",
          "",
        ].join("\n"),
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
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

describeWith(["docker", "test-image"], "a set-up that is kept", () => {
  it("is done once for the same content, and again for another", async () => {
    const provider = docker({ image: bareImage() });
    const names: string[] = [];
    const { snapshots } = provider;
    // What is kept is taken away at the end.
    const watched = Object.assign(Object.create(provider) as typeof provider, {
      name: provider.name,
      capabilities: provider.capabilities,
      create: provider.create.bind(provider),
      describe: provider.describe?.bind(provider),
      snapshots: {
        find: (name: string) => (names.push(name), snapshots?.find(name)),
        remove: (id: string) => snapshots?.remove(id),
      },
    });
    const salt = randomUUID();
    const made = async (commands: readonly string[], git?: Setup["git"]): Promise<string> => {
      const setup = { files: { salt }, commands, ...(git === undefined ? {} : { git }) };
      await using box = await SandboxAgent.start({ sandbox: watched, setup });
      return (await box.exec(["cat", "made"])).stdout;
    };
    try {
      const once = "cat /proc/sys/kernel/random/uuid > made";
      const first = await made([once]);
      expect(await made([once])).toBe(first);
      expect(await made([once, "true"])).not.toBe(first);
      expect(new Set(names).size).toBe(2);
    } finally {
      for (const name of new Set(names)) {
        const found = await snapshots?.find(name);
        if (found !== undefined) await snapshots?.remove(found.id);
      }
    }
    for (const name of names) expect(await snapshots?.find(name)).toBeUndefined();
  });

  it("does not hold what follows a repository that may change, nor anything where nothing is to be kept", async () => {
    const provider = docker({ image: testImage(), network: "host" });
    const count = async (setup: Setup): Promise<number> => {
      const progress: string[] = [];
      await using box = await SandboxAgent.start({
        sandbox: provider,
        setup,
        onProgress: ({ message }) => progress.push(message),
      });
      expect((await box.exec(["true"])).exitCode).toBe(0);
      return progress.filter((message) => message.startsWith("Keeping")).length;
    };
    const commands = [`true ${randomUUID()}`];
    expect(await count({ git: { url: git.url, token }, commands })).toBe(0);
    expect(await count({ commands, cache: false })).toBe(0);
  });
});

describeWith(["docker", "test-image"], "packages", () => {
  it("are installed as root by apt and npm, whoever the sandbox's user is", async () => {
    await using box = await SandboxAgent.start({
      sandbox: docker({ image: testImage(), network: "host" }),
      setup: { packages: { apt: ["hello"], npm: ["cowsay@1.6.0"] }, cache: false },
    });
    expect((await box.exec(["hello"])).stdout).toContain("Hello");
    expect((await box.exec(["cowsay", "moo"])).stdout).toContain("moo");
    const unknown = SandboxAgent.start({
      sandbox: docker({ image: testImage(), network: "host" }),
      setup: { packages: { apt: ["no-such-package-anywhere"] }, cache: false },
    });
    await expect(unknown).rejects.toMatchObject({
      code: "setup_failed",
      details: { step: "apt: no-such-package-anywhere", exitCode: 100 },
    });
  });
});
