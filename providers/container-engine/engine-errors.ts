import { isJsonObject, numberField, stringField } from "../../src/kit.ts";

/** The HTTP status of an engine's refusal. */
export function statusOf(error: unknown): number | undefined {
  return numberField(error, "statusCode");
}

/** The system's code of a failed connection, such as `ECONNREFUSED`. */
export function systemCodeOf(error: unknown): string | undefined {
  return stringField(error, "code");
}

/** Whether the engine itself could not be reached, or the connection to it broke. */
export function isUnreachable(error: unknown): boolean {
  return statusOf(error) === undefined && systemCodeOf(error) !== undefined;
}

/** The engine's own words, without what the client puts around them. */
export function wordsOf(error: unknown): string {
  const words = isJsonObject(error) ? stringField(error["json"], "message") : undefined;
  const text = words ?? (error instanceof Error ? error.message : String(error));
  return text.trim();
}

/** Whether the container is gone, or about to be. */
export function isGone(error: unknown): boolean {
  const status = statusOf(error);
  return status === 404 || (status === 409 && !/paused/i.test(wordsOf(error)));
}

/** Whether a pause was refused since the container is paused already. */
export function isPausedAlready(error: unknown): boolean {
  return /already paused|paused.* state improper|can only pause running.*paused/is.test(wordsOf(error));
}

/** Whether a resumption was refused since the container is not paused. */
export function isNotPaused(error: unknown): boolean {
  return /is not paused/i.test(wordsOf(error));
}
