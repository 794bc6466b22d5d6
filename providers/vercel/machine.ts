import { randomUUID } from "node:crypto";
import type { Sandbox as VercelHandle } from "@vercel/sandbox";
import {
  type Environment,
  type Labels,
  type RemoteCommand,
  type RemoteConnection,
  type RemoteMachine,
  type RemoteTraits,
  SandboxAgentError,
  type ShortRun,
  startPolledProcess,
} from "../../src/kit.ts";
import { runCommand } from "./run-command.ts";
import { type Service, providerName } from "./service.ts";
import { ownLabels, tagsOf } from "./tags.ts";

export interface VercelFacts {
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  /** Whom processes belong to that name nobody. */
  readonly user: string;
  /** For how long it is kept alive, each time; `undefined`: its end is settled. */
  readonly keptAliveMs: number | undefined;
}

/** What one answer may bring; base64 makes a third more of it. */
const answerBytes = 1024 * 1024;
/** How long a command waits for news of a process; the connection is silent meanwhile. */
const newsWaitMs = 15_000;

/** One sandbox of Vercel's, as `RemoteSandbox` takes it. */
export class VercelMachine implements RemoteMachine {
  readonly provider = providerName;
  readonly id: string;
  readonly cwd: string;
  readonly labels: Labels;
  readonly env: Environment;
  readonly user: string;
  // Commands are started by root, who becomes the user asked for.
  readonly traits: RemoteTraits = { environment: "native", stdin: "fifo", users: "launcher" };
  readonly keepAlive?: { readonly everyMs: number; renew(): Promise<void> };
  readonly handle: VercelHandle;
  /** Whether only its record is left, which is kept for the name of a snapshot. */
  isRecord = false;
  readonly #service: Service;
  readonly #sessionId: string;
  #endsAt: number;

  constructor(service: Service, handle: VercelHandle, facts: VercelFacts) {
    const { cwd, labels, env, user, keptAliveMs } = facts;
    this.#service = service;
    this.handle = handle;
    this.id = handle.name;
    this.cwd = cwd;
    this.labels = labels;
    this.env = env;
    this.user = user;
    const session = handle.currentSession();
    this.#sessionId = session.sessionId;
    this.#endsAt = (session.startedAt ?? session.createdAt).getTime() + session.timeout;
    if (keptAliveMs !== undefined) {
      const everyMs = Math.max(1000, Math.floor(keptAliveMs / 3));
      // Each process asks for it.
      const renew = async (): Promise<void> => {
        if (Date.now() + keptAliveMs - this.#endsAt >= everyMs / 2) await this.extend(keptAliveMs);
      };
      this.keepAlive = { everyMs, renew };
    }
  }

  start(command: RemoteCommand): Promise<RemoteConnection> {
    return startPolledProcess(command, {
      run: (each) => this.run(each),
      follow: (each, onText) => this.run(each, onText),
      processId: randomUUID(),
      maxAnswerBytes: answerBytes,
      waitMs: newsWaitMs,
    });
  }

  async run(
    { argv, env }: Pick<RemoteCommand, "argv" | "env">,
    onText?: (text: string) => void,
  ): Promise<ShortRun> {
    const place = { id: this.id, sessionId: this.#sessionId };
    const command = { argv, env, sudo: true, ...(onText === undefined ? {} : { onText }) };
    return runCommand(this.#service, place, command);
  }

  async destroy(): Promise<void> {
    if (!this.isRecord) await removeSandbox(this.#service, this.handle);
  }

  /** The vendor's end can be put off, and not be brought forward: an earlier one is written on the sandbox. */
  async detach(ttlMs: number): Promise<void> {
    const endsAt = Date.now() + ttlMs;
    await this.extend(ttlMs);
    await this.writeLabels({
      ...this.labels,
      [ownLabels.endsAt]: String(endsAt),
      [ownLabels.expiresAt]: new Date(endsAt).toISOString(),
    });
  }

  async writeLabels(labels: Labels): Promise<void> {
    await this.#service.call({ action: "tag a sandbox", id: this.id }, () =>
      this.handle.update({ tags: tagsOf(labels) }),
    );
  }

  /** Sees to it that the sandbox lives for so long from now; one that lives longer anyhow is left alone. */
  async extend(durationMs: number): Promise<void> {
    const endsAt = Date.now() + durationMs;
    const missingMs = endsAt - this.#endsAt;
    if (missingMs <= 0) return;
    const action = { action: "extend a sandbox", id: this.id };
    // The vendor takes a second at least.
    const addedMs = Math.max(1000, Math.ceil(missingMs));
    await this.#service.call(action, () => this.handle.currentSession().extendTimeout(addedMs));
    this.#endsAt += addedMs;
  }

  async isAlive(): Promise<boolean> {
    const { sdk, access } = this.#service;
    try {
      const found = await this.#service.call({ action: "look for a sandbox", id: this.id }, () =>
        sdk.Sandbox.get({ ...access, name: this.id, resume: false }),
      );
      return isRunning(found.status);
    } catch (error) {
      // What is only out of reach may live on.
      return !SandboxAgentError.is(error, "sandbox_not_found");
    }
  }
}

export function isRunning(status: string): boolean {
  return status === "running" || status === "pending";
}

/** One that is gone already, or has ended, is fine. */
export async function removeSandbox(service: Service, handle: VercelHandle): Promise<void> {
  const action = { action: "remove a sandbox", id: handle.name };
  await unlessGone(service.call(action, () => handle.currentSession().stop()));
  await unlessGone(service.call(action, () => handle.delete()));
}

async function unlessGone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (!SandboxAgentError.is(error, "sandbox_not_found")) throw error;
  }
}
