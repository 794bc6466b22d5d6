import { SandboxAgentError } from "playpen";
import type { SandboxProvider } from "playpen/kit";
import { expect, it, onTestFinished, vi } from "vitest";
import type { Fault } from "../../stand-ins/kit/faults.ts";
import { StandInServer } from "../../stand-ins/kit/http-server.ts";

/** A vendor's stand-in, and a provider that speaks to it. */
export interface VendorScene {
  readonly server: () => StandInServer;
  /** Its own time for a request must be below a second. */
  readonly provider: () => SandboxProvider;
  /** The request that makes a sandbox. */
  readonly creation: { readonly method: string; readonly path: string };
  /** How many requests the vendor's client makes at most where the service fails, before it gives up. */
  readonly attempts?: number;
  /** Where 404 can only mean what the sandbox is to be made of; default `"sandbox_create_failed"`. */
  readonly notFoundCode?: string;
  /** How many sandboxes the stand-in has. */
  readonly count: () => number;
  /** The names that can hold the credential. */
  readonly variables: readonly string[];
  /** Without the credential among its options, where the environment alone can have it. */
  readonly bare?: () => SandboxProvider;
  /** A value that the environment may have for it. */
  readonly credential?: () => { readonly [variable: string]: string };
  /** With another address of the service. */
  readonly at?: (url: string) => SandboxProvider;
}

/** Longer than any wait for another attempt. */
const tooLongSeconds = 3600;

const table: readonly (readonly [name: string, fault: Fault, code: string])[] = [
  ["401", { kind: "status", status: 401 }, "provider_authentication_failed"],
  ["403", { kind: "status", status: 403 }, "provider_authentication_failed"],
  ["404", { kind: "status", status: 404 }, "sandbox_create_failed"],
  ["409", { kind: "status", status: 409 }, "sandbox_create_failed"],
  [
    "429 for an hour",
    { kind: "status", status: 429, retryAfterSeconds: tooLongSeconds },
    "provider_rate_limited",
  ],
  ["500", { kind: "status", status: 500 }, "provider_failed"],
  ["what is no JSON", { kind: "malformed" }, "provider_failed"],
  ["nothing", { kind: "silence" }, "provider_failed"],
  ["the end of the connection", { kind: "cut" }, "provider_failed"],
];

const spec = { env: {}, labels: {} };

/** Whatever the service answers, a creation fails with a code, a remedy and without a second sandbox. */
export function describeVendorFailures(scene: VendorScene): void {
  const { method, path } = scene.creation;
  const isCreation = (request: { readonly method: string; readonly path: string }): boolean =>
    request.method === method && request.path === path;

  it.each(table)(
    "fails to create with a code when the service answers %s",
    async (name, fault, usualCode) => {
      const { faults } = scene.server();
      const { attempts = 1, notFoundCode = usualCode } = scene;
      const code = name === "404" ? notFoundCode : usualCode;
      const before = scene.server().count(method, path);
      faults.next(fault, { on: isCreation, times: attempts });
      const created = scene.provider().create(spec);
      await expect(created).rejects.toSatisfy((error) => SandboxAgentError.is(error));
      const error: unknown = await created.catch((reason: unknown) => reason);
      if (!SandboxAgentError.is(error)) throw error;
      expect(error.code).toBe(code);
      expect(error.remedy).not.toBe("");
      if (code === "provider_authentication_failed") {
        expect(error.details).toMatchObject({ variables: scene.variables });
      }
      expect(scene.server().count(method, path) - before).toBeLessThanOrEqual(attempts);
      expect(scene.count()).toBe(0);
      faults.clear();
    },
  );

  it("waits as long as the service asks for, and creates one sandbox", async () => {
    scene.server().faults.nextStatus(429, { on: isCreation, retryAfterSeconds: 1 });
    const since = performance.now();
    const sandbox = await scene.provider().create(spec);
    expect(performance.now() - since).toBeGreaterThan(950);
    expect(scene.count()).toBe(1);
    await sandbox.destroy();
    expect(scene.count()).toBe(0);
  });

  it("leaves nothing when it is aborted while the service says nothing", async () => {
    scene.server().faults.next({ kind: "silence" }, { on: isCreation });
    const abort = new AbortController();
    const before = scene.server().count(method, path);
    const created = scene.provider().create(spec, { signal: abort.signal });
    created.catch(() => undefined);
    await expect.poll(() => scene.server().count(method, path), { timeout: 5000 }).toBe(before + 1);
    const reason = new Error("no longer wanted");
    abort.abort(reason);
    await expect(created).rejects.toBe(reason);
    expect(scene.count()).toBe(0);
  });

  const { bare, credential, at } = scene;
  const withEnvironment = (env: { readonly [variable: string]: string }): void => {
    for (const name of scene.variables) vi.stubEnv(name, env[name] ?? "");
    onTestFinished(() => void vi.unstubAllEnvs());
  };

  if (bare !== undefined) {
    it("is not asked without a credential", async () => {
      withEnvironment({});
      const before = scene.server().requests.length;
      await expect(bare().create(spec)).rejects.toMatchObject({
        code: "provider_authentication_failed",
        details: { variables: scene.variables },
      });
      expect(scene.server().requests.length).toBe(before);
    });
  }

  if (bare !== undefined && credential !== undefined) {
    it("takes the credential from the environment", async () => {
      withEnvironment(credential());
      expect(await bare().check()).toEqual({ available: true });
    });
  }

  if (at !== undefined) {
    it("tells an unreachable service from one that fails", async () => {
      const gone = await new StandInServer().start();
      const { url } = gone;
      await gone.stop();
      await expect(at(url).create(spec)).rejects.toMatchObject({ code: "provider_unavailable" });
    });
  }

  it("says what is wrong and what to do, instead of rejecting, when it is checked", async () => {
    expect(await scene.provider().check()).toMatchObject({ available: true });
    scene.server().faults.nextStatus(401);
    const check = await scene.provider().check();
    expect(check).toMatchObject({ available: false });
    if (!check.available) expect(check.remedy).toContain(scene.variables[0]);
  });
}
