import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Dockerode from "dockerode";
import { type DockerOptions, docker } from "playpen/docker";
import type { Command, ProcessExit, Sandbox, SandboxProcess, SandboxSpec } from "playpen/kit";
import { onTestFinished } from "vitest";
import { repositoryRoot } from "../../../../scripts/subpaths.ts";
import { bareImage } from "../../../image/paths.ts";
import type { HostTask } from "./programs/host.ts";

/** A client without this library in between: what it says is what is there. */
export const engine = new Dockerode();

/** Marks this test file's containers, also for the look at what the whole run has left behind. */
export const labels = {
  "playpen.owner": `docker-tests.${process.pid}.${randomUUID()}`,
  "playpen.version": "0.0.0-test",
} as const;

export function settings(options: DockerOptions = {}): DockerOptions {
  return { image: bareImage(), network: "none", ...options };
}

/** Creates a sandbox that is destroyed at the end of the test. */
export async function createSandbox(
  options: DockerOptions = {},
  spec: Partial<SandboxSpec> = {},
): Promise<Sandbox> {
  const sandbox = await docker(settings(options)).create({ env: {}, labels, ...spec });
  onTestFinished(async () => {
    await sandbox.destroy();
    // That does nothing to a sandbox which was detached.
    await engine
      .getContainer(sandbox.id)
      .remove({ force: true })
      .catch(() => undefined);
  });
  return sandbox;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: ProcessExit;
}

/** Runs a shell script to its end. */
export async function run(sandbox: Sandbox, script: string, command: Partial<Command> = {}): Promise<Output> {
  const child = await sandbox.spawn({ argv: ["/bin/sh", "-c", script], stdin: "ignore", ...command });
  const [stdout, stderr, exit] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, exit };
}

/** Reads a process's output line by line. */
export function lines(child: SandboxProcess): AsyncIterator<string> {
  async function* split(): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of child.stdout) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      yield* parts;
    }
  }
  return split();
}

/** How many processes inside have these words on their command line. */
export async function countInside(sandbox: Sandbox, words: string): Promise<number> {
  const { stdout } = await run(sandbox, 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "', {
    user: "0:0",
  });
  return stdout.split(`${words} `).length - 1;
}

export async function containerExists(id: string): Promise<boolean> {
  return engine
    .getContainer(id)
    .inspect()
    .then(
      () => true,
      (error: unknown) => {
        if ((error as { statusCode?: number }).statusCode === 404) return false;
        throw error;
      },
    );
}

/** All containers of this test file, in whatever state. */
export async function ownContainers(): Promise<readonly string[]> {
  const filters = { label: [`playpen.owner=${labels["playpen.owner"]}`] };
  return (await engine.listContainers({ all: true, filters })).map(({ Id }) => Id);
}

/** Looks every few milliseconds, since nothing tells when the engine has done what it does by itself. */
export async function waitUntil(
  what: string,
  isTrue: () => Promise<boolean>,
  timeoutMs: number,
): Promise<number> {
  const start = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - start > timeoutMs) throw new Error(`Waited ${timeoutMs} ms for ${what}.`);
    await delay(10);
  }
  return performance.now() - start;
}

export interface HostProgram {
  /** Of the sandbox. */
  readonly id: string;
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
}

/** Runs a host program in a process of its own, until it has said which sandbox it made. */
export async function startHost(task: Omit<HostTask, "options" | "labels">): Promise<HostProgram> {
  const program = fileURLToPath(new URL("programs/host.ts", import.meta.url));
  const complete: HostTask = { ...task, options: settings(), labels };
  const child = spawn(process.execPath, ["--import", "tsx", program, JSON.stringify(complete)], {
    cwd: repositoryRoot,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const exited = once(child, "exit");
  for await (const id of createInterface({ input: child.stdout })) {
    onTestFinished(() =>
      engine
        .getContainer(id)
        .remove({ force: true })
        .catch(() => undefined),
    );
    return { id, child, exited };
  }
  throw new Error(`The host program ended with ${String(await exited)}.`);
}
