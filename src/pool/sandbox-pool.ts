import PQueue from "p-queue";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { onAbort } from "../kit/on-abort.ts";
import { SandboxAgent } from "../sandbox-agent.ts";
import type { Session } from "../session/session.ts";
import type { Sandbox } from "../spec/sandbox.ts";
import { FailureDelay } from "./failure-delay.ts";
import type { EvictionReason, PoolEvent, PoolStats } from "./pool-event.ts";
import {
  checkSize,
  checkTakeOptions,
  planPool,
  type PoolPlan,
  requireWithin,
  type SandboxPoolOptions,
  type TakeOptions,
} from "./pool-options.ts";
import { isPermanent, poolClosed, takeFailure, timedOut } from "./pool-errors.ts";
import { quietListener } from "./pool-listener.ts";
import { Removals } from "./removals.ts";
import { nextLook, type PoolState, upkeepOf } from "./upkeep.ts";
import { WaitLine } from "./wait-line.ts";
import { WarmSandbox } from "./warm-sandbox.ts";

/** A sandbox that was handed out. The end of its `await using` block destroys it and makes room for another one. */
export interface PooledSandbox<Box extends Sandbox = Sandbox> extends AsyncDisposable {
  readonly box: SandboxAgent<Box>;
  /** Open, and with a long-lived CLI its process runs. */
  readonly session: Session;
}

/** One that died before it was so old may have been made in vain. */
const youngMs = 60_000;
/** A timer with a longer delay than this fires at once. */
const longestTimerMs = 2_147_483_647;

/**
 * Keeps sandboxes ready, each with its CLI installed and a session open, so that `take()` takes milliseconds. Each is
 * handed out once, and replaced behind the scenes. Sandboxes are made from the moment the pool is constructed.
 *
 * Owns all of its sandboxes: `close()`, or the end of an `await using` block, destroys them, the taken ones included.
 *
 * @throws TypeError for a malformed option.
 * @throws SandboxAgentError `unsupported`, `credential_missing`, `model_not_found`: before anything starts.
 *
 * @example
 * ```ts
 * await using pool = new SandboxPool({ sandbox: docker(), agent: claude(), size: 4, maxSize: 20 });
 * await using taken = await pool.take();
 * const { text } = await taken.session.prompt("What does this project do?");
 * ```
 */
