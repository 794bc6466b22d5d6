import type { SandboxProvider } from "playpen/kit";

/** A place to run in, reached by the library and by the vendor's bare client. */
export interface Place {
  readonly provider: SandboxProvider;
  /** Creates a sandbox with nothing but the vendor's client. */
  readonly create: () => Promise<BareSandbox>;
  readonly stop: () => Promise<void>;
}

export interface BareSandbox {
  /** Runs `echo hello` to its end; calls back at the first byte that comes of it, or at the end where none comes before. */
  readonly run: (onFirstByte: () => void) => Promise<void>;
  readonly destroy: () => Promise<unknown>;
}

export const words = ["echo", "hello"] as const;
