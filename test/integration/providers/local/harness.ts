import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { LocalOptions } from "../../../../providers/local/index.ts";
import type { ProcessExit, Sandbox } from "../../../../src/kit.ts";

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: ProcessExit;
}

/** Runs a shell script in a sandbox to its end. */
export async function run(
  sandbox: Sandbox,
  script: string,
  env: { readonly [name: string]: string } = {},
): Promise<Output> {
  const process = await sandbox.spawn({ argv: ["/bin/sh", "-c", script], env, stdin: "ignore" });
  const [stdout, stderr, exit] = await Promise.all([
    new Response(process.stdout).text(),
    new Response(process.stderr).text(),
    process.exited,
  ]);
  return { stdout, stderr, exit };
}

/** The processes of this machine that have `mark` in their environment. */
export async function markedOnHost(mark: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
      return environment.includes(mark) ? [pid] : [];
    }),
  );
  return found.flat();
}

/** All command lines on this machine, as `ps` would show them. */
export async function commandLines(): Promise<string> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")),
  );
  return lines.join("\n");
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Looks every few milliseconds, since nothing tells when a process of somebody else has gone. */
export async function waitUntil(
  what: string,
  isTrue: () => Promise<boolean>,
  timeoutMs = 10_000,
): Promise<number> {
  const start = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - start > timeoutMs) throw new Error(`Waited ${timeoutMs} ms for ${what}.`);
    await delay(10);
  }
  return performance.now() - start;
}

export interface HostTask {
  readonly options: LocalOptions;
  readonly script: string;
  readonly then: "wait" | "detach" | "destroy" | "leave";
}

export interface RunningHost {
  readonly id: string;
  readonly cwd: string;
  readonly mark: string;
  readonly child: ChildProcess;
}

/** Host programs of their own, which a test may kill. */
export class HostPrograms {
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  static async compile(): Promise<HostPrograms> {
    const folder = await mkdtemp(join(tmpdir(), "local-host-"));
    await build({
      entryPoints: [fileURLToPath(new URL("fixtures/host.ts", import.meta.url))],
      outfile: join(folder, "host.mjs"),
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
      // For what the bundle holds of CommonJS.
      banner: {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      },
      logLevel: "silent",
    });
    return new HostPrograms(folder);
  }

  async start(task: HostTask): Promise<RunningHost> {
    const mark = randomUUID();
    const child = spawn(
      process.execPath,
      [join(this.#folder, "host.mjs"), JSON.stringify({ ...task, mark })],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    this.#children.push(child);
    const exited = once(child, "exit");
    for await (const line of createInterface({ input: child.stdout })) {
      return { ...(JSON.parse(line) as { id: string; cwd: string }), mark, child };
    }
    throw new Error(`The host program ended with ${String(await exited)}.`);
  }

  async dispose(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }
}
