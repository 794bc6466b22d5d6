/** What a stand-in does with a request instead of answering it. */
export type Fault =
  | { readonly kind: "status"; readonly status: number; readonly retryAfterSeconds?: number }
  /** 200, and a body that is no JSON. */
  | { readonly kind: "malformed" }
  /** No answer, until the connection is cut or the server stopped. */
  | { readonly kind: "silence" }
  /** The connection is closed without an answer. */
  | { readonly kind: "cut" };

export interface FaultScope {
  /** Only for requests of which this is true; default: all. */
  readonly on?: (request: { readonly method: string; readonly path: string }) => boolean;
  /** For how many requests; default 1. */
  readonly times?: number;
}

interface Waiting {
  readonly fault: Fault;
  readonly on: NonNullable<FaultScope["on"]>;
  left: number;
}

/** The faults that a test has asked for. Each is used up by the requests that it meets. */
export class Faults {
  #waiting: Waiting[] = [];

  next(fault: Fault, { on = () => true, times = 1 }: FaultScope = {}): void {
    this.#waiting.push({ fault, on, left: times });
  }

  nextStatus(status: number, scope: FaultScope & { readonly retryAfterSeconds?: number } = {}): void {
    const { retryAfterSeconds, ...rest } = scope;
    this.next(
      { kind: "status", status, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) },
      rest,
    );
  }

  take(request: { readonly method: string; readonly path: string }): Fault | undefined {
    const found = this.#waiting.find(({ on }) => on(request));
    if (found === undefined) return undefined;
    found.left--;
    if (found.left <= 0) this.#waiting = this.#waiting.filter((each) => each !== found);
    return found.fault;
  }

  /** Forgets what was not used. */
  clear(): void {
    this.#waiting = [];
  }
}
