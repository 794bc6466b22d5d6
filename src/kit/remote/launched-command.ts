import type { Command } from "../../spec/sandbox.ts";
import { markedEnvironment } from "../process-marker.ts";
import { fifoStage, processFolder } from "./fifo-input.ts";
import {
  type Argv,
  environmentStage,
  groupStage,
  heartbeatStage,
  markedStage,
  programStage,
  userStage,
} from "./launcher.ts";
import type { RemoteCommand, RemoteTraits } from "./remote-machine.ts";

/** Puts the launcher's stages around a command, as the vendor needs them. */
export function launched(
  traits: RemoteTraits,
  command: Command & { readonly cwd: string },
  processId: string,
): RemoteCommand {
  const { env = {}, stdin = "pipe", user } = command;
  let argv: Argv = programStage(command.argv, { cwd: command.cwd, separators: env["IFS"] });
  if (traits.heartbeatMs !== undefined) argv = heartbeatStage(argv, traits.heartbeatMs);
  if (user !== undefined && traits.users === "launcher") {
    argv = userStage(user, argv, { hasHome: env["HOME"] !== undefined });
  }
  if (traits.stdin === "fifo" && stdin === "pipe") argv = fifoStage(processFolder(processId), argv);
  const isNative = traits.environment === "native";
  if (!isNative) argv = environmentStage(argv, stdin);
  // In front of all that forks: whatever carries the mark has its group signalled.
  argv = groupStage(argv);
  return {
    argv: isNative ? argv : markedStage(processId, argv),
    env: isNative ? markedEnvironment(env, processId) : {},
    stdin: traits.stdin === "native" && (stdin === "pipe" || !isNative),
    ...(user !== undefined && traits.users === "native" ? { user } : {}),
  };
}
