import { type RemoteConnection, type RemoteMachine, RemoteSandbox, SandboxAgentError } from "playpen/kit";
import { describe, expect, it } from "vitest";

const gone = new SandboxAgentError("sandbox_not_found", "There is no box-1.", { details: { id: "box-1" } });

/** A machine whose commands do what the test says; nothing runs anywhere. */
function machine(change: Partial<RemoteMachine>): RemoteMachine {
  return {
    provider: "cloud",
    id: "box-1",
    cwd: "/work",
    labels: {},
    env: {},
    traits: { environment: "native", stdin: "native", users: "none" },
    start: () => Promise.reject(new Error("not used")),
    destroy: () => Promise.resolve(),
    ...change,
  };
}

/** A connection on which the launcher has said that the program runs. */
function running(exited: RemoteConnection["exited"]): RemoteConnection {
  exited.catch(() => undefined);
  const stdout = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode("playpen 12\n"));
    },
  });
  return {
    stdin: new WritableStream(),
    stdout,
    stderr: new ReadableStream(),
    exited,
    disconnect: () => undefined,
  };
}

const command = { argv: ["tool"] } as const;

describe("a sandbox of which the vendor knows nothing any more", () => {
  it("is lost to whoever starts a process in it", async () => {
    const sandbox = new RemoteSandbox(machine({ start: () => Promise.reject(gone) }));
    await expect(sandbox.spawn(command)).rejects.toMatchObject({
      code: "sandbox_lost",
      details: { id: "box-1" },
      cause: gone,
    });
  });

  it("is lost to whoever wants a file in it, also where the vendor has files of its own", async () => {
    const start = () => Promise.reject(gone);
    const derived = new RemoteSandbox(machine({ start }));
    const own = new RemoteSandbox(machine({}), { read: () => Promise.reject(gone) });
    for (const { files } of [derived, own]) {
      await expect(files.read("file")).rejects.toMatchObject({ code: "sandbox_lost", cause: gone });
    }
  });

  it("is lost to whoever follows a process in it", async () => {
    const sandbox = new RemoteSandbox(
      machine({ start: () => Promise.resolve(running(Promise.reject(gone))) }),
    );
    const process = await sandbox.spawn(command);
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost", cause: gone });
    await expect(process.stdout.getReader().read()).rejects.toMatchObject({ code: "sandbox_lost" });
  });
});

describe("a process whose vendor does not answer any more", () => {
  const facts = { details: { provider: "cloud" } };
  const follow = async (error: SandboxAgentError): Promise<unknown> => {
    const start = () => Promise.resolve(running(Promise.reject(error)));
    const process = await new RemoteSandbox(machine({ start })).spawn(command);
    return process.exited.catch((reason: unknown) => reason);
  };

  it.each(["provider_failed", "provider_unavailable"] as const)(
    "is in a lost sandbox where the adapter says %s",
    async (code) => {
      const error = new SandboxAgentError(code, "It said nothing.", facts);
      expect(await follow(error)).toMatchObject({
        code: "sandbox_lost",
        reason: expect.stringContaining("It said nothing.") as unknown,
        cause: error,
      });
    },
  );

  it("keeps the code of what concerns the account", async () => {
    const error = new SandboxAgentError("provider_rate_limited", "Too many.", facts);
    expect(await follow(error)).toBe(error);
  });
});

describe("what a vendor's client throws", () => {
  it("is a failed start while the sandbox lives, and a lost sandbox when it does not", async () => {
    const start = (): Promise<never> => Promise.reject(new Error("its own words"));
    const alive = new RemoteSandbox(machine({ start, isAlive: () => Promise.resolve(true) }));
    await expect(alive.spawn(command)).rejects.toMatchObject({
      code: "spawn_failed",
      details: { command: "tool" },
    });
    await expect(alive.spawn(command)).rejects.toThrow(/its own words/);
    const dead = new RemoteSandbox(machine({ start, isAlive: () => Promise.resolve(false) }));
    await expect(dead.spawn(command)).rejects.toMatchObject({ code: "sandbox_lost" });
  });

  it("keeps the code that the adapter has given it", async () => {
    const limited = new SandboxAgentError("provider_rate_limited", "Too many.", {
      details: { provider: "cloud" },
    });
    const sandbox = new RemoteSandbox(machine({ start: () => Promise.reject(limited) }));
    await expect(sandbox.spawn(command)).rejects.toBe(limited);
  });
});

describe("the states of a sandbox", () => {
  it("refuses a user where there is one only, and everything once it has ended", async () => {
    const sandbox = new RemoteSandbox(machine({}));
    await expect(sandbox.spawn({ ...command, user: "node" })).rejects.toMatchObject({ code: "unsupported" });
    await expect(sandbox.detach({ ttlMs: 1000 })).rejects.toMatchObject({ code: "unsupported" });
    await sandbox.destroy();
    await expect(sandbox.spawn(command)).rejects.toMatchObject({ code: "sandbox_closed" });
  });

  it("can be destroyed again where that failed, and ends what runs in it when it has", async () => {
    let failures = 1;
    const exited = new Promise<never>(() => undefined);
    const sandbox = new RemoteSandbox(
      machine({
        start: () => Promise.resolve(running(exited)),
        destroy: () => (failures-- > 0 ? Promise.reject(new Error("not now")) : Promise.resolve()),
      }),
    );
    const process = await sandbox.spawn(command);
    await expect(sandbox.destroy()).rejects.toMatchObject({ code: "sandbox_lost" });
    await sandbox.destroy();
    await expect(process.exited).rejects.toMatchObject({ code: "sandbox_lost" });
    expect((await process.stdout.getReader().read()).done).toBe(true);
  });
});
