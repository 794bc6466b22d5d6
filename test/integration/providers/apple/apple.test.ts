import { apple } from "playpen/apple";
import { SandboxAgentError } from "playpen";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { appleProgram, startAppleStandIn, withOwnFolders } from "../../../stand-ins/apple/index.ts";

let stop: () => Promise<void>;
beforeAll(async () => {
  stop = await startAppleStandIn();
});
afterAll(() => stop());

const provider = (options: Parameters<typeof apple>[0] = {}) =>
  withOwnFolders(apple({ program: appleProgram, ...options }));
const spec = { env: {}, labels: { "playpen.owner": "apple-tests" } };

function withFault(fault: string): void {
  process.env["STAND_IN_APPLE_FAULT"] = fault;
  onTestFinished(endFault);
}

function endFault(): void {
  delete process.env["STAND_IN_APPLE_FAULT"];
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (SandboxAgentError.is(error)) return error.code;
  throw new Error("Expected a coded error.", { cause: error });
}

async function listed(): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { id } of provider().list()) ids.push(id);
  return ids;
}

describe("apple(), when its program does not do its part", () => {
  it.each([
    ["create:refuse", "sandbox_create_failed"],
    ["create:malformed", "provider_failed"],
    ["start:refuse", "sandbox_create_failed"],
    ["image:silent", "provider_unavailable"],
  ])("fails a creation for %s with %s, and leaves nothing", async (fault, code) => {
    withFault(fault);
    expect(await codeOf(provider({ requestTimeoutMs: 8000 }).create(spec))).toBe(code);
    endFault();
    expect(await listed()).toEqual([]);
  });

  it("does not take a malformed list for an empty one", async () => {
    withFault("list:malformed");
    expect(await codeOf(listed())).toBe("provider_failed");
  });

  it("names the services when they do not run", async () => {
    withFault("list:refuse");
    const availability = await provider().check();
    expect(availability).toMatchObject({ available: false });
    expect(JSON.stringify(availability)).toContain("container system start");
  });

  it("says that an image is not to be had", async () => {
    expect(await codeOf(provider({ image: "example/none:1" }).create(spec))).toBe("image_unavailable");
  });

  it("takes no option for an id", async () => {
    expect(await codeOf(provider().connect("--all", { env: {} }))).toBe("sandbox_not_found");
  });
});

describe("apple(), and what stays secret", () => {
  it("gives variables to processes, and to no argument", async () => {
    const sandbox = await provider().create({ ...spec, env: { SECRET: "word-nobody-may-see" } });
    try {
      // The word is put together, lest the search finds itself.
      const script = 'grep -ls "word-nobody""-may-see" /proc/[0-9]*/cmdline; echo "$SECRET"';
      const child = await sandbox.spawn({ argv: ["/bin/sh", "-c", script], stdin: "ignore" });
      // What is found is the search itself, whose argument is the word by then.
      const lines = (await new Response(child.stdout).text()).trim().split("\n");
      expect(lines.at(-1)).toBe("word-nobody-may-see");
      expect(lines.length).toBeLessThanOrEqual(2);
    } finally {
      await sandbox.destroy();
    }
  });
});
