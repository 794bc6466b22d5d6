import {
  checkConnectOptions,
  checkSessionOptions,
  checkStartOptions,
  type ConnectOptions,
  type CreateSessionOptions,
  type SessionDefaults,
  type StartOptions,
} from "./agent-options.ts";
import type { Redactor } from "./errors/redactor.ts";
import { SandboxAgentError } from "./errors/sandbox-agent-error.ts";
import { isAbortSignal, isPositiveNumber, isStringRecord, validateOptions } from "./kit/validate-options.ts";
import { BoxAbilities, requireAbility } from "./sandbox/box-abilities.ts";
import { addMcpSecrets, agentEnvironment } from "./sandbox/credentials.ts";
import { detachTimeMs } from "./sandbox/detach-time.ts";
import { exec, type ExecOptions, type ExecResult } from "./sandbox/exec.ts";
import { completeLabels, type LabelFacts } from "./sandbox/labels.ts";
import { type PreparedCli, prepareCli } from "./sandbox/prepare-cli.ts";
import { quietProgress } from "./sandbox/quiet-progress.ts";
import { SharedPreparations } from "./sandbox/shared-preparation.ts";
import { holdFromSweep, sweep, type SweepOptions } from "./sandbox/sweep.ts";
import { checkBox, nativeId } from "./box-checks.ts";
import { planSession, refuseUnknownModel, type SessionPlan } from "./session-plan.ts";
import { Session } from "./session/session.ts";
import type { AgentBackend } from "./spec/backend.ts";
import type { SandboxAbilities, SandboxAbility } from "./spec/sandbox-abilities.ts";
import type {
  Environment,
  Labels,
  Progress,
  Sandbox,
  SandboxFiles,
  SandboxProvider,
} from "./spec/sandbox.ts";

/** Options of `box.detach()`. */
export interface DetachOptions {
  /** How long the sandbox lives on. Default: 3,600,000 (one hour), or what its label leaves where that is less. */
  readonly ttlMs?: number;
}

/** Options of `box.fork()`. */
export interface ForkOptions {
  /** Put on the new sandbox beside the library's own. */
  readonly labels?: Labels;
  readonly signal?: AbortSignal;
}

interface BoxParts<Box extends Sandbox> {
  readonly provider: SandboxProvider<Box>;
  readonly sandbox: Box;
  readonly defaults: SessionDefaults;
  readonly env: Environment;
  readonly redactor: Redactor;
  readonly onProgress: (progress: Progress) => void;
  readonly labelFacts: LabelFacts;
}

/**
 * A sandbox with agents in it. Owns the sandbox: `destroy()`, or the end of an `await using` block, ends everything
 * that runs there and removes it.
 *
 * @example
 * ```ts
 * await using box = await SandboxAgent.start({ sandbox: docker(), agent: claude() });
 * const session = await box.createSession();
 * const { text } = await session.prompt("What does this project do?");
 * ```
 */
export class SandboxAgent<Box extends Sandbox = Sandbox> extends BoxAbilities implements AsyncDisposable {
  readonly #parts: BoxParts<Box>;
  readonly #releaseFromSweep: () => void;
  readonly #sessions = new Set<Session>();
  readonly #preparations = new SharedPreparations();
  /** Ends what is being started when the box goes away. */
  #closing = new AbortController();
  #isEnded = false;
  #detaching: Promise<void> | undefined;
  #destroying: Promise<void> | undefined;

  private constructor(parts: BoxParts<Box>) {
    super();
    this.#parts = parts;
    this.#releaseFromSweep = holdFromSweep(parts.provider.name, parts.sandbox.id);
  }

