import { readTail } from "../run-to-end.ts";
import { type Argv, userStage } from "./launcher.ts";
import type { RemoteCommand, RemoteMachine, ShortRun } from "./remote-machine.ts";

/** A list of all processes, for example. */
const longestOutput = 1024 * 1024;

/** Runs a small command of the library's own to its end, without the launcher. */
export async function runShort(machine: RemoteMachine, argv: Argv, user?: string): Promise<ShortRun> {
  const asLauncher = user !== undefined && machine.traits.users === "launcher";
  const command: RemoteCommand = {
    argv: asLauncher ? userStage(user, argv, { hasHome: true }) : argv,
    env: {},
    stdin: false,
    ...(user !== undefined && machine.traits.users === "native" ? { user } : {}),
  };
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
