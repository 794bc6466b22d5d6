import {
  type Argv,
  type RemoteCommand,
  type RemoteConnection,
  type ShortRun,
  shellLine,
} from "../../src/kit.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { answerFailure } from "./failures.ts";
import { sessionConnection } from "./session-channel.ts";

/** How long a script of the library's own may take. */
const scriptTimeoutMs = 60_000;

/** The user's shell takes one text. */
export async function startOnMachine(
  pool: ConnectionPool,
  { argv, stdin }: Pick<RemoteCommand, "argv" | "stdin">,
): Promise<RemoteConnection> {
  return sessionConnection(await pool.execute(`exec ${shellLine(argv)}`), stdin);
}

/** Runs a short script to its end. */
export async function runOnMachine(pool: ConnectionPool, argv: Argv, input?: string): Promise<ShortRun> {
  const session = await startOnMachine(pool, { argv, stdin: input !== undefined });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(answerFailure("run a script", `it has not ended after ${scriptTimeoutMs / 1000} s.`));
    }, scriptTimeoutMs);
  });
  const finished = (async (): Promise<ShortRun> => {
    if (session.stdin !== undefined) {
      const writer = session.stdin.getWriter();
      await writer.write(new TextEncoder().encode(input));
      await writer.close();
    }
    const [stdout, stderr, { code }] = await Promise.all([
      new Response(session.stdout).text(),
      new Response(session.stderr).text(),
      session.exited,
    ]);
    return { code: code ?? 255, stdout, stderr };
  })();
  try {
    return await Promise.race([finished, late]);
  } finally {
    finished.catch(() => undefined);
    clearTimeout(timer);
    session.disconnect();
  }
}
