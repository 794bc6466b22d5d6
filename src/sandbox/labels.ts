import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { OptionCheck } from "../kit/validate-options.ts";
import { libraryVersion } from "../version.ts";
import type { Labels } from "../spec/sandbox.ts";

/** Labels that every sandbox carries. */
export const labelNames = {
  owner: "playpen.owner",
  createdAt: "playpen.created-at",
  version: "playpen.version",
  expiresAt: "playpen.expires-at",
} as const;

/** After so long a sandbox may be swept up that says nothing else. */
export const defaultTtlMs = 24 * 3_600_000;

/** A hundred years: with a longer time the end would be no date any more. */
const longestTtlMs = 3_155_760_000_000;

/** A time after which a sandbox may be swept up. */
export const isTtlMs: OptionCheck = (value) =>
  typeof value === "number" && value > 0 && value <= longestTtlMs
    ? undefined
    : `a number of milliseconds above 0, at most a hundred years (${String(longestTtlMs)})`;

let processOwner: string | undefined;

/** Names this process: two hosts, and two processes of one host, never take each other's sandboxes for their own. */
export function ownerOfThisProcess(): string {
  processOwner ??= `${hostname()}.${String(process.pid)}.${randomUUID().slice(0, 8)}`;
  return processOwner;
}

/** The labels of a sandbox that lives for so long from now, and may be swept up when that is over. */
export function renewedExpiry(labels: Labels, ttlMs: number): Labels {
  return { ...labels, [labelNames.expiresAt]: new Date(Date.now() + ttlMs).toISOString() };
}

export interface LabelFacts {
  readonly owner?: string | undefined;
  readonly ttlMs?: number | undefined;
}

/** @throws TypeError for a label that belongs to the library. */
export function completeLabels(labels: Labels | undefined, { owner, ttlMs }: LabelFacts = {}): Labels {
  const now = Date.now();
  for (const name of Object.keys(labels ?? {})) {
    if (name.startsWith("playpen.")) {
      throw new TypeError(
        `labels: names that begin with "playpen." belong to the library, received ${JSON.stringify(name)}.`,
      );
    }
  }
  return {
    ...labels,
    [labelNames.owner]: owner ?? ownerOfThisProcess(),
    [labelNames.createdAt]: new Date(now).toISOString(),
    [labelNames.version]: libraryVersion,
    [labelNames.expiresAt]: new Date(now + (ttlMs ?? defaultTtlMs)).toISOString(),
  };
}
