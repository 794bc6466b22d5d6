import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { SandboxAgentError, type Environment } from "../../src/kit.ts";
import type { NamespaceTools } from "./bubblewrap.ts";
import { launcherArgs, wrapEnvironment, type LaunchReport } from "./launcher.ts";
import { LocalProcess } from "./local-process.ts";
import type { Namespaces } from "./namespaces.ts";

/** Everything about a process that is to be started, with nothing left to default. */
export interface StartInput {
  readonly argv: readonly [string, ...string[]];
  readonly processId: string;
  readonly cwd: string;
  readonly env: Environment;
  /** By which the process is found again; outside the sandbox too. */
  readonly markers: Environment;
  readonly stdin: "pipe" | "ignore";
}

/** Starts an ordinary process of the host. */
export async function startDirectly(input: StartInput): Promise<LocalProcess> {
  // A missing folder and a missing program give the same error.
  const folder = await stat(input.cwd).catch(() => undefined);
  if (folder?.isDirectory() !== true) throw missingFolder(input);
  const child = spawned(input, input.argv, {
    cwd: input.cwd,
    env: { ...input.env, ...input.markers, PWD: input.cwd },
    detached: true,
    stdio: [input.stdin, "pipe", "pipe"],
  });
  // At once, since a short process has ended before this function gets to go on.
  const process = new LocalProcess(child, input.processId, false);
  try {
    await once(child, "spawn");
  } catch (cause) {
    throw missingCommand(input, cause);
  }
  return process;
}

/** Starts a process inside the namespaces of a sandbox. */
export async function startJoined(
  input: StartInput,
  namespaces: Namespaces,
  tools: NamespaceTools,
): Promise<LocalProcess> {
  const { descriptors } = namespaces;
  const argv = [
    ...namespaces.joinCommand(tools),
    ...launcherArgs(input.cwd, input.argv, descriptors.length),
  ] as const;
  const child = spawned(input, argv, {
    cwd: "/",
    env: { ...wrapEnvironment(input.env), ...input.markers },
    detached: true,
    stdio: [input.stdin, "pipe", "pipe", ...descriptors],
  });
  const process = new LocalProcess(child, input.processId, true);
  try {
    await once(child, "spawn");
  } catch (cause) {
    throw new SandboxAgentError("spawn_failed", `${input.argv[0]} could not be started.`, {
      details: { command: input.argv[0] },
      cause,
    });
  }
  const report = child.stdout === null ? "" : await takeLine(child.stdout);
  if (report === ("started" satisfies LaunchReport)) return process;
  const [words] = await Promise.all([
    new Response(process.stderr).text(),
    process.stdout.cancel(),
    process.exited,
  ]);
  if (report === ("no-folder" satisfies LaunchReport)) throw missingFolder(input);
  if (report === ("no-command" satisfies LaunchReport)) throw missingCommand(input, undefined);
  throw new SandboxAgentError(
    "spawn_failed",
    `${input.argv[0]} could not be started in the sandbox: ${words.trim() || "the launcher ended without a word."}`,
    { details: { command: input.argv[0] } },
  );
}

/** Spawns what the system may refuse at once, which it does where the arguments are too long. */
function spawned(
  input: StartInput,
  [program, ...args]: readonly [string, ...string[]],
  options: SpawnOptions,
): ChildProcess {
  try {
    return spawn(program, args, options);
  } catch (cause) {
    throw new SandboxAgentError(
      "spawn_failed",
      `${input.argv[0]} could not be started: the system refused its arguments or its environment.`,
      {
        details: { command: input.argv[0] },
        cause,
        remedy:
          "Linux takes at most 128 KiB for each, and about 2 MiB for all. Pass what is longer by the standard input or by a file.",
      },
    );
  }
}

/** Takes the launcher's line off the output, and leaves what comes after it to the reader of the process. */
function takeLine(stream: Readable): Promise<string> {
  return new Promise((resolve) => {
    let text = Buffer.alloc(0);
    const finish = (line: Buffer): void => {
      stream.off("readable", look).off("end", giveUp).off("close", giveUp);
      resolve(line.toString());
    };
    const giveUp = (): void => finish(text);
    const look = (): void => {
      for (let chunk: unknown = stream.read(); chunk instanceof Buffer; chunk = stream.read()) {
        text = Buffer.concat([text, chunk]);
        const end = text.indexOf("\n");
        if (end < 0) continue;
        const rest = text.subarray(end + 1);
        if (rest.length > 0) stream.unshift(rest);
        finish(text.subarray(0, end));
        return;
      }
    };
    stream.on("readable", look).once("end", giveUp).once("close", giveUp);
    look();
  });
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
