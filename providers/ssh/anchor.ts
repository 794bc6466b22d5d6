import type { ClientChannel } from "ssh2";
import { type Labels, SandboxAgentError, shellLine } from "../../src/kit.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { answerFailure, providerName } from "./failures.ts";
import { anchorCommand, anchorWords } from "./scripts.ts";
import { writeState } from "./state.ts";
import { LineReader } from "./line-reader.ts";

export interface AnchorOptions {
  /** Empty: the usual one. */
  readonly root: string;
  readonly id: string;
  /** Empty: a fresh one. */
  readonly cwd: string;
  readonly labels: Labels;
  readonly createdAt: number;
}

/** The host's end of the session that holds a sandbox: the sandbox ends when this does. */
export class Anchor {
  readonly folder: string;
  readonly cwd: string;
  readonly #channel: ClientChannel;
  readonly #lines: LineReader;

  private constructor(channel: ClientChannel, lines: LineReader, folder: string, cwd: string) {
    this.#channel = channel;
    this.#lines = lines;
    this.folder = folder;
    this.cwd = cwd;
  }

  /** Makes the sandbox's folder, and holds it. */
  static async start(
    pool: ConnectionPool,
    { root, id, cwd, labels, createdAt }: AnchorOptions,
    timeoutMs: number,
  ): Promise<Anchor> {
    const state = writeState({ labels, createdAt });
    const line = `exec ${shellLine(anchorCommand(root, id, cwd, state))}`;
    const { channel, connection } = await pool.execute(line);
    const lines = new LineReader(channel, connection, timeoutMs);
    const first = await lines.next("create a sandbox");
    if (first === anchorWords.ready) {
      const [folder, workingDirectory] = [
        await lines.next("create a sandbox"),
        await lines.next("create a sandbox"),
      ];
      return new Anchor(channel, lines, folder, workingDirectory);
    }
    channel.destroy();
    const why = first.startsWith(`${anchorWords.failed} `)
      ? first.slice(anchorWords.failed.length + 1)
      : first;
    throw new SandboxAgentError(
      "sandbox_create_failed",
      `The machine could not make a folder for the sandbox: ${why}`,
      { details: { provider: providerName } },
    );
  }

  /** Has the sandbox live on for so long without the host. */
  async detach(ttlMs: number): Promise<void> {
    this.#channel.write(`detach ${Math.ceil(ttlMs / 1000)}\n`);
    const word = await this.#lines.next("detach a sandbox");
    if (word !== anchorWords.detached) throw answerFailure("detach a sandbox", `it said ${word}`);
  }
}
