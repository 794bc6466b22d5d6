import { SandboxAgentError } from "playpen";
import type { Sandbox } from "playpen/kit";
import { type ModalOptions, modal } from "playpen/modal";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type ModalStandIn, missingImage, startModal } from "../../stand-ins/modal/index.ts";
import { describeOtherHost } from "./describe-other-host.ts";
import { cloudLeftovers, describeRealAgent } from "./describe-real-agent.ts";

let standIn: ModalStandIn;
beforeAll(async () => {
  standIn = await startModal();
});
beforeEach(() => {
  vi.stubEnv("MODAL_SERVER_URL", standIn.url);
  vi.stubEnv("MODAL_CONFIG_PATH", "/dev/null");
});
afterEach(() => {
  standIn.faults.clear();
  vi.unstubAllEnvs();
});
afterAll(() => standIn.stop());

const spec = { env: {}, labels: {} };
const provider = (options: ModalOptions = {}) =>
  modal({ tokenId: standIn.tokenId, tokenSecret: standIn.tokenSecret, ...options });

async function output(sandbox: Sandbox, ...argv: [string, ...string[]]): Promise<string> {
  const process = await sandbox.spawn({ argv, stdin: "ignore" });
  return new Response(process.stdout).text();
}

describe("what the service may answer", () => {
  const onCreation = { on: ({ path }: { readonly path: string }) => path === "SandboxCreateV2" };

  it.each([
    ["INVALID_ARGUMENT", 3, "sandbox_create_failed"],
    ["ALREADY_EXISTS", 6, "sandbox_create_failed"],
    ["PERMISSION_DENIED", 7, "provider_authentication_failed"],
    ["UNAUTHENTICATED", 16, "provider_authentication_failed"],
  ])("fails to create with a code when the service answers %s", async (_name, status, code) => {
    standIn.faults.nextStatus(status, onCreation);
    const error: unknown = await provider()
      .create(spec)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    if (SandboxAgentError.is(error)) expect(error.remedy).not.toBe("");
    expect(standIn.sandboxes.size).toBe(0);
  });

  it("creates one sandbox, although the first answer was that the service is not there", async () => {
    standIn.faults.nextStatus(14, onCreation);
    const sandbox = await provider().create(spec);
    expect(standIn.sandboxes.size).toBe(1);
    await sandbox.destroy();
    expect(standIn.sandboxes.size).toBe(0);
  });

  it("gives up when there is no answer", async () => {
    standIn.faults.next({ kind: "silence" }, { ...onCreation, times: 100 });
    const created = provider({ requestTimeoutMs: 300 }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "provider_failed" });
    expect(standIn.sandboxes.size).toBe(0);
  });

  it("is not asked without a token", async () => {
    for (const name of ["MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"]) vi.stubEnv(name, "");
    const before = standIn.calls.length;
    await expect(modal().create(spec)).rejects.toMatchObject({
      code: "provider_authentication_failed",
      details: { variables: ["MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"] },
    });
    expect(standIn.calls.length).toBe(before);
  });

  it("says what is wrong and what to do, instead of rejecting, when it is checked", async () => {
    expect(await provider().check()).toEqual({ available: true });
    const check = await provider({ tokenId: "ak-wrong", tokenSecret: "as-wrong" }).check();
    expect(check).toMatchObject({ available: false });
    if (!check.available) expect(check.remedy).toContain("MODAL_TOKEN_ID");
    expect(JSON.stringify(check)).not.toContain("as-wrong");
  });

  it("has no such image", async () => {
    const created = provider({ image: missingImage }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "image_unavailable" });
    expect(standIn.sandboxes.size).toBe(0);
  });

  it("removes the sandbox whose working directory cannot be made", async () => {
    const created = provider({ cwd: "/proc/none" }).create(spec);
    await expect(created).rejects.toMatchObject({ code: "sandbox_create_failed" });
    expect(standIn.sandboxes.size).toBe(0);
  });
});

describe("a sandbox", () => {
  it("has a working directory of its own where it is asked for when it is connected to", async () => {
    const sandbox = await provider().create(spec);
    await sandbox.detach({ ttlMs: 60_000 });
    const second = await provider().connect(sandbox.id, { env: {}, cwd: `${sandbox.cwd}/inner` });
    expect(await output(second, "pwd")).toBe(`${sandbox.cwd}/inner\n`);
    await second.destroy();
  });

  it("has the vendor's end raised to a day, or to the time that is given for it", async () => {
    const first = await provider().create(spec);
    const second = await provider().create({ ...spec, ttlMs: 90_500 });
    const [one, other] = [first, second].map(({ id }) => standIn.sandboxes.get(id)?.timeoutSeconds);
    expect([one, other]).toEqual([86_400, 91]);
    await Promise.all([first.destroy(), second.destroy()]);
  });

  it("lives on while its host does, although nothing runs", async () => {
    const sandbox = await provider({ timeoutMs: 4000 }).create(spec);
    const before = standIn.calls.length;
    const renewals = (): number =>
      standIn.calls.slice(before).filter((name) => name === "TaskExecStart").length;
    await expect.poll(renewals, { timeout: 15_000 }).toBeGreaterThan(6);
    expect(await output(sandbox, "echo", "alive")).toBe("alive\n");
    await sandbox.destroy();
  });

  it("tells its processes that it is lost when the vendor ends it", async () => {
    const sandbox = await provider().create(spec);
    const process = await sandbox.spawn({ argv: ["sleep", "300"] });
    const since = performance.now();
    await standIn.sandboxes.get(sandbox.id)?.end(137);
    const ended = await process.exited.catch((error: unknown) => error);
    expect(SandboxAgentError.is(ended) ? ended.code : ended).toBe("sandbox_lost");
    expect(performance.now() - since).toBeLessThan(5000);
    await sandbox.destroy();
  });

  it("is told no variable of a process", async () => {
    const sandbox = await provider({ env: { OF_PROVIDER: "secret-a" } }).create(spec);
    const argv = ["/bin/sh", "-c", "echo $OF_PROVIDER $OF_PROCESS ${#LARGE}"] as const;
    const process = await sandbox.spawn({ argv, env: { OF_PROCESS: "b", LARGE: "x".repeat(100_000) } });
    expect(await new Response(process.stdout).text()).toBe("secret-a b 100000\n");
    expect(standIn.calls.filter((name) => name.startsWith("Secret"))).toEqual([]);
    await sandbox.destroy();
  });
});

describeOtherHost({
  name: "modal",
  options: () => ({ tokenId: standIn.tokenId, tokenSecret: standIn.tokenSecret }),
  env: () => ({ MODAL_SERVER_URL: standIn.url, MODAL_CONFIG_PATH: "/dev/null" }),
  provider,
  packages: [{ name: "modal", range: "~0.11.0", others: ["1.2.0", "0.10.0"], words: "unrelated dialog" }],
  count: () => standIn.sandboxes.size,
});

describeRealAgent("a real agent in a sandbox of Modal", {
  provider,
  watch: cloudLeftovers(() => standIn.sandboxes),
  cuts: [
    {
      when: "the connection is cut",
      goesOn: true,
      cut: () => {
        standIn.relay.cut();
      },
    },
    {
      when: "the service gets out of reach",
      cut: () => {
        standIn.relay.close();
      },
      restore: () => {
        standIn.relay.open();
      },
    },
  ],
});
