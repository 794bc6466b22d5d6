import { SandboxAgentError, refusedSafely, vendorFailure } from "playpen/kit";
import { describe, expect, it } from "vitest";

const creating = { provider: "cloud", action: "create a sandbox", variables: ["CLOUD_KEY"] } as const;
const using = { ...creating, action: "start a process", id: "s-1" } as const;
const refused = Object.assign(new Error("fetch failed"), { cause: { code: "ECONNREFUSED" } });

describe("vendorFailure", () => {
  it.each([
    [creating, { status: 401 }, "provider_authentication_failed", { variables: ["CLOUD_KEY"], status: 401 }],
    [creating, { status: 403 }, "provider_authentication_failed", { provider: "cloud" }],
    [creating, { status: 429, retryAfterMs: 2000 }, "provider_rate_limited", { retryAfterMs: 2000 }],
    [creating, { status: 400 }, "sandbox_create_failed", { provider: "cloud" }],
    [{ ...creating, image: "x" }, { status: 404 }, "image_unavailable", { image: "x" }],
    [using, { status: 404 }, "sandbox_not_found", { id: "s-1" }],
    [using, { status: 400 }, "provider_failed", { status: 400 }],
    [using, { status: 500 }, "provider_failed", { status: 500 }],
    [creating, { cause: new SyntaxError("Unexpected token") }, "provider_failed", { provider: "cloud" }],
    [creating, { cause: refused }, "provider_unavailable", { provider: "cloud" }],
  ] as const)("%#", (context, answer, code, details) => {
    const error = vendorFailure(context, { message: "its own words", ...answer });
    expect(error).toBeInstanceOf(SandboxAgentError);
    expect(error.code).toBe(code);
    expect(error.details).toMatchObject(details);
    expect(error.reason).toContain("its own words");
    expect(error.remedy).not.toBe("");
  });

  it("says what may be asked again without doing it twice", () => {
    const of = (status: number | undefined, cause?: unknown): boolean =>
      refusedSafely(vendorFailure(creating, { status, message: "", cause }));
    expect([of(429), of(undefined, refused), of(500), of(401), of(undefined, new Error("reset"))]).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
