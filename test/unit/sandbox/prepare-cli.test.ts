import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Redactor } from "../../../src/errors/redactor.ts";
import { prepareCli, type PreparedCli } from "../../../src/sandbox/prepare-cli.ts";
import type { AgentBackend } from "../../../src/spec/backend.ts";
import type { Progress, Sandbox, SandboxProcess } from "../../../src/spec/sandbox.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";
import { scriptedBackend } from "../../../src/testing/scripted-backend.ts";

// The two shell scripts are run by the real /bin/sh: with a home, a PATH and an npm of the test's own.
let folder: string;
/** Programs of the test's own, found first. */
let bin: string;
/** Links to the machine's programs. Nothing is ever written here: it would go through the link. */
let tools: string;
let home: string;
const progress: Progress[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "playpen-prepare-"));
  bin = join(folder, "bin");
  tools = join(folder, "tools");
  home = join(folder, "a home");
  await mkdir(bin);
  await mkdir(tools);
  await mkdir(home);
  for (const name of ["mkdir", "id", "rm", "mv", "echo", "touch", "chmod", "sleep", "find"]) {
    await symlink((await which(name)) ?? name, join(tools, name));
  }
  progress.length = 0;
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function which(name: string): Promise<string | undefined> {
  for (const place of ["/usr/bin", "/bin"]) {
    if ((await readdir(place)).includes(name)) return join(place, name);
  }
  return undefined;
}

