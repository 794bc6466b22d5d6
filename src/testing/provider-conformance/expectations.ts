import { inspect, isDeepStrictEqual } from "node:util";
import { SandboxAgentError, type SandboxAgentErrorOf } from "../../errors/sandbox-agent-error.ts";
import type { ErrorCode } from "../../spec/errors.ts";
import type { ProcessExit, SandboxProvider } from "../../spec/sandbox.ts";

export function expectTrue(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

export function expectEqual<Value>(actual: Value, expected: Value, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Error(`${what}: expected ${show(expected)}, saw ${show(actual)}.`);
  }
}

export function expectBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(actual, expected) === 0) return;
  const length = Math.min(actual.byteLength, expected.byteLength);
  let offset = 0;
  while (offset < length && actual[offset] === expected[offset]) offset += 1;
  throw new Error(
    `${what}: expected ${String(expected.byteLength)} bytes, saw ${String(actual.byteLength)}; ` +
      `they differ from byte ${String(offset)}: expected ${excerpt(expected, offset)}, saw ${excerpt(actual, offset)}.`,
  );
}

/** @returns the error, for a look at its details. */
export async function expectRejection<Code extends ErrorCode>(
  promise: Promise<unknown>,
  codes: readonly Code[],
  what: string,
): Promise<SandboxAgentErrorOf<Code>> {
  const expected = `expected a SandboxAgentError with code ${codes.join(" or ")}`;
  const outcome = await outcomeOf(promise);
  if (outcome.status === "resolved") throw new Error(`${what}: ${expected}, but it resolved.`);
  for (const code of codes) {
    if (SandboxAgentError.is(outcome.reason, code)) return outcome.reason;
  }
  throw new Error(`${what}: ${expected}, saw ${describeError(outcome.reason)}.`, { cause: outcome.reason });
}

export async function expectAbort(promise: Promise<unknown>, reason: unknown, what: string): Promise<void> {
  const outcome = await outcomeOf(promise);
  if (outcome.status === "resolved")
    throw new Error(`${what}: expected a rejection with signal.reason, but it resolved.`);
  if (outcome.reason !== reason) {
    throw new Error(
      `${what}: expected a rejection with signal.reason itself, saw ${describeError(outcome.reason)}.`,
      {
        cause: outcome.reason,
      },
    );
  }
}

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 } as const;

/**
 * A provider whose signals are native tells a death by signal from an exit code of 128 and more. Others may hand on
 * what a shell would say, where nobody can tell the two apart.
 */
export function expectExit(
  { capabilities }: SandboxProvider,
  exit: ProcessExit,
  expected: number | keyof typeof signalNumbers,
  what: string,
): void {
  const name = Object.entries(signalNumbers).find(([, number]) => 128 + number === expected)?.[0];
  const exact: ProcessExit =
    typeof expected === "number" ? { code: expected, signal: null } : { code: null, signal: expected };
  const alike: ProcessExit =
    typeof expected === "number"
      ? { code: null, signal: name ?? null }
      : { code: 128 + signalNumbers[expected], signal: null };
  const mayBeAlike =
    capabilities.signals !== "native" && (typeof expected === "string" || name !== undefined);
  if (!(mayBeAlike && isDeepStrictEqual({ ...exit }, alike))) expectEqual({ ...exit }, exact, what);
}

export type Outcome<Value> =
  | { readonly status: "resolved"; readonly value: Value }
  | { readonly status: "rejected"; readonly reason: unknown };

export function outcomeOf<Value>(promise: Promise<Value>): Promise<Outcome<Value>> {
  return promise.then(
    (value) => ({ status: "resolved", value }),
    (reason: unknown) => ({ status: "rejected", reason }),
  );
}

export function describeError(error: unknown): string {
  if (SandboxAgentError.is(error)) return `${error.code} (${error.message})`;
  return error instanceof Error ? `${error.name}: ${error.message}` : show(error);
}

function show(value: unknown): string {
  const text = inspect(value, { depth: 4, breakLength: Infinity, maxStringLength: 200, maxArrayLength: 20 });
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

function excerpt(bytes: Uint8Array, offset: number): string {
  return offset >= bytes.byteLength
    ? "the end"
    : inspect(Buffer.from(bytes.subarray(offset, offset + 24)).toString("latin1"));
}
