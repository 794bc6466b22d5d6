import type { Break } from "./change.ts";

/** A provider that fulfils everything but one requirement, and what the requirement says to it. */
export interface BrokenProvider {
  /** The requirement that must fail. */
  readonly id: string;
  /** The mistake, in words. */
  readonly how: string;
  readonly make: Break;
  /** The failure's message: failing for another reason proves nothing. */
  readonly seen: RegExp;
  /** Shows by something that never comes: the test waits a shorter time for it. */
  readonly hangs?: true;
  /** What the break starts from: the example provider (default), one that can detach, or one with abilities. */
  readonly base?: "folder" | "local" | "able";
}
