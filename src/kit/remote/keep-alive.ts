/** Puts off a vendor's time-out as long as anybody holds the sandbox. */
export class KeepAlive {
  readonly #everyMs: number;
  readonly #renew: () => Promise<void>;
  #holders = 0;
  #timer: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(options: { readonly everyMs: number; renew(): Promise<void> }) {
    this.#everyMs = options.everyMs;
    this.#renew = async () => options.renew();
  }

  hold(): () => void {
    this.#holders++;
    if (this.#timer === undefined && !this.#hasEnded) this.#start();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holders--;
      if (this.#holders === 0) this.#stop();
    };
  }

  end(): void {
    this.#hasEnded = true;
    this.#stop();
  }

  #start(): void {
    // A renewal that fails is made up for by the next; the sandbox's own end is told by its processes.
    const renew = (): void => void this.#renew().catch(() => undefined);
    this.#timer = setInterval(renew, this.#everyMs);
    // A host that has nothing else to do may end.
    this.#timer.unref();
    renew();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
