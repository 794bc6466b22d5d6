import { setImmediate as nextTurnOfLoop } from "node:timers/promises";

const events = ["unhandledRejection", "uncaughtException"] as const;

/** Everything that would have ended a host program while this ran, or right after it: errors that nobody handles. */
export async function crashesDuring(use: () => Promise<unknown>): Promise<readonly unknown[]> {
  const crashes: unknown[] = [];
  const observe = (reason: unknown): void => {
    crashes.push(reason);
  };
  for (const event of events) process.on(event, observe);
  try {
    await use();
    // Node tells of a rejection when all that follows from it at once has happened.
    for (let round = 0; round < 5; round++) await nextTurnOfLoop();
  } finally {
    for (const event of events) process.off(event, observe);
  }
  return crashes;
}
