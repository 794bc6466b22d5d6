import type Dockerode from "dockerode";
import { SandboxAgentError, type SignalTarget, signalTree, signalled } from "../../src/kit.ts";
import { isRunning } from "./container-state.ts";
import { FrameDecoder } from "./frame-decoder.ts";

/** Signals the whole tree of a process in a container. */
export async function signalInContainer(
  container: Dockerode.Container,
  target: SignalTarget & { readonly user: string },
): Promise<void> {
  await signalTree(target, (argv, user) => runSignalScript(container, user ?? target.user, argv));
}

/**
 * Runs a small script and resolves to its output once it has said that it is done, by the word `signalled`. The end of the process is not waited for: the
 * engine tells the ends in a container one after the other, and takes two seconds over a process that has just been
 * killed and whose children still hold its pipes.
 */
export async function runSignalScript(
  container: Dockerode.Container,
  user: string,
  argv: readonly string[],
): Promise<string> {
  const exec = await container.exec({ Cmd: [...argv], User: user, AttachStdout: true, AttachStderr: true });
  const connection = await exec.start({ hijack: true, stdin: false });
  const decoder = new FrameDecoder();
  let output = "";
  const isDone = await new Promise<boolean>((resolve) => {
    // An error is followed by the end of the connection.
    connection.on("error", () => undefined);
    connection.once("close", () => resolve(false));
    connection.on("data", (chunk: Uint8Array) => {
      try {
        decoder.decode(chunk, (_source, payload) => {
          output += Buffer.from(payload).toString();
        });
      } catch (error) {
        output += String(error);
        connection.destroy();
      }
      if (output.trimEnd().split("\n").at(-1) === signalled) resolve(true);
    });
  });
  connection.destroy();
  // With the container everything in it has ended.
  if (isDone || !(await isRunning(container))) return output;
  throw new SandboxAgentError("spawn_failed", `The processes could not be signalled: ${output.trim()}`, {
    details: { command: "kill" },
  });
}