async function program(name: string, script: string): Promise<void> {
  // A regular file of the test's own, or a failure: never another file behind a link.
  await rm(join(bin, name), { force: true });
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`, { flag: "wx" });
  await chmod(join(bin, name), 0o755);
}

/** An npm that "installs" a program of the package, as a script. */
async function fakeNpm(script = "install_it"): Promise<void> {
  await program("node", 'echo "v20.1.0"');
  const installIt = `install_it() { mkdir -p node_modules/.bin && touch node_modules/.bin/agent && chmod +x node_modules/.bin/agent; }`;
  await program("npm", `${installIt}\necho "$@" > "${folder}/npm-arguments"\n${script}`);
}

/** Runs processes on this machine: a provider in twenty lines, for trusted scripts only. */
async function localSandbox(env: { readonly [name: string]: string }): Promise<Sandbox> {
  const sandbox = await memorySandbox({ programs: {} }).create({ env: {}, labels: {} });
  sandbox.spawn = (command): Promise<SandboxProcess> => {
    const [file, ...parameters] = command.argv;
    const child = spawn(file, parameters, { env: { ...env, ...command.env }, detached: true, stdio: "pipe" });
    child.stdin.end();
    const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.once("exit", (code, signal) => {
        resolve({ code, signal });
      });
    });
    return Promise.resolve({
      stdin: Writable.toWeb(child.stdin),
      stdout: Readable.toWeb(child.stdout) as ReadableStream<Uint8Array>,
      stderr: Readable.toWeb(child.stderr) as ReadableStream<Uint8Array>,
      exited,
      kill: (signal = "SIGKILL") => {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
        return Promise.resolve();
      },
    });
  };
  return sandbox;
}

const backend: AgentBackend = {
  ...scriptedBackend(),
  name: "agent",
  cli: {
    command: "agent",
    package: "@some/agent",
    version: "1.2.3",
    versionArguments: ["--version"],
    executables: ["@some/agent-native/agent", ".bin/agent"],
    nodeMajor: 18,
  },
};

interface PrepareCase {
  readonly agent?: AgentBackend;
  readonly env?: { readonly [name: string]: string };
  readonly redactor?: Redactor;
  readonly signal?: AbortSignal;
}

async function prepare({ agent, env, redactor, signal }: PrepareCase = {}): Promise<PreparedCli> {
  const sandbox = await localSandbox({ PATH: `${bin}:${tools}`, HOME: home, ...env });
  return prepareCli(sandbox, agent ?? backend, {
    env: {},
    redactor: redactor ?? new Redactor(),
    signal,
    onProgress: (item) => progress.push(item),
  });
}

const installed = (): string => join(home, ".playpen/cli/some-agent-1.2.3");

describe("prepareCli", () => {
  it("finds a CLI on PATH and makes the state folder for nobody else", async () => {
    await program("agent", "exit 0");
    const prepared = await prepare();
    expect(prepared).toEqual({
      executable: join(bin, "agent"),
      stateDirectory: join(home, ".playpen/agent"),
    });
    expect(progress).toEqual([]);
  });

  it("installs a missing CLI once, and finds it afterwards before one on PATH", async () => {
    await fakeNpm();
    const prepared = await prepare();
    expect(prepared.executable).toBe(join(installed(), "node_modules/.bin/agent"));
    expect(progress.map(({ phase }) => phase)).toEqual(["install", "install"]);
    await rm(join(bin, "npm"));
    await program("agent", "exit 0");
    expect(await prepare()).toEqual(prepared);
    expect(await readdir(join(home, ".playpen/cli"))).toEqual(["some-agent-1.2.3"]);
  });

  it("takes an executable that the caller named without looking for it", async () => {
    expect(await prepare({ agent: { ...backend, command: ["/somewhere/agent", "--flag"] } })).toMatchObject({
      executable: "/somewhere/agent",
    });
  });

  it("is not confused by what start-up files print, nor by blanks in paths", async () => {
    await fakeNpm('echo "playpen:executable=/wrong"; install_it');
    expect((await prepare()).executable).toBe(join(installed(), "node_modules/.bin/agent"));
  });

  it("refuses when the installation is switched off, when npm is missing, and when Node is too old", async () => {
    await expect(prepare()).rejects.toMatchObject({ code: "cli_missing", reason: /neither is npm/ });
    await expect(prepare({ agent: { ...backend, install: false } })).rejects.toMatchObject({
      code: "cli_missing",
      reason: /switched off/,
    });
    await fakeNpm();
    await program("node", 'echo "v16.20.0"');
    await expect(prepare()).rejects.toMatchObject({ code: "cli_missing", reason: /Node 18.*v16\.20\.0/ });
  });

  it("tells what to do about a CLI that is not on npm", async () => {
    await fakeNpm();
    const agent = { ...backend, cli: { ...backend.cli, package: "" } };
    await expect(prepare({ agent })).rejects.toMatchObject({
      code: "cli_missing",
      reason: /no npm package brings it/,
      remedy: /^Put the CLI into the image/,
    });
    await expect(readdir(join(folder, "npm-arguments"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("tells npm's own words when the installation fails, without secrets, and leaves nothing half done", async () => {
    await fakeNpm('install_it; echo "E404 for token sekret-0123456789" >&2; exit 7');
    const redactor = new Redactor();
    redactor.add("sekret-0123456789");
    const error: unknown = await prepare({ redactor }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "cli_install_failed",
      reason: /exit code 7/,
      details: { package: "@some/agent@1.2.3", output: "E404 for token [redacted]" },
    });
    expect(JSON.stringify(error) + String(error)).not.toContain("sekret");
    expect(await readdir(join(home, ".playpen/cli"))).toEqual([]);
  });

  it("tells when a package brings none of its programs, as without its native part", async () => {
    await fakeNpm("exit 0");
    await expect(prepare()).rejects.toMatchObject({
      code: "cli_install_failed",
      details: { output: expect.stringContaining(".bin/agent") as string },
    });
  });

  it("keeps the installation that another session has finished meanwhile", async () => {
    await fakeNpm(
      `install_it; mkdir -p "${installed()}"; mv node_modules "${installed()}/"; echo first > "${installed()}/first"; mkdir node_modules; install_it`,
    );
    await prepare();
    expect(await readdir(installed())).toContain("first");
  });

  it("clears away what killed installations have left, but not what one is at work on", async () => {
    await fakeNpm();
    const cli = join(home, ".playpen/cli");
    const anHourAgo = Date.now() / 1000 - 3700;
    for (const name of ["agent-1.0.0.part-17", "agent-1.2.2.part-18"]) {
      await mkdir(join(cli, name, "node_modules"), { recursive: true });
    }
    await utimes(join(cli, "agent-1.0.0.part-17"), anHourAgo, anHourAgo);
    await prepare();
    expect((await readdir(cli)).sort()).toEqual(["agent-1.2.2.part-18", "some-agent-1.2.3"]);
  });

  it("uses a folder of its own in /tmp where there is no home, but none that somebody else has put there", async () => {
    await program("agent", "exit 0");
    await program("id", `echo "${folder.slice(-6)}"`);
    const root = `/tmp/.playpen-${folder.slice(-6)}`;
    try {
      expect(await prepare({ env: { HOME: "/proc/nowhere" } })).toMatchObject({
        stateDirectory: `${root}/agent`,
      });
      await rm(root, { recursive: true });
      await mkdir(join(folder, "trap"));
      await symlink(join(folder, "trap"), root);
      await expect(prepare({ env: { HOME: "/proc/nowhere" } })).rejects.toMatchObject({
        code: "session_start_failed",
      });
      expect(await readdir(join(folder, "trap"))).toEqual([]);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });

  it("kills an installation that is aborted, and what is left of it is never taken for complete", async () => {
    await fakeNpm(`install_it; echo started > "${folder}/started"; sleep 100`);
    const controller = new AbortController();
    const reason = new Error("enough");
    const preparing = prepare({ signal: controller.signal });
    preparing.catch(() => undefined);
    while (!(await readdir(folder)).includes("started"))
      await new Promise((resolve) => setImmediate(resolve));
    controller.abort(reason);
    await expect(preparing).rejects.toBe(reason);
    await fakeNpm();
    expect((await prepare()).executable).toBe(join(installed(), "node_modules/.bin/agent"));
  });
});
