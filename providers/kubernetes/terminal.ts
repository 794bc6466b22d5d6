import type { TerminalConnection, TerminalVendor } from "../../src/kit.ts";
import { startExec } from "./exec-connection.ts";
import type { KubernetesMachine } from "./kubernetes-machine.ts";

/** Execs of a pod that have a terminal. */
export function terminalsOf(machine: KubernetesMachine): TerminalVendor["open"] {
  return async (argv, size): Promise<TerminalConnection> => {
    const connection = await startExec(machine.cluster, machine.id, { argv, stdin: true, tty: true });
    const { stdin: input, stdout: output, exited } = connection;
    if (input === undefined) throw new Error("The connection has no standard input.");
    await connection.resize(size);
    return {
      ...{ input, output, exited },
      resize: (other) => connection.resize(other),
      disconnect: () => {
        connection.disconnect();
      },
    };
  };
}
