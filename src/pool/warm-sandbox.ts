import { setImmediate as nextTurnOfLoop } from "node:timers/promises";
import { settlesWithin } from "../kit/deferred.ts";
import type { SandboxAgent } from "../sandbox-agent.ts";
import type { Session } from "../session/session.ts";
import type { Sandbox } from "../spec/sandbox.ts";
import type { PoolPlan } from "./pool-options.ts";

/** How long a sandbox may take to answer whether it is still there. */
const checkTimeoutMs = 10_000;
/** How often the event loop goes round until the end of a process that has ended is known: its exit, then its pipes. */
const turnsToHear = 4;
/** The part of its time after which a sandbox is replaced, as soon as there is room; it can be taken to the end of it. */
const renewAfter = 0.8;

/** A sandbox with a session in it that nobody has used. Knows whether both still live, and for how long they may wait. */
export class WarmSandbox<Box extends Sandbox> {
  readonly box: SandboxAgent<Box>;
  readonly session: Session;
  readonly createdAt: number;
  /** When it is to be replaced, and when it may not be handed out any more; by `performance.now()`. */
  readonly renewAt: number;
  readonly expiresAt: number;
  #hasEnded = false;
  #onEnd: (() => void) | undefined;

  private constructor(
    box: SandboxAgent<Box>,
    session: Session,
    times: { readonly createdAt: number; readonly idleTtlMs: number },
  ) {
    this.box = box;
    this.session = session;
    void session.processEnded.then(() => {
      this.#hasEnded = true;
      this.#onEnd?.();
    });
    this.createdAt = times.createdAt;
    this.expiresAt = times.createdAt + times.idleTtlMs;
    // Spread out, so that those which were made together are not all replaced together.
    this.renewAt = times.createdAt + times.idleTtlMs * (renewAfter - 0.2 * Math.random());
  }

  /**
   * Makes the session in a sandbox that was just started, and with a long-lived CLI its process. A box whose session
   * fails is still the caller's.
   */
  static async in<Box extends Sandbox>(
    box: SandboxAgent<Box>,
    plan: PoolPlan<Box>,
    options: { readonly startedAt: number; readonly signal: AbortSignal },
  ): Promise<WarmSandbox<Box>> {
    const { startedAt, signal } = options;
    const session = await box.createSession({ ...plan.session, signal });
    const idleTtlMs = plan.idleTtlMs ?? Infinity;
    // The sandbox's own time runs from its start; that of a CLI's installation is part of it.
    return new WarmSandbox(box, session, { createdAt: startedAt, idleTtlMs });
  }

  /** Whether the agent's process has ended, and the sandbox perhaps with it. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Calls back when the agent's process ends; `undefined` stops that. */
  watch(onEnd: (() => void) | undefined): void {
    this.#onEnd = onEnd;
  }

  /** Whether both still live, as far as this process has been told; with `ask` the sandbox itself is asked. */
  async isAlive(ask: boolean): Promise<boolean> {
    // What the operating system has to tell of an end is heard first.
    for (let turn = 0; turn < turnsToHear && !this.hasEnded; turn++) await nextTurnOfLoop();
    return !this.hasEnded && (!ask || (await this.#answers())) && !this.hasEnded;
  }

  async #answers(): Promise<boolean> {
    const asked = this.box.files.stat(this.box.cwd, { signal: AbortSignal.timeout(checkTimeoutMs) });
    if (!(await settlesWithin(asked, checkTimeoutMs))) return false;
    return asked.then(
      () => true,
      () => false,
    );
  }
}
