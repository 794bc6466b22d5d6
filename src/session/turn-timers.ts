export interface TurnTimersHost {
  /** `performance.now()` of the agent's last sign of life. */
  readonly lastActivityAt: () => number;
  /** Whether it is the host that the agent waits for. */
  readonly isWaiting: () => boolean;
  readonly expired: (kind: "total" | "idle", timeoutMs: number) => void;
}

const defaultIdleTimeoutMs = 600_000;

/** The time limits of one turn. */
export class TurnTimers {
  readonly #host: TurnTimersHost;
  #total: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** When the agent was last seen waiting for the host, which counts as activity. */
  #waitedAt = performance.now();

  constructor(
    options: { readonly timeoutMs?: number | undefined; readonly idleTimeoutMs?: number | undefined },
    host: TurnTimersHost,
  ) {
    this.#host = host;
    const { timeoutMs, idleTimeoutMs = defaultIdleTimeoutMs } = options;
    if (timeoutMs !== undefined) {
      this.#total = setTimeout(() => {
        this.#expire("total", timeoutMs);
      }, timeoutMs);
    }
    this.#watchIdle(idleTimeoutMs, idleTimeoutMs);
  }

  stop(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#idle);
  }

  /** Looks again when the limit would be reached, instead of setting a timer for each line. */
  #watchIdle(idleTimeoutMs: number, delayMs: number): void {
    this.#idle = setTimeout(() => {
      const now = performance.now();
      if (this.#host.isWaiting()) this.#waitedAt = now;
      const idleMs = now - Math.max(this.#waitedAt, this.#host.lastActivityAt());
      if (idleMs >= idleTimeoutMs) this.#expire("idle", idleTimeoutMs);
      else this.#watchIdle(idleTimeoutMs, Math.ceil(idleTimeoutMs - idleMs));
    }, delayMs);
  }

  #expire(kind: "total" | "idle", timeoutMs: number): void {
    this.stop();
    this.#host.expired(kind, timeoutMs);
  }
}
