import type { Environment } from "../../spec/sandbox.ts";
import { readTail } from "../run-to-end.ts";
import { type Argv, userStage } from "./launcher.ts";
import type { RemoteCommand, RemoteMachine, ShortRun } from "./remote-machine.ts";

/** A list of all processes, for example. */
const longestOutput = 1024 * 1024;

/** A small command of the library's own, without the launcher. */
export function shortCommand(
  { traits }: RemoteMachine,
  argv: Argv,
  { user, env = {} }: { readonly user: string | undefined; readonly env?: Environment },
): RemoteCommand {
  const asLauncher = user !== undefined && traits.users === "launcher";
  return {
    argv: asLauncher ? userStage(user, argv, { hasHome: true }) : argv,
    env,
    stdin: false,
    ...(user !== undefined && traits.users === "native" ? { user } : {}),
  };
}

/** Runs a small command of the library's own to its end, without the launcher. */
export async function runShort(machine: RemoteMachine, argv: Argv, user?: string): Promise<ShortRun> {
  const command = shortCommand(machine, argv, { user });
  if (machine.run !== undefined) return machine.run(command);
  const connection = await machine.start(command);
  try {
    const [stdout, stderr, { code }] = await Promise.all([
      readTail(connection.stdout, longestOutput),
      readTail(connection.stderr),
      connection.exited,
    ]);
    return { code: code ?? 255, stdout, stderr };
  } finally {
    connection.disconnect();
  }
}
