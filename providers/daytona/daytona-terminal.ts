import { randomUUID } from "node:crypto";
import { type TerminalVendor, boundedOutput, shellLine } from "../../src/kit.ts";
import type { DaytonaMachine } from "./daytona-machine.ts";

/** What is held of the output that nobody reads: the SDK cannot be made to wait. */
const unreadBytes = 32 * 1024 * 1024;

/** The vendor's terminals are shells, into which the command is typed. */
export function terminalsOf({ handle }: DaytonaMachine): TerminalVendor["open"] {
  return async (argv, { columns, rows }) => {
    const output = boundedOutput(argv[0], unreadBytes);
    const pty = await handle.process.createPty({
      id: randomUUID(),
      cols: columns,
      rows,
      onData: (data) => {
        output.push(data);
      },
    });
    const exited = pty.wait().then(({ exitCode, error }) => {
      output.end();
      if (exitCode === undefined) throw new Error(error ?? "Its connection broke.");
      // So the daemon's language tells a death by whatever signal.
      return exitCode < 0 ? ({ code: null, signal: "SIGKILL" } as const) : { code: exitCode, signal: null };
    });
    exited.catch(() => undefined);
    // In front of it a blank, which keeps it out of the shell's history.
    await pty.sendInput(` exec ${shellLine(argv)}\n`);
    return {
      input: new WritableStream<Uint8Array>({ write: (chunk) => pty.sendInput(chunk) }),
      output: output.stream,
      exited,
      resize: async (size) => {
        await pty.resize(size.columns, size.rows);
      },
      disconnect: () => {
        // Else the shell waits for its next line.
        pty.kill().catch(() => undefined);
        void pty.disconnect();
      },
    };
  };
}