export class SandboxPool<Box extends Sandbox = Sandbox> implements AsyncDisposable {
  readonly #plan: PoolPlan<Box>;
  readonly #queue: PQueue;
  readonly #creating = new Set<AbortController>();
  /** The oldest first. */
  readonly #idle: WarmSandbox<Box>[] = [];
  /** Being asked whether they are still there; each for one who waits. */
  readonly #checking = new Set<WarmSandbox<Box>>();
  readonly #taken = new Set<WarmSandbox<Box>>();
  readonly #removals: Removals;
  readonly #line: WaitLine<PooledSandbox<Box>>;
  /** After creations that failed. */
  readonly #creationDelay: FailureDelay;
  /** After sandboxes that died young: without it, an agent that ends by itself would be started without end. */
  readonly #deathDelay: FailureDelay;
  readonly #tell: (event: PoolEvent) => void;
  readonly #stopWatching: (() => void) | undefined;
  #size: number;
  #failures = 0;
  #lastFailure: { readonly error: unknown; readonly at: number } | undefined;
  #alarm: NodeJS.Timeout | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(options: SandboxPoolOptions<Box>) {
    const plan = planPool(options);
    this.#plan = plan;
    this.#size = plan.size;
    this.#queue = new PQueue({ concurrency: plan.concurrency });
    this.#creationDelay = new FailureDelay(plan.backoff);
    this.#deathDelay = new FailureDelay(plan.backoff);
    this.#tell = quietListener(options.onEvent);
    this.#removals = new Removals({
      removed: (id) => {
        this.#tell({ type: "sandbox.destroyed", id });
        this.#balance();
      },
      failed: (id, error, retryAfterMs) => {
        this.#tell({ type: "sandbox.destroy_failed", id, error, retryAfterMs });
      },
    });
    this.#line = new WaitLine(() => {
      this.#balance();
    });
    const { signal } = options;
    const close = (): void => {
      // Whoever closes the pool, too, is told of what fails.
      this.close().catch(() => undefined);
    };
    this.#stopWatching = signal && onAbort(signal, close);
    if (signal?.aborted === true) close();
    this.#balance();
  }

  get stats(): PoolStats {
    return {
      idle: this.#idle.length + this.#checking.size,
      taken: this.#taken.size,
      creating: this.#creating.size,
      ending: this.#removals.size,
      waiting: this.#line.length,
      failures: this.#failures,
    };
  }

  /** How many sandboxes are kept ready; `resize` changes it. */
  get size(): number {
    return this.#size;
  }

  get maxSize(): number {
    return this.#plan.maxSize;
  }

  /**
   * Hands out a sandbox, at once where one is ready; otherwise callers wait, first in, first out, for one that is being
   * made or for room to make it. The sandbox is the caller's alone: disposing of it destroys it.
   *
   * @throws TypeError for a malformed option.
   * @throws SandboxAgentError the code of what failed, when no sandbox could be made in time or at all; `pool_timeout`
   * when nothing failed and the time was too short; `pool_closed`; `signal.reason` when it was aborted.
   *
   * @example
   * ```ts
   * await using taken = await pool.take({ signal: AbortSignal.timeout(5_000) });
   * for await (const event of taken.session.prompt("Fix the build")) show(event);
   * ```
   */
  async take(options: TakeOptions = {}): Promise<PooledSandbox<Box>> {
    checkTakeOptions(options);
    if (this.#isClosed) throw this.#closedError();
    const { signal, timeoutMs = this.#plan.takeTimeoutMs } = options;
    const timeoutError = (since: number): unknown => this.#timeoutError(since, timeoutMs);
    return this.#line.wait({ timeoutMs, signal, timeoutError }, () => {
      this.#balance();
    });
  }

  /**
   * Keeps another number of sandboxes ready: makes those that lack, and removes those that are too many. For example 0
   * on a host that is short of memory.
   *
   * @throws TypeError when it is not a whole number from 0 to `maxSize`.
   * @throws SandboxAgentError `pool_closed`.
   */
  resize(size: number): void {
    checkSize("pool.resize()", size);
    requireWithin("pool.resize()", size, this.#plan.maxSize);
    if (this.#isClosed) throw this.#closedError();
    this.#size = size;
    this.#balance();
  }

  /**
   * Destroys every sandbox of the pool, the taken ones included, and aborts those that are being made; callers that wait
   * are rejected with `pool_closed`. Resolves when nothing is left. Calling it again is fine.
   *
   * @throws whatever kept a sandbox from being removed, after some attempts.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    // A moment later: what closing causes may ask for it again.
    this.#closing ??= Promise.resolve().then(() => this.#close());
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    clearTimeout(this.#alarm);
    this.#stopWatching?.();
    const error = this.#closedError();
    this.#line.rejectAll(error);
    for (const creation of this.#creating) creation.abort(error);
    for (const warm of [...this.#idle.splice(0), ...this.#checking, ...this.#taken]) this.#remove(warm);
    this.#checking.clear();
    this.#taken.clear();
    await this.#queue.onIdle();
    await this.#removals.finish();
  }

  /** The one place where it is seen to what is to be done, after whatever has changed. */
  #balance(): void {
    if (this.#isClosed) return;
    const now = performance.now();
    for (const warm of this.#idle.filter(({ expiresAt }) => expiresAt <= now)) this.#evict(warm, "expired");
    this.#handOut();
    const { evict, abort, create } = upkeepOf(this.#state());
    for (const { warm, reason } of evict) this.#evict(warm, reason);
    for (const creation of this.#wanted.reverse().slice(0, abort)) {
      creation.abort(new DOMException("Nobody wants the sandbox any more.", "AbortError"));
    }
    // Whoever is just being handed a sandbox goes before its replacement; there is another look right after.
    const isHandingOut = this.#checking.size > 0 && !this.#plan.checkOnTake;
    for (let index = 0; index < (isHandingOut ? 0 : create); index++) this.#create();
    this.#setAlarm();
  }

  #state(): PoolState<WarmSandbox<Box>> {
    const { idle, taken, creating, ending, waiting } = this.stats;
    return {
      now: performance.now(),
      size: this.#size,
      maxSize: this.#plan.maxSize,
      idle: [...this.#idle],
      creating: this.#wanted.length,
      ending,
      count: idle + taken + creating + ending,
      waiting: Math.max(0, waiting - this.#checking.size),
      isFailing: this.#creationDelay.isFailing || this.#deathDelay.isFailing,
      resumeAt: Math.max(this.#creationDelay.until, this.#deathDelay.until),
    };
  }

  /** Those that are being made and were not aborted. */
  get #wanted(): AbortController[] {
    return [...this.#creating].filter(({ signal }) => !signal.aborted);
  }

  /** Looks again when the next thing is due; not for the sake of which the host is kept going. */
  #setAlarm(): void {
    clearTimeout(this.#alarm);
    const state = this.#state();
    const dueAt = nextLook(state);
    if (dueAt === Infinity) return;
    // Rounded up: what comes too early finds nothing due.
    const delayMs = Math.min(longestTimerMs, Math.ceil(dueAt - state.now) + 1);
    this.#alarm = setTimeout(() => {
      this.#balance();
    }, delayMs).unref();
  }

  #handOut(): void {
    while (this.#line.length > this.#checking.size) {
      const warm = this.#idle.shift();
      if (warm === undefined) return;
      this.#checking.add(warm);
      void this.#handOutAlive(warm);
    }
  }

  async #handOutAlive(warm: WarmSandbox<Box>): Promise<void> {
    const isAlive = await warm.isAlive(this.#plan.checkOnTake);
    // It is not there any more when the pool was closed meanwhile.
    if (!this.#checking.delete(warm)) return;
    if (isAlive) this.#give(warm);
    else this.#died(warm);
    this.#balance();
  }

  #give(warm: WarmSandbox<Box>): void {
    const waiter = this.#line.next();
    if (waiter === undefined) {
      this.#idle.unshift(warm);
      return;
    }
    warm.watch(undefined);
    this.#taken.add(warm);
    this.#deathDelay.succeeded();
    const { box, session } = warm;
    this.#tell({ type: "sandbox.taken", id: box.id, waitedMs: performance.now() - waiter.since });
    waiter.resolve({
      box,
      session,
      [Symbol.asyncDispose]: () => this.#giveBack(warm),
    });
  }

  /** Settles with one attempt to destroy it, for the caller; the pool goes on trying. */
  async #giveBack(warm: WarmSandbox<Box>): Promise<void> {
    if (!this.#taken.has(warm) && !this.#removals.has(warm.box)) return warm.box.destroy();
    const removed = this.#removals.add(warm.box);
    this.#taken.delete(warm);
    return removed;
  }

  #create(): void {
    const creation = new AbortController();
    this.#creating.add(creation);
    void this.#queue.add(async () => {
      const startedAt = performance.now();
      try {
        this.#created(await this.#make(creation.signal, startedAt), startedAt);
      } catch (error) {
        // What was aborted did not fail.
        if (!creation.signal.aborted) this.#failed(this.#creationDelay, error, startedAt);
      }
      this.#creating.delete(creation);
      this.#balance();
    });
  }

  /** Makes a sandbox with a session. Nothing is left behind when that fails, or it is being removed. */
  async #make(aborted: AbortSignal, startedAt: number): Promise<WarmSandbox<Box>> {
    aborted.throwIfAborted();
    // Not `AbortSignal.timeout`, which would go on when the sandbox is ready: what was given the signal may still hold it.
    const deadline = new AbortController();
    const { start, createTimeoutMs } = this.#plan;
    const timer = setTimeout(() => {
      deadline.abort(timedOut(start.sandbox.name, createTimeoutMs));
    }, createTimeoutMs).unref();
    const signal = AbortSignal.any([aborted, deadline.signal]);
    try {
      const box = await SandboxAgent.start({ ...start, signal });
      try {
        return await WarmSandbox.in(box, this.#plan, { startedAt, signal });
      } catch (error) {
        this.#removals.add(box).catch(() => undefined);
        throw error;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #created(warm: WarmSandbox<Box>, startedAt: number): void {
    if (this.#isClosed) {
      this.#remove(warm);
      return;
    }
    this.#creationDelay.succeeded();
    this.#tell({ type: "sandbox.created", id: warm.box.id, durationMs: performance.now() - startedAt });
    if (warm.hasEnded) {
      this.#died(warm);
      return;
    }
    this.#idle.push(warm);
    warm.watch(() => {
      const index = this.#idle.indexOf(warm);
      // One that is being asked is seen to by whoever asks.
      if (index === -1) return;
      this.#idle.splice(index, 1);
      this.#died(warm);
      this.#balance();
    });
  }

  #failed(delay: FailureDelay, error: unknown, begunAt: number): void {
    const now = performance.now();
    this.#failures++;
    this.#lastFailure = { error, at: now };
    const retryAfterMs = delay.failed(error, begunAt, now);
    this.#tell({ type: "sandbox.failed", error, retryAfterMs });
    if (isPermanent(error)) this.#line.rejectAll(error);
  }

  #died(warm: WarmSandbox<Box>): void {
    this.#tell({ type: "sandbox.evicted", id: warm.box.id, reason: "died" });
    this.#remove(warm);
    if (performance.now() - warm.createdAt > youngMs) return;
    const { id } = warm.box;
    const message = `The sandbox ${id}, or the agent's process in it, ended while it waited to be taken.`;
    const error = new SandboxAgentError("sandbox_lost", message, { details: { id } });
    this.#failed(this.#deathDelay, error, warm.createdAt);
  }

  #evict(warm: WarmSandbox<Box>, reason: EvictionReason): void {
    this.#idle.splice(this.#idle.indexOf(warm), 1);
    this.#tell({ type: "sandbox.evicted", id: warm.box.id, reason });
    this.#remove(warm);
  }

  #remove(warm: WarmSandbox<Box>): void {
    warm.watch(undefined);
    // What fails is told by an event, tried again, and in the end told by `close()`.
    this.#removals.add(warm.box).catch(() => undefined);
  }

  #timeoutError(since: number, timeoutMs: number): unknown {
    const last = this.#lastFailure;
    const isToBlame = last !== undefined && (last.at >= since || this.#creationDelay.isFailing);
    return takeFailure(isToBlame ? last.error : undefined, {
      provider: this.#plan.start.sandbox.name,
      timeoutMs,
      taken: this.#taken.size,
      maxSize: this.#plan.maxSize,
    });
  }

  #closedError(): SandboxAgentError<"pool_closed"> {
    return poolClosed(this.#plan.start.sandbox.name);
  }
}
