import { SandboxAgentError, retriedWhenRefused } from "playpen/kit";
import { describe, expect, it } from "vitest";

function limited(retryAfterMs?: number): SandboxAgentError {
  const details = { provider: "example", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  return new SandboxAgentError("provider_rate_limited", "Too many.", { details });
}

function failing(failures: readonly Error[]) {
  const state = { calls: 0 };
  const request = async (): Promise<string> => {
    const failure = failures[state.calls++];
    if (failure !== undefined) throw failure;
    return "done";
  };
  return { state, request };
}

describe("retriedWhenRefused", () => {
  it("tries again what was refused, after as long as was asked for", async () => {
    const { state, request } = failing([limited(40), limited(40)]);
    const since = performance.now();
    expect(await retriedWhenRefused(request)).toBe("done");
    expect(performance.now() - since).toBeGreaterThan(75);
    expect(state.calls).toBe(3);
  });

  it("does not try again what may have been carried out", async () => {
    const failed = new SandboxAgentError("provider_failed", "It broke.", {
      details: { provider: "example" },
    });
    const { state, request } = failing([failed]);
    await expect(retriedWhenRefused(request)).rejects.toBe(failed);
    expect(state.calls).toBe(1);
  });

  it("gives up after some attempts, and at once where it would have to wait for long", async () => {
    const often = failing([limited(1), limited(1), limited(1)]);
    await expect(retriedWhenRefused(often.request, { attempts: 2 })).rejects.toBeInstanceOf(
      SandboxAgentError,
    );
    expect(often.state.calls).toBe(2);
    const long = failing([limited(60_000)]);
    await expect(retriedWhenRefused(long.request)).rejects.toBeInstanceOf(SandboxAgentError);
    expect(long.state.calls).toBe(1);
  });

  it("stops waiting when the signal is aborted", async () => {
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    const { state, request } = failing([limited(5000), limited(5000)]);
    const result = retriedWhenRefused(request, { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(result).rejects.toBe(reason);
    expect(state.calls).toBe(1);
  });
});
