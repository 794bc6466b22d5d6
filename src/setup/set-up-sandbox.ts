import { createHash } from "node:crypto";
import { errorText } from "../errors/error-text.ts";
import type { Redactor } from "../errors/redactor.ts";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { requireAbility } from "../sandbox/box-abilities.ts";
import { runCommand } from "../sandbox/run-command.ts";
import type { Progress, Sandbox, SandboxProvider, SandboxSpec } from "../spec/sandbox.ts";
import type { Setup } from "./setup.ts";
import { type SetupStep, setupSteps } from "./setup-steps.ts";

const defaultStepTimeoutMs = 600_000;
/** Of a failing step's output, its end. */
const shownOutputLength = 8192;

export interface SetUpOptions {
  readonly redactor: Redactor;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (progress: Progress) => void;
}

/**
 * Creates a sandbox and sets it up, from a snapshot of an earlier one where there is one.
 *
 * @throws SandboxAgentError `setup_failed`, and what `create` throws; `signal.reason` when it was aborted. No sandbox is
 * left behind in any case.
 */
export async function createSetUp<Box extends Sandbox>(
  provider: SandboxProvider<Box>,
  spec: SandboxSpec,
  setup: Setup,
  options: SetUpOptions,
): Promise<Box> {
  const steps = setupSteps(setup);
  for (const secret of steps.flatMap(({ secrets = [] }) => secrets)) options.redactor.add(secret);
  const kept = keptSteps(provider, setup, steps);
  const name = kept === 0 ? undefined : snapshotName(provider, spec, steps.slice(0, kept));
  const found = name === undefined ? undefined : await provider.snapshots?.find(name);
  const create = (snapshot: string | undefined): Promise<Box> =>
    provider.create(
      { ...spec, ...(snapshot === undefined ? {} : { snapshot }) },
      { ...(options.signal && { signal: options.signal }), onProgress: options.onProgress },
    );
  let sandbox = await create(found?.id);
  try {
    const context = { ...options, provider, setup, total: steps.length };
    if (found === undefined) {
      await runSteps(sandbox, steps.slice(0, kept), 0, context);
      const snapshot = name === undefined ? undefined : await keep(provider, sandbox, name, options);
      if (snapshot !== undefined && provider.snapshots?.endsSandbox === true) {
        await sandbox.destroy();
        sandbox = await create(snapshot);
      }
    }
    await runSteps(sandbox, steps.slice(kept), kept, context);
    return sandbox;
  } catch (error) {
    // The first failure is what counts.
    await sandbox.destroy().catch(() => undefined);
    throw error;
  }
}

/** How many of the first steps a snapshot can stand for. */
function keptSteps(provider: SandboxProvider, { cache = true }: Setup, steps: readonly SetupStep[]): number {
  if (!cache || provider.snapshots === undefined) return 0;
  const first = steps.findIndex(({ isRepeatable }) => !isRepeatable);
  return first === -1 ? steps.length : first;
}

/**
 * The same for the same provider with the same settings, the same working directory, environment and steps: commands may
 * do another thing with another environment.
 */
function snapshotName(
  provider: SandboxProvider,
  { cwd, env }: SandboxSpec,
  steps: readonly SetupStep[],
): string {
  const hash = createHash("sha256");
  const variables = Object.entries(env).sort(([left], [right]) => (left < right ? -1 : 1));
  hash.update(JSON.stringify([provider.name, provider.describe?.() ?? {}, cwd ?? "", variables]));
  for (const { action } of steps) {
    hash.update("\0");
    if ("argv" in action) hash.update(JSON.stringify([action.argv, action.asRoot]));
    else hash.update(`${JSON.stringify(action.path)}\0`).update(action.content);
  }
  return `setup-${hash.digest("hex").slice(0, 32)}`;
}

/** A snapshot that cannot be made costs time the next time, and nothing else. */
async function keep(
  provider: SandboxProvider,
  sandbox: Sandbox,
  name: string,
  { signal, onProgress }: SetUpOptions,
): Promise<string | undefined> {
  onProgress({ phase: "prepare", message: "Keeping what was set up as a snapshot" });
  try {
    const snapshots = requireAbility(provider, sandbox, "snapshot");
    return (await snapshots.snapshot({ name, ...(signal && { signal }) })).id;
  } catch (error) {
    signal?.throwIfAborted();
    onProgress({ phase: "prepare", message: `No snapshot was kept: ${errorText(error)}` });
    return undefined;
  }
}

interface StepContext extends SetUpOptions {
  readonly provider: SandboxProvider;
  readonly setup: Setup;
  readonly total: number;
}

async function runSteps(
  sandbox: Sandbox,
  steps: readonly SetupStep[],
  before: number,
  context: StepContext,
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    context.signal?.throwIfAborted();
    const fraction = (before + index) / context.total;
    const message = `Setting up: ${context.redactor.redact(step.name)}`;
    context.onProgress({ phase: "prepare", message, fraction });
    await runStep(sandbox, step, context);
  }
}

async function runStep(sandbox: Sandbox, step: SetupStep, context: StepContext): Promise<void> {
  const { provider, setup, signal, redactor } = context;
  const { action } = step;
  const name = redactor.redact(step.name);
  if ("path" in action) {
    try {
      await sandbox.files.write(action.path, action.content, signal && { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw setupFailure(name, { output: redactor.redact(errorText(error)), cause: error });
    }
    return;
  }
  const isRoot = action.asRoot && provider.capabilities.users !== "none";
  const output: Uint8Array[] = [];
  try {
    const { exitCode } = await runCommand(
      sandbox,
      {
        argv: action.argv,
        ...(action.env === undefined ? {} : { env: action.env }),
        ...(isRoot ? { user: "root" } : {}),
      },
      {
        signal,
        timeoutMs: setup.stepTimeoutMs ?? defaultStepTimeoutMs,
        onOutput: (chunk) => output.push(chunk),
      },
    );
    if (exitCode !== 0) throw setupFailure(name, { output: shown(output, redactor), exitCode });
  } catch (error) {
    signal?.throwIfAborted();
    if (!SandboxAgentError.is(error, "exec_timeout") && !SandboxAgentError.is(error, "spawn_failed"))
      throw error;
    throw setupFailure(name, { output: `${shown(output, redactor)}${error.reason}`, cause: error });
  }
}

function shown(output: readonly Uint8Array[], redactor: Redactor): string {
  return redactor.redact(Buffer.concat(output).toString()).slice(-shownOutputLength);
}

function setupFailure(
  step: string,
  facts: { readonly output: string; readonly exitCode?: number; readonly cause?: unknown },
): SandboxAgentError<"setup_failed"> {
  const { output, exitCode, cause } = facts;
  const how = exitCode === undefined ? "failed" : `ended with exit code ${String(exitCode)}`;
  return new SandboxAgentError("setup_failed", `The set-up step "${step}" ${how}.\n${output}`, {
    details: { step, output, ...(exitCode === undefined ? {} : { exitCode }) },
    cause,
  });
}
