import {
  checkConnectOptions,
  checkSessionOptions,
  checkStartOptions,
  type ConnectOptions,
  type CreateSessionOptions,
  type SessionDefaults,
  type StartOptions,
} from "./agent-options.ts";
import { Redactor } from "./errors/redactor.ts";
import { SandboxAgentError } from "./errors/sandbox-agent-error.ts";
import { isPositiveNumber, validateOptions } from "./kit/validate-options.ts";
import { addMcpSecrets, addSecrets, agentEnvironment } from "./sandbox/credentials.ts";
import { exec, type ExecOptions, type ExecResult } from "./sandbox/exec.ts";
import { completeLabels } from "./sandbox/labels.ts";
import { type PreparedCli, prepareCli } from "./sandbox/prepare-cli.ts";
import { quietProgress } from "./sandbox/quiet-progress.ts";
import { SharedPreparations } from "./sandbox/shared-preparation.ts";
import { planPolicy, planSession, refuseUnknownModel, type SessionPlan } from "./session-plan.ts";
import { Session } from "./session/session.ts";
import type { AgentBackend } from "./spec/backend.ts";
import type { Environment, Progress, Sandbox, SandboxFiles, SandboxProvider } from "./spec/sandbox.ts";

export interface DetachOptions {
  /** How long the sandbox lives on. Default: 3,600,000 (one hour). */
  readonly ttlMs?: number;
}

interface BoxParts {
  readonly provider: SandboxProvider;
  readonly sandbox: Sandbox;
  readonly defaults: SessionDefaults;
  readonly env: Environment;
  readonly redactor: Redactor;
  readonly onProgress: (progress: Progress) => void;
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
export class SandboxAgent implements AsyncDisposable {
  readonly #parts: BoxParts;
  readonly #sessions = new Set<Session>();
  readonly #preparations = new SharedPreparations();
  /** Ends what is being started when the box goes away. */
  #closing = new AbortController();
  #isEnded = false;
  #detaching: Promise<void> | undefined;
  #destroying: Promise<void> | undefined;

  private constructor(parts: BoxParts) {
    this.#parts = parts;
  }

  /**
   * Creates a sandbox. Options, permissions and credentials are checked before anything starts.
   *
   * @throws TypeError for a malformed option.
   * @throws SandboxAgentError `credential_missing`, `unsupported`, `provider_unavailable`, `image_unavailable`,
   * `sandbox_create_failed`; `signal.reason` when it was aborted. Nothing is left behind in any case.
   */
  static async start(options: StartOptions): Promise<SandboxAgent> {
    checkStartOptions(options);
    const { sandbox: provider, cwd, signal } = options;
    const env = options.env ?? {};
    const redactor = checkBox(options, env);
    const labels = completeLabels(options.labels);
    const onProgress = quietProgress(options.onProgress);
    signal?.throwIfAborted();
    const sandbox = await provider.create(
      { env, labels, ...(cwd === undefined ? {} : { cwd }) },
      { ...(signal && { signal }), onProgress },
    );
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
    return new SandboxAgent({ provider, sandbox, defaults: options, env, redactor, onProgress });
  }

  /**
   * Takes up a sandbox that exists, also one that another process started. It does not become this process's own: it
   * lives as long as it would have, unless `destroy()` is called.
   *
   * @throws TypeError for a malformed option.
   * @throws SandboxAgentError `sandbox_not_found`, `provider_unavailable`.
   */
  static async connect(options: ConnectOptions): Promise<SandboxAgent> {
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
    return new SandboxAgent({ provider, sandbox, defaults: options, env, redactor, onProgress });
  }

  /** With the provider's prefix: `docker/3f2a…`. `SandboxAgent.connect` takes it. */
  get id(): string {
    return `${this.#parts.provider.name}/${this.#parts.sandbox.id}`;
  }

  /** The provider's own object. */
  get sandbox(): Sandbox {
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
   * @throws SandboxAgentError `unsupported` where a sandbox cannot outlive its host.
   */
  async detach(options: DetachOptions = {}): Promise<void> {
    validateOptions("box.detach()", options, { ttlMs: isPositiveNumber });
    const { ttlMs = 3_600_000 } = options;
    this.#throwIfEnded();
    const { provider, sandbox } = this.#parts;
    if (provider.capabilities.detach === "none") {
      throw new SandboxAgentError("unsupported", `A sandbox of ${provider.name} cannot outlive its host.`, {
        details: { subject: provider.name, feature: "detach" },
      });
    }
    this.#isEnded = true;
    this.#closing.abort(this.#closedError());
    this.#detaching = (async () => {
      await Promise.all([...this.#sessions].map((session) => session.close()));
      await sandbox.detach({ ttlMs });
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

  async #destroy(): Promise<void> {
    this.#closing.abort(this.#closedError());
    const destroyed = this.#parts.sandbox.destroy();
    await Promise.all([...this.#sessions].map((session) => session.abandon(destroyed)));
    await destroyed;
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
        },
      },
      executable,
    );
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

/** What can be found wrong with a box's defaults before there is a box. */
function checkBox(options: StartOptions | ConnectOptions, env: Environment): Redactor {
  const redactor = new Redactor();
  addSecrets(env, redactor);
  const { agent, sandbox } = options;
  if (agent !== undefined || options.permissions !== undefined) planPolicy(sandbox, options, {}, agent);
  if (agent !== undefined) {
    refuseUnknownModel(agent, agent.model, agentEnvironment(agent, [env], process.env, redactor));
  }
  return redactor;
}

/** @throws TypeError when the id is another provider's. */
function nativeId(provider: SandboxProvider, id: string): string {
  const slash = id.indexOf("/");
  if (slash === -1) return id;
  const prefix = id.slice(0, slash);
  if (prefix === provider.name) return id.slice(slash + 1);
  throw new TypeError(
    `SandboxAgent.connect(): the id ${JSON.stringify(id)} belongs to provider "${prefix}", received the provider "${provider.name}".`,
  );
}
