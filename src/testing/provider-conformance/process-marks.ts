import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Sandbox } from "../../spec/sandbox.ts";
import type { ProviderContext } from "./requirement.ts";

/** Processes are told apart by a variable in their environment, which all their children inherit. */
export interface ProcessMark {
  readonly text: string;
  readonly env: { readonly [name: string]: string };
}

export function processMark(): ProcessMark {
  const text = randomUUID();
  return { text, env: { CONFORMANCE_MARK: text } };
}

/** Fails when marked processes go on living in the sandbox, or come back. */
export async function expectNoneInside(
  context: ProviderContext,
  sandbox: Sandbox,
  mark: ProcessMark,
  what: string,
): Promise<void> {
  const { stdout } = await context.run(sandbox, waitForNone, {
    args: [mark.text, String(Math.ceil(context.patienceMs / 250))],
  });
  const survivors = stdout.toString().trim();
  if (survivors !== "") throw new Error(`${what}: expected no process to be left, saw\n${survivors}`);
}

/** How many marked processes live in the sandbox. */
export async function countInside(
  context: ProviderContext,
  sandbox: Sandbox,
  mark: ProcessMark,
): Promise<number> {
  const files = await context.text(sandbox, 'grep -lsF -- "$1" /proc/[0-9]*/environ || true', {
    args: [mark.text],
  });
  return files.split("\n").filter((line) => line !== "").length;
}

/** Fails when fewer marked processes are seen: a look that can see nothing would find everybody dead. */
export async function expectSomeInside(
  context: ProviderContext,
  sandbox: Sandbox,
  mark: ProcessMark,
  atLeast: number,
): Promise<void> {
  const end = performance.now() + context.patienceMs;
  for (let seen = 0; seen < atLeast;) {
    seen = await countInside(context, sandbox, mark);
    if (seen < atLeast && performance.now() > end) {
      throw new Error(
        `Expected ${atLeast} processes in the sandbox by their environment in /proc, saw ${seen}.`,
      );
    }
  }
}

// Nothing tells when an unrelated process has gone, so it is looked for; three times, since a tree that forks may
// be between two lives. The script itself carries the mark as an argument only.
const waitForNone = `
rounds=$2
calm=0
while [ "$rounds" -gt 0 ]; do
  rounds=$((rounds - 1))
  if grep -qsF -- "$1" /proc/[0-9]*/environ; then calm=0; else calm=$((calm + 1)); fi
  [ "$calm" -ge 3 ] && exit 0
  sleep 0.1
done
for file in $(grep -lsF -- "$1" /proc/[0-9]*/environ); do
  folder=\${file%/environ}
  echo "\${folder#/proc/}: $(tr '\\0' ' ' < "$folder/cmdline")"
done
`;

/**
 * Fails when marked processes live on this machine. Where the sandbox was somewhere else this finds nothing, and where
 * this is not Linux it cannot look.
 */
export async function expectNoneOnHost(
  context: ProviderContext,
  mark: ProcessMark,
  what: string,
): Promise<void> {
  const end = performance.now() + context.patienceMs;
  for (;;) {
    const survivors = await findOnHost(mark);
    if (survivors.length === 0) return;
    if (performance.now() > end)
      throw new Error(`${what}: expected no process to be left, saw ${survivors.join(", ")}.`);
    await delay(50);
  }
}

async function findOnHost(mark: ProcessMark): Promise<readonly string[]> {
  const names = await readdir("/proc").catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
        return environment.includes(mark.text) ? [pid] : [];
      }),
  );
  return found.flat();
}
