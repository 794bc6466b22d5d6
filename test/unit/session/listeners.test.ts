import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { SandboxPool } from "../../../src/pool/sandbox-pool.ts";
import { quietProgress } from "../../../src/sandbox/quiet-progress.ts";
import { memorySandbox } from "../../../src/testing/memory-sandbox.ts";
import { scriptedAgent, scriptedBackend } from "../../../src/testing/scripted-backend.ts";
import { crashesDuring } from "../crashes.ts";
import { echo, start } from "./support.ts";

/** Thrown by code that has no mercy with whoever wants to know what it was. */
class Unshowable extends Error {
  override get message(): string {
    throw new Error("No message.");
  }

  override get stack(): string {
    throw new Error("No stack.");
  }
}

class Odd extends Error {
  override get message(): string {
    return Symbol("odd") as unknown as string;
  }

  override get stack(): string {
    return Symbol("odd") as unknown as string;
  }
}

/** As test runners do: its promises are of another class than the library's. */
const otherRealm = runInNewContext("async () => { throw new Error('of another realm'); }") as () => unknown;

const listeners: readonly (readonly [string, () => unknown])[] = [
  [
    "throws what cannot be shown",
    () => {
      throw new Unshowable();
    },
  ],
  ["rejects with what cannot be shown", async () => Promise.reject(new Unshowable())],
  [
    "throws what shows itself as no text",
    () => {
      throw new Odd();
    },
  ],
  ["rejects in another realm", otherRealm],
];

async function warningsDuring(use: () => Promise<void>): Promise<number> {
  let count = 0;
  const listen = (warning: Error): void => {
    if (warning.name === "PlaypenListenerWarning") count++;
  };
  process.on("warning", listen);
  expect(await crashesDuring(use)).toEqual([]);
  process.off("warning", listen);
  return count;
}

describe.each(listeners)("a listener that %s", (_what, listener) => {
  it("of a session costs a warning, and no event of anybody else", async () => {
    const types: string[] = [];
    const warnings = await warningsDuring(async () => {
      const { box } = await start(echo);
      const session = await box.createSession();
      session.onEvent(listener);
      session.onEvent(({ type }) => types.push(type));
      await session.prompt("Hi.");
      await session.close();
    });
    expect(warnings).toBe(1);
    expect(types).toContain("turn.completed");
    expect(types.at(-1)).toBe("session.ended");
  });

  it("of progress costs a warning", async () => {
    const warnings = await warningsDuring(async () => {
      const tell = quietProgress(listener);
      tell({ phase: "create", message: "Creating" });
      tell({ phase: "ready", message: "Ready" });
    });
    expect(warnings).toBe(1);
  });

  it("of a pool costs a warning", async () => {
    const warnings = await warningsDuring(async () => {
      const sandbox = memorySandbox({ programs: { "scripted-agent": scriptedAgent(echo) } });
      await using pool = new SandboxPool({ sandbox, agent: scriptedBackend(), onEvent: listener });
      await using taken = await pool.take();
      await taken.session.prompt("Hi.");
    });
    expect(warnings).toBe(1);
  });
});
