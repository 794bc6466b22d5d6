import { randomUUID } from "node:crypto";
import {
  type CanExpose,
  type CanExtend,
  type Environment,
  type ExposedPort,
  type FileOptions,
  type RemoteCommand,
  RemoteSandbox,
  type ShortRun,
  abortable,
  startPolledProcess,
} from "../../src/kit.ts";
import { type BridgeClient, type BridgeSandbox, providerName } from "./bridge-client.ts";
import { bridgeFiles } from "./files.ts";

export interface CloudflareSandboxParts {
  readonly client: BridgeClient;
  readonly sandbox: BridgeSandbox;
  readonly env: Environment;
  readonly user: string | undefined;
  readonly timeoutMs: number;
}

/** The line of shell that a command becomes is one argument, and must stay below 128 KiB with what is around it. */
const fifoChunkBytes = 64_000;
/** Of both output streams together, by one command that follows a process. */
const newsBytes = 2 * 1024 * 1024;
/** How long it waits for news; the connection is silent meanwhile. */
const newsWaitMs = 15_000;

/** A container of Cloudflare's. */
export class CloudflareSandbox extends RemoteSandbox implements CanExpose, CanExtend {
  readonly #client: BridgeClient;

  constructor({ client, sandbox, env, user, timeoutMs }: CloudflareSandboxParts) {
    const { id, cwd, labels } = sandbox;
    const run = ({ argv, env: given }: Pick<RemoteCommand, "argv" | "env">): Promise<ShortRun> =>
      client.run(id, argv, given);
    const assertOpen = (): void => {
      this.assertOpen();
    };
    const everyMs = Math.max(500, timeoutMs / 3);
    // Each process asks for it.
    let renewedAt = Number.NEGATIVE_INFINITY;
    super(
      {
        provider: providerName,
        id,
        cwd,
        labels,
        env,
        ...(user === undefined ? {} : { user }),
        traits: { environment: "native", stdin: "fifo", users: "launcher", fifoChunkBytes },
        start: (command) =>
          startPolledProcess(command, {
            run,
            follow: ({ argv, env: given }, onText) => client.run(id, argv, given, onText),
            processId: randomUUID(),
            maxAnswerBytes: newsBytes,
            waitMs: newsWaitMs,
          }),
        run,
        destroy: () => client.destroy(id),
        detach: (ttlMs) => client.expire(id, ttlMs, false),
        keepAlive: {
          everyMs,
          renew: async () => {
            if (performance.now() - renewedAt < everyMs / 2) return;
            renewedAt = performance.now();
            await client.expire(id, timeoutMs, true);
          },
        },
        isAlive: async () => (await run({ argv: ["true"], env: {} })).code === 0,
      },
      // The bridge's own way makes root's files, which another user could not change.
      user === undefined ? bridgeFiles({ client, id, cwd, assertOpen }) : {},
    );
    this.#client = client;
  }

  async expose(port: number, options: FileOptions = {}): Promise<ExposedPort> {
    this.assertOpen();
    const url = await abortable(this.#client.expose(this.id, port), options.signal);
    return { url: url.replace(/\/+$/, "") };
  }

  async extend(durationMs: number): Promise<void> {
    this.assertOpen();
    await this.#client.expire(this.id, durationMs, false);
  }
}
