import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { Labels, SandboxProvider } from "../spec/sandbox.ts";
import { validateOptions } from "../kit/validate-options.ts";
import { isTtlMs, labelNames } from "./labels.ts";

const usualMs = 3_600_000;

/**
 * For how long a sandbox is detached: as long as was asked for, else an hour. Where the provider cannot write its new end
 * into the label, that says when it may be swept up, no longer than the label says: its own owner could take it for a
 * left one before.
 *
 * @throws TypeError for a time that is none; SandboxAgentError `unsupported`.
 */
export function detachTimeMs(provider: SandboxProvider, labels: Labels, askedMs: number | undefined): number {
  validateOptions("box.detach()", { ttlMs: askedMs }, { ttlMs: isTtlMs });
  const expiry = Date.parse(labels[labelNames.expiresAt] ?? "");
  const leftMs =
    provider.capabilities.renewsExpiry === true || Number.isNaN(expiry) ? Infinity : expiry - Date.now();
  const wantedMs = askedMs ?? Math.min(usualMs, leftMs);
  if (wantedMs > 0 && wantedMs <= leftMs) return wantedMs;
  const remedy = "Give SandboxAgent.start({ ttlMs }) the whole time that the sandbox is to live.";
  throw new SandboxAgentError(
    "unsupported",
    `The sandbox cannot be detached for so long: its label says that it may be swept up from ${new Date(expiry).toISOString()} on, and ${provider.name} cannot change that.`,
    {
      details: { subject: provider.name, feature: "detach beyond the ttlMs of the start" },
      remedy: leftMs > 0 ? `${remedy} Now ${String(Math.floor(leftMs))} ms are left.` : remedy,
    },
  );
}