  /**
   * Creates a sandbox. Options, permissions and credentials are checked before anything starts.
   *
   * @throws TypeError for a malformed option.
   * @throws SandboxAgentError `credential_missing`, `unsupported`, `provider_unavailable`, `image_unavailable`,
   * `sandbox_create_failed`, `setup_failed`; `signal.reason` when it was aborted. Nothing is left behind in any case.
   */
  static async start<Box extends Sandbox>(options: StartOptions<Box>): Promise<SandboxAgent<Box>> {
    checkStartOptions(options);
    const { sandbox: provider, cwd, ttlMs, signal, setup } = options;
    const env = options.env ?? {};
    const redactor = checkBox(options, env);
    const labels = completeLabels(options.labels, options);
    const onProgress = quietProgress(options.onProgress);
    signal?.throwIfAborted();
    const spec = {
      ...{ env, labels },
      ...(cwd === undefined ? {} : { cwd }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    };
    let sandbox: Box;
    if (setup === undefined) {
      sandbox = await provider.create(spec, { ...(signal && { signal }), onProgress });
    } else {
      const { createSetUp } = await import("./setup/set-up-sandbox.ts");
      sandbox = await createSetUp(provider, spec, setup, { redactor, signal, onProgress });
    }
    onProgress({
      phase: "ready",
      message: `The sandbox ${provider.name}/${sandbox.id} is ready`,
      fraction: 1,
    });
    if (signal?.aborted === true) {
      // Aborted too late for the provider to notice; the caller will never see this sandbox.
      await sandbox.destroy().catch(() => undefined);
      throw signal.reason;
    }
    return new SandboxAgent({
      ...{ provider, sandbox, env, redactor, onProgress },
      defaults: options,
      labelFacts: options,
    });
  }

  /**
   * Takes up a sandbox that exists, also one that another process started. It does not become this process's own: it
   * lives as long as it would have, unless `destroy()` is called.
   *
   * @throws TypeError for a malformed option.
   * @throws SandboxAgentError `sandbox_not_found`, `provider_unavailable`.
   */
  static async connect<Box extends Sandbox>(options: ConnectOptions<Box>): Promise<SandboxAgent<Box>> {
    checkConnectOptions(options);
    const { sandbox: provider, cwd, signal } = options;
    const env = options.env ?? {};
    const redactor = checkBox(options, env);
    const onProgress = quietProgress(options.onProgress);
    const id = nativeId(provider, options.id);
    signal?.throwIfAborted();
    const sandbox = await provider.connect(
      id,
      { env, ...(cwd === undefined ? {} : { cwd }) },
      { ...(signal && { signal }), onProgress },
    );
    signal?.throwIfAborted();
    return new SandboxAgent({
      ...{ provider, sandbox, env, redactor, onProgress },
      defaults: options,
      labelFacts: {},
    });
  }

  /**
   * Removes what this owner has left and whose time is over, for example after a crash; what others own, and what this
   * process uses, is left alone. Returns the ids of what was removed.
   *
   * @throws TypeError for a malformed option.
   * @throws SandboxAgentError `provider_unavailable` and the like.
   *
   * @example
   * ```ts
   * const removed = await SandboxAgent.sweep({ sandbox: docker(), owner: "review-bot" });
   * ```
   */
  static async sweep(options: SweepOptions): Promise<readonly string[]> {
    return sweep(options);
  }

  /** With the provider's prefix: `docker/3f2a…`. `SandboxAgent.connect` takes it. */
  get id(): string {
    return `${this.#parts.provider.name}/${this.#parts.sandbox.id}`;
  }

  /** The provider's own object; its type has the abilities that this provider's sandboxes have. */
  get sandbox(): Box {
    return this.#parts.sandbox;
  }

  get files(): SandboxFiles {
    return this.#parts.sandbox.files;
  }

  get cwd(): string {
    return this.#parts.sandbox.cwd;
  }

  /** The sessions that are open. */
  get sessions(): readonly Session[] {
    return [...this.#sessions];
  }

  /**
   * Runs a command to its end. An exit code other than 0 is no error.
   *
   * @throws TypeError for a malformed option.
   * @throws SandboxAgentError `exec_timeout`, `output_too_large`, `spawn_failed`, `sandbox_lost`, `sandbox_closed`;
   * `signal.reason` when it was aborted. The command and its children are killed first.
   *
   * @example
   * ```ts
   * const { exitCode, stdout } = await box.exec(["npm", "test"], { timeoutMs: 60_000 });
   * ```
   */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    this.#throwIfEnded();
    return exec(this.#parts.sandbox, this.#parts.env, argv, options);
  }

  /**
   * Opens a conversation with an agent. Its CLI is found in the sandbox, or installed there from npm.
   *
   * @throws TypeError for a malformed option.
   * @throws SandboxAgentError `credential_missing`, `unsupported`, `cli_missing`, `cli_install_failed`,
   * `session_start_failed`, `sandbox_lost`, `sandbox_closed`; `signal.reason` when it was aborted. No process is left
   * behind in any case.
   */
  async createSession(options: CreateSessionOptions = {}): Promise<Session> {
    checkSessionOptions(options);
    this.#throwIfEnded();
    const { provider, sandbox, defaults, redactor } = this.#parts;
    const plan = planSession(provider, defaults, options, sandbox.cwd);
    const layers = [this.#parts.env, options.env ?? {}];
    const env = agentEnvironment(plan.backend, layers, process.env, redactor);
    refuseUnknownModel(plan.backend, options.model ?? plan.backend.model, env);
    const signal = AbortSignal.any([this.#closing.signal, ...(options.signal ? [options.signal] : [])]);
    signal.throwIfAborted();
    addMcpSecrets(plan.input.mcpServers, redactor);
    const { stateDirectory, executable, progress } = await this.#prepare(plan.backend, env, signal);
    signal.throwIfAborted();
    const session = this.#open(plan, env, stateDirectory, executable);
    for (const item of progress) session.progress(item);
    await session.start(signal);
    return session;
  }

  /**
   * Lets go of the sandbox and closes its sessions: it lives on for `ttlMs` and can be taken up with
   * `SandboxAgent.connect`, then it ends by itself.
   *
   * @throws SandboxAgentError `unsupported` where a sandbox cannot outlive its host, or not for so long: its label says
   * when it may be swept up (`ttlMs` of the start), and not every provider can change that.
   */
  async detach(options: DetachOptions = {}): Promise<void> {
    validateOptions("box.detach()", options, { ttlMs: isPositiveNumber });
    this.#throwIfEnded();
    const { provider, sandbox } = this.#parts;
    if (provider.capabilities.detach === "none") {
      throw new SandboxAgentError("unsupported", `A sandbox of ${provider.name} cannot outlive its host.`, {
        details: { subject: provider.name, feature: "detach" },
      });
    }
    const ttlMs = detachTimeMs(provider, sandbox.labels, options.ttlMs);
    this.#isEnded = true;
    this.#closing.abort(this.#closedError());
    this.#detaching = (async () => {
      await Promise.all([...this.#sessions].map((session) => session.close()));
      await sandbox.detach({ ttlMs });
      this.#releaseFromSweep();
    })();
    try {
      await this.#detaching;
    } catch (error) {
      this.#detaching = undefined;
      if (this.#destroying === undefined) {
        this.#isEnded = false;
        this.#closing = new AbortController();
      }
      throw error;
    }
  }

  /**
   * Ends every process and removes the sandbox. Calling it again is fine, also to try again where it failed; after
   * `detach()` it does nothing.
   */
  async destroy(): Promise<void> {
    if (this.#detaching !== undefined && (await isFulfilled(this.#detaching))) return;
    this.#isEnded = true;
    this.#destroying ??= this.#destroy();
    try {
      await this.#destroying;
    } catch (error) {
      this.#destroying = undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  /**
   * Makes another box with a copy of the files, and the same defaults.
   *
   * @throws SandboxAgentError `unsupported`, and what a start throws.
   */
  async fork(options: ForkOptions = {}): Promise<SandboxAgent> {
    validateOptions("box.fork()", options, { labels: isStringRecord, signal: isAbortSignal });
    const { labelFacts, ...rest } = this.#parts;
    const labels = completeLabels(options.labels, labelFacts);
    const sandbox = await this.ability("fork").fork({ ...options, labels });
    return new SandboxAgent<Sandbox>({ ...rest, labelFacts, sandbox });
  }

  protected override ability<Name extends SandboxAbility>(name: Name): SandboxAbilities[Name] {
    this.#throwIfEnded();
    return requireAbility(this.#parts.provider, this.#parts.sandbox, name);
  }

  async #destroy(): Promise<void> {
    this.#closing.abort(this.#closedError());
    const destroyed = this.#parts.sandbox.destroy();
    // It may fail long before a session that is already being closed has ended, and only then is it looked at.
    destroyed.catch(() => undefined);
    await Promise.all([...this.#sessions].map((session) => session.abandon(destroyed)));
    await destroyed;
    this.#releaseFromSweep();
  }

  #open(plan: SessionPlan, env: Environment, stateDirectory: string, executable: string): Session {
    const { backend, policy, options, input, resume } = plan;
    const { sandbox, redactor, defaults } = this.#parts;
    const session = new Session(
      {
        ...{ backend, sandbox, env, policy, resume, redactor },
        input: { ...input, stateDirectory },
        model: options.model ?? backend.model,
        onQuestion: options.onQuestion ?? defaults.onQuestion,
        permissionTimeoutMs: options.permissionTimeoutMs,
        includeRaw: options.includeRaw ?? false,
        history: options.history ?? {},
        retry: options.retry,
        prices: options.prices ?? {},
        onClosed: (closed) => {
          this.#sessions.delete(closed);
          release?.();
        },
      },
      executable,
    );
    const release = sandbox.hold?.();
    this.#sessions.add(session);
    return session;
  }

  /** Finds or installs the CLI once for each backend and box; a failure may be mended, so it is not remembered. */
  async #prepare(
    backend: AgentBackend,
    env: Environment,
    signal: AbortSignal,
  ): Promise<PreparedCli & { readonly progress: readonly Progress[] }> {
    const { sandbox, redactor, onProgress } = this.#parts;
    const { name, command, cli, install } = backend;
    // What is found depends on these two, and an installation that is refused to one session may be fine for another.
    const key = JSON.stringify([name, command, cli.version, install, env["HOME"], env["PATH"]]);
    const progress: Progress[] = [];
    const prepared = await this.#preparations.get(
      key,
      (shared, tell) => {
        const tellAll = (item: Progress): void => {
          tell(item);
          onProgress(item);
        };
        return prepareCli(sandbox, backend, { env, redactor, signal: shared, onProgress: tellAll });
      },
      { signal, onProgress: (item) => progress.push(item) },
    );
    return { ...prepared, progress };
  }

  #throwIfEnded(): void {
    if (this.#isEnded) throw this.#closedError();
  }

  #closedError(): SandboxAgentError<"sandbox_closed"> {
    return new SandboxAgentError("sandbox_closed", `The box ${this.id} was destroyed or detached.`, {
      details: { id: this.id },
    });
  }
}

async function isFulfilled(promise: Promise<void>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}
