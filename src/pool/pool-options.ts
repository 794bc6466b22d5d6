import { type CreateSessionOptions, checkSessionOptions, checkStartOptions } from "../agent-options.ts";
import type { StartOptions } from "../agent-options.ts";
import { checkBox } from "../box-checks.ts";
import { isJsonObject } from "../kit/json.ts";
import {
  isAbortSignal,
  isBoolean,
  isDurationMs,
  isFunction,
  isPositiveInteger,
  show,
  type OptionCheck,
  validateOptions,
} from "../kit/validate-options.ts";
import { agentEnvironment } from "../sandbox/credentials.ts";
import { completeLabels } from "../sandbox/labels.ts";
import { planSession, refuseUnknownModel } from "../session-plan.ts";
import type { AgentBackend } from "../spec/backend.ts";
import type { Sandbox } from "../spec/sandbox.ts";
import type { Backoff } from "../spec/session-policies.ts";
import type { PoolEvent } from "./pool-event.ts";

/** The options of the session that each sandbox has ready. There is nothing to resume in a sandbox that is new. */
export type PoolSessionOptions = Omit<CreateSessionOptions, "signal" | "resume" | "fork">;

/** Beside those of `SandboxAgent.start`, which each sandbox is started with. */
export interface SandboxPoolOptions<Box extends Sandbox = Sandbox> extends StartOptions<Box> {
  /** How many sandboxes are kept ready. Default 1; 0 makes them when they are asked for. */
  readonly size?: number;
  /**
   * How many sandboxes there are at most, in any state: ready, taken, being made or being removed. Default: 10, or
   * `size` where that is more.
   */
  readonly maxSize?: number;
  /** How many sandboxes are made at a time. Default 2. */
  readonly concurrency?: number;
  /** For how long a sandbox waits to be taken; it is replaced before. Default: as long as `ttlMs`, where that is given. */
  readonly idleTtlMs?: number;
  /** How long `take()` waits at most. Default: 60,000. */
  readonly takeTimeoutMs?: number;
  /** How long one sandbox may take to be made, the installation of the CLI included. Default: 600,000. */
  readonly createTimeoutMs?: number;
  /** The delay after a failure, which doubles from one to the next. Default: 500 ms to 30 s. */
  readonly backoff?: Backoff;
  /** The session of each sandbox. */
  readonly session?: PoolSessionOptions;
  /**
   * Whether the sandbox is asked whether it is still there before it is handed out, which takes as long as starting a
   * process. Default: only with an agent in mode `"turn"`; otherwise the end of the agent's process tells, some
   * milliseconds after it happens.
   */
  readonly checkOnTake?: boolean;
  /** Told what the pool does, in order. What it throws becomes a process warning and harms nobody. */
  readonly onEvent?: (event: PoolEvent) => void;
  /** Closes the pool. */
  readonly signal?: AbortSignal;
}

/** How long `pool.take` waits. */
export interface TakeOptions {
  /** Gives up waiting; `take()` then rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Instead of the pool's `takeTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** @internal Options that were checked, with what was left out filled in. */
export interface PoolPlan<Box extends Sandbox> {
  readonly start: StartOptions<Box>;
  readonly session: PoolSessionOptions;
  readonly size: number;
  readonly maxSize: number;
  readonly concurrency: number;
  /** Absent where a sandbox may wait for ever. */
  readonly idleTtlMs: number | undefined;
  readonly takeTimeoutMs: number;
  readonly createTimeoutMs: number;
  readonly backoff: Backoff;
  readonly checkOnTake: boolean;
}

const isCount: OptionCheck = (value) =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0
    ? undefined
    : "a whole number, 0 or above";

const isBackoff: OptionCheck = (value) => {
  const isRight =
    isJsonObject(value) &&
    Object.keys(value).every((name) => name === "initialMs" || name === "maxMs") &&
    isDurationMs(value["initialMs"]) === undefined &&
    isDurationMs(value["maxMs"]) === undefined &&
    Number(value["initialMs"]) <= Number(value["maxMs"]);
  return isRight ? undefined : "an object { initialMs, maxMs } of milliseconds, the first at most the second";
};

const isSessionOptions: OptionCheck = (value) => {
  if (!isJsonObject(value)) return "an object of options of createSession()";
  const refused = ["signal", "resume", "fork"].find((name) => value[name] !== undefined);
  return refused === undefined
    ? undefined
    : `without ${show(refused)}: the session is made beforehand, in a sandbox that is new`;
};

const poolChecks: { readonly [name: string]: OptionCheck } = {
  size: isCount,
  maxSize: isPositiveInteger,
  concurrency: isPositiveInteger,
  idleTtlMs: isDurationMs,
  takeTimeoutMs: isDurationMs,
  createTimeoutMs: isDurationMs,
  backoff: isBackoff,
  session: isSessionOptions,
  checkOnTake: isBoolean,
  onEvent: isFunction,
};

/**
 * Checks everything that can be known to be wrong before a sandbox is made.
 *
 * @throws TypeError that names the option; SandboxAgentError `unsupported`, `credential_missing`, `model_not_found`.
 */
export function planPool<Box extends Sandbox>(options: SandboxPoolOptions<Box>): PoolPlan<Box> {
  checkStartOptions(options, "new SandboxPool()", poolChecks);
  const {
    size = 1,
    maxSize = Math.max(10, size),
    concurrency = 2,
    idleTtlMs,
    takeTimeoutMs = 60_000,
    createTimeoutMs = 600_000,
    backoff = { initialMs: 500, maxMs: 30_000 },
    session = {},
    checkOnTake,
    onEvent: _onEvent,
    signal: _signal,
    ...start
  } = options;
  checkSessionOptions(session, "new SandboxPool({ session })");
  requireWithin("new SandboxPool()", size, maxSize);
  const { mode } = planAgent(start, session);
  return {
    ...{ start, session, size, maxSize, concurrency, takeTimeoutMs, createTimeoutMs, backoff },
    idleTtlMs: shorter(idleTtlMs, start.ttlMs),
    checkOnTake: checkOnTake ?? mode === "turn",
  };
}

/** @throws TypeError when more would be kept ready than there may be. */
export function requireWithin(owner: string, size: number, maxSize: number): void {
  if (size <= maxSize) return;
  throw new TypeError(
    `${owner}: option "size" must be at most "maxSize" (${String(maxSize)}), received ${String(size)}.`,
  );
}

/** @throws TypeError that names the option. */
export function checkSize(owner: string, size: number): void {
  validateOptions(owner, { size }, { size: isCount });
}

/** @throws TypeError that names the option. */
export function checkTakeOptions(options: unknown): void {
  validateOptions("pool.take()", options, { signal: isAbortSignal, timeoutMs: isDurationMs });
}

/** What a start and a session of it would refuse is refused here, once, instead of being tried again and again. */
function planAgent(options: StartOptions, session: PoolSessionOptions): AgentBackend {
  const { sandbox, env = {}, cwd = "/" } = options;
  if (options.agent === undefined && session.agent === undefined) {
    throw new TypeError(
      'new SandboxPool(): option "agent" is required, for example claude() from playpen/claude.',
    );
  }
  completeLabels(options.labels, options);
  const redactor = checkBox(options, env);
  const { backend } = planSession(sandbox, options, session, cwd);
  const environment = agentEnvironment(backend, [env, session.env ?? {}], process.env, redactor);
  refuseUnknownModel(backend, session.model ?? backend.model, environment);
  return backend;
}

function shorter(left: number | undefined, right: number | undefined): number | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return Math.min(left, right);
}
