import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { SandboxAgentError, type Environment } from "../../src/kit.ts";
import type { NamespaceTools } from "./bubblewrap.ts";
import { asOwnUser } from "./bubblewrap.ts";
import { launcherArgs, reportDescriptor, wrapEnvironment, type LaunchReport } from "./launcher.ts";
import type { Namespaces } from "./namespaces.ts";

/** Everything about a process that is to be started, with nothing left to default. */
export interface StartInput {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Environment;
  /** By which the process is found again; outside the sandbox too. */
  readonly markers: Environment;
  readonly stdin: "pipe" | "ignore";
}

/** Starts an ordinary process of the host. */
export async function startDirectly(input: StartInput): Promise<ChildProcess> {
  // A missing folder and a missing program give the same error.
  const folder = await stat(input.cwd).catch(() => undefined);
  if (folder?.isDirectory() !== true) throw missingFolder(input);
  const [program, ...args] = input.argv;
  const child = spawn(program, args, {
    cwd: input.cwd,
    env: { ...input.env, ...input.markers, PWD: input.cwd },
    detached: true,
    stdio: [input.stdin, "pipe", "pipe"],
  });
  try {
    await once(child, "spawn");
  } catch (cause) {
    throw missingCommand(input, cause);
  }
  return child;
}

/** Starts a process inside the namespaces of a sandbox. */
export async function startJoined(
  input: StartInput,
  namespaces: Namespaces,
  tools: NamespaceTools,
): Promise<ChildProcess> {
  const descriptors = namespaces.descriptors;
  const unused = Array.from({ length: reportDescriptor - 3 - descriptors.length }, () => "ignore" as const);
  const args = [
    "--preserve-credentials",
    ...namespaces.joinArgs,
    "--",
    ...asOwnUser(tools),
    ...launcherArgs(input.cwd, input.argv, descriptors.length),
  ];
  const child = spawn(tools.nsenter, args, {
    cwd: "/",
    env: { ...wrapEnvironment(input.env), ...input.markers },
    detached: true,
    stdio: [input.stdin, "pipe", "pipe", ...descriptors, ...unused, "pipe"],
  });
  const exited = once(child, "exit");
  exited.catch(() => undefined);
  try {
    await once(child, "spawn");
  } catch (cause) {
    throw new SandboxAgentError("spawn_failed", `${tools.nsenter} could not be started.`, {
      details: { command: input.argv[0] },
      cause,
    });
  }
  const report = await readLine(reportOf(child));
  if (report === ("started" satisfies LaunchReport)) return child;
  child.stdin?.destroy();
  const words = child.stderr === null ? "" : (await readAll(child.stderr)).trim();
  child.stdout?.destroy();
  await exited;
  if (report === ("no-folder" satisfies LaunchReport)) throw missingFolder(input);
  if (report === ("no-command" satisfies LaunchReport)) throw missingCommand(input, undefined);
  throw new SandboxAgentError(
    "spawn_failed",
    `${input.argv[0]} could not be started in the sandbox: ${words || "the launcher ended without a word."}`,
    { details: { command: input.argv[0] } },
  );
}

function reportOf(child: ChildProcess): Readable {
  // The declared type stops at five entries.
  const stdio: readonly (Readable | Writable | null | undefined)[] = child.stdio;
  const stream = stdio[reportDescriptor];
  if (stream && "read" in stream) return stream;
  throw new Error("The launcher was started without a way to report.");
}

/** One line, not all: the wrapper holds the other end as long as the process lives. */
function readLine(stream: Readable): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const finish = (): void => {
      stream.destroy();
      resolve(text.trim());
    };
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith("\n")) finish();
    });
    stream.once("close", finish);
    stream.on("error", finish);
  });
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => undefined);
  if (!stream.closed) await once(stream, "close");
  return Buffer.concat(chunks).toString();
}

function missingFolder(input: StartInput): SandboxAgentError {
  return new SandboxAgentError(
    "spawn_failed",
    `${input.argv[0]} could not be started: there is no folder ${input.cwd} in the sandbox.`,
    {
      details: { command: input.argv[0] },
      remedy: "Create the folder with `files.mkdir`, or start in another one.",
    },
  );
}

function missingCommand(input: StartInput, cause: unknown): SandboxAgentError {
  return new SandboxAgentError(
    "spawn_failed",
    `${input.argv[0]} could not be started: there is no such program in the sandbox, or it may not be executed.`,
    {
      details: { command: input.argv[0] },
      cause,
      remedy:
        "Check the name and `PATH`; what lies in a hidden folder of the host needs `readOnlyPaths` of local().",
    },
  );
}
