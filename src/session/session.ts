import type { StandardSchemaV1 } from "@standard-schema/spec";
import { randomUUID } from "node:crypto";
import PQueue from "p-queue";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import type { Redactor } from "../errors/redactor.ts";
import type { EventCursor } from "../log/event-cursor.ts";
import { EventLog, type EventListener, type SubscribeOptions } from "../log/event-log.ts";
import { listenerWarning } from "../kit/call-listener.ts";
import { deferred } from "../kit/deferred.ts";
import { onAbort } from "../kit/on-abort.ts";
import { isArgument, show } from "../kit/validate-options.ts";
import type { CompiledPolicy } from "../permissions/permission-policy.ts";
import type { AgentBackend, AgentSessionInput, ModelInfo, NativeSession } from "../spec/backend.ts";
import type { PromptInput } from "../spec/content.ts";
import type { QuestionHandler } from "../spec/permissions.ts";
import type { Environment, Progress, Sandbox } from "../spec/sandbox.ts";
import type { PriceTable, RetryPolicy } from "../spec/session-policies.ts";
import type { TurnResult } from "../spec/turn-result.ts";
import type { Usage } from "../spec/usage.ts";
import { AgentDriver } from "./agent-driver.ts";
import { HostRequests } from "./host-requests.ts";
import { checkPrompt } from "./prompt-content.ts";
import { checkPromptOptions, checkSubscribeOptions } from "./prompt-options.ts";
import { costOf } from "./prices.ts";
import { defaultRepairs, StructuredOutput } from "./structured-output.ts";
import { TurnLedger } from "./turn-ledger.ts";
import { TurnReview } from "./turn-review.ts";
import { TurnRunner } from "./turn-runner.ts";
import { type PromptOptions, type StructuredPromptOptions, Turn } from "./turn.ts";
import { addUsage } from "./usage-sum.ts";

/** The models of an agent, and who says so. */
export interface ModelList {
  readonly source: "cli" | "documented";
  readonly models: readonly ModelInfo[];
}

/** What a session is at: nothing to do, at least one turn queued or running, or closed for good. */
export type SessionStatus = "idle" | "running" | "closed";

/** @internal What `SandboxAgent.createSession` puts together. */
export interface SessionParts {
  readonly backend: AgentBackend;
  readonly sandbox: Sandbox;
  readonly input: AgentSessionInput;
  readonly env: Environment;
  readonly model: string | undefined;
  readonly resume: NativeSession | undefined;
  readonly policy: CompiledPolicy;
  readonly onQuestion: QuestionHandler | undefined;
  readonly permissionTimeoutMs: number | undefined;
  readonly includeRaw: boolean;
  readonly retry: RetryPolicy | undefined;
  readonly prices: PriceTable;
  readonly history: { readonly maxEvents?: number; readonly maxBytes?: number };
  readonly redactor: Redactor;
  readonly onClosed: (session: Session) => void;
}

/**
 * One conversation with an agent. Prompts run one at a time, first in, first out; every event of them stands in one
 * ordered log.
 */
export class Session implements AsyncDisposable {
  readonly id: string;
  /** The backend's name. */
  readonly agent: string;
  readonly cwd: string;
  readonly #parts: SessionParts;
  readonly #log: EventLog;
  readonly #ledger: TurnLedger;
  readonly #driver: AgentDriver;
  readonly #requests: HostRequests;
  readonly #runner: TurnRunner;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #waiting = new Set<Turn>();
  #closing: Promise<void> | undefined;
  #usage: Usage = { inputTokens: 0, outputTokens: 0 };
  #costUsd: number | undefined;
  /** The model as the agent calls it, which the host may have left to it. */
  #toldModel: string | undefined;

  /** @internal Made by `SandboxAgent.createSession`. */
  constructor(parts: SessionParts, executable: string) {
    this.id = parts.input.sessionId;
    this.agent = parts.backend.name;
    this.cwd = parts.input.cwd;
    this.#parts = parts;
    this.#log = new EventLog(this.id, {
      ...parts.history,
      onListenerError: listenerWarning(`A listener of session ${this.id}`, "session"),
    });
    this.#ledger = new TurnLedger(this.id, {
      log: this.#log,
      holds: (body, cause) => this.#runner.holds({ body, cause }),
      ended: (result, cause) => {
        this.#turnEnded(result, cause);
      },
      costOf: (usage) => {
        const model = this.#driver.model ?? this.#toldModel;
        const price = model === undefined ? undefined : parts.prices[model];
        return price && costOf(usage, price);
      },
      now: () => performance.now(),
    });
    const { backend, sandbox, input, env, model, resume, includeRaw, redactor } = parts;
    this.#driver = new AgentDriver({
      ...{ backend, sandbox, input, executable, env, model, resume, includeRaw, redactor },
      log: this.#log,
      ledger: this.#ledger,
      onEvent: (body) => {
        this.#requests.observe(body);
        if (body.type === "session.started" || body.type === "session.updated")
          this.#toldModel = body.model ?? this.#toldModel;
      },
    });
    this.#requests = new HostRequests({
      sessionId: this.id,
      cwd: input.cwd,
      agent: backend.name,
      policy: parts.policy,
      onQuestion: parts.onQuestion,
      permissionTimeoutMs: parts.permissionTimeoutMs,
      updatedInput: backend.capabilities.updatedInput,
      redactor,
      ledger: this.#ledger,
      reply: (answer) => {
        this.#driver.reply(answer);
      },
    });
    this.#runner = new TurnRunner({
      ...{ backend, sandbox, input, redactor },
      ...{ log: this.#log, ledger: this.#ledger, driver: this.#driver, requests: this.#requests },
    });
  }

  get status(): SessionStatus {
    if (this.#closing !== undefined) return "closed";
    return this.#ledger.turnId === undefined && this.#waiting.size === 0 ? "idle" : "running";
  }

  /** The CLI's own id for the conversation, once it has told it. With it another process can resume the session. */
  get nativeSessionId(): string | undefined {
    return this.#driver.nativeSessionId;
  }

  get model(): string | undefined {
    return this.#driver.model;
  }

  /** The sum over the session's turns. */
  get usage(): Usage {
    return this.#usage;
  }

  /** US dollars over the session's turns; absent where the CLI tells no cost. */
  get costUsd(): number | undefined {
    return this.#costUsd;
  }

  /**
   * Queues a prompt and returns its turn at once. With a `schema` the turn's `output` is a value of it; an agent that
   * gives another is asked again.
   *
   * @throws TypeError when the prompt or an option is malformed.
   * @throws SandboxAgentError `session_closed`; `unsupported` for images that the agent cannot take.
   *
   * @example
   * ```ts
   * const { output } = await session.prompt("Which files are too long?", { schema: z.array(z.string()) });
   * ```
   */
  prompt<Schema extends StandardSchemaV1>(
    input: PromptInput,
    options: StructuredPromptOptions<Schema> & { readonly reject?: true },
  ): Turn<TurnResult & { readonly output: StandardSchemaV1.InferOutput<Schema> }>;
  prompt<Schema extends StandardSchemaV1>(
    input: PromptInput,
    options: StructuredPromptOptions<Schema>,
  ): Turn<TurnResult & { readonly output?: StandardSchemaV1.InferOutput<Schema> }>;
  prompt(input: PromptInput, options?: PromptOptions): Turn;
  prompt(input: PromptInput, options: PromptOptions & Partial<StructuredPromptOptions> = {}): Turn {
    const parts = checkPrompt(input, this.#parts.backend);
    checkPromptOptions(options);
    const { schema, jsonSchema, repairs = defaultRepairs } = options;
    const output =
      schema && new StructuredOutput({ schema, ...(jsonSchema === undefined ? {} : { jsonSchema }) });
    this.#throwIfClosed();
    const position = this.#waiting.size + (this.#ledger.turnId === undefined ? 0 : 1);
    const turnId = randomUUID();
    const queued = this.#log.append({ type: "turn.queued", turnId, position });
    const turn = new Turn({ ...queued, turnId }, options, {
      log: this.#log,
      interrupt: (target) => this.#interruptTurn(target),
      steer: (target, message) => this.#steer(target, message),
    });
    this.#waiting.add(turn);
    const stop = options.signal && onAbort(options.signal, () => void this.#interruptTurn(turn));
    // A listener may have closed the session when it was told of the queued turn.
    if (options.signal?.aborted === true || this.#closing !== undefined) this.#cancelWaiting(turn);
    const review = new TurnReview({
      retry: this.#parts.retry,
      output,
      repairs,
      log: (event) => void this.#log.append(event),
    });
    void this.#queue
      .add(async () => {
        if (this.#waiting.delete(turn)) await this.#runner.run(turn, { parts, output, review, options });
      })
      .finally(() => stop?.());
    return turn;
  }

  /**
   * The events from `from` on (default: those to come), then live ones; ends when the session does. A subscriber that
   * falls behind the bound of the log gets an `events_lagged` error with the `seq` to resume from, unless it asked for
   * back-pressure.
   *
   * @throws TypeError when an option is malformed.
   */
  events(options: SubscribeOptions = {}): EventCursor {
    checkSubscribeOptions(options);
    return this.#log.subscribe(options);
  }

  /**
   * Calls `listener` with each event from now on, as soon as it is in the log. What it throws becomes a process
   * warning and harms nobody. Returns a function that ends the subscription.
   */
  onEvent(listener: EventListener): () => void {
    if (typeof listener !== "function") throw new TypeError("onEvent: the listener must be a function.");
    return this.#log.listen(listener);
  }

  /** Stops the running turn, if any, and resolves when it has ended. Queued turns follow. */
  async interrupt(): Promise<void> {
    if (this.#runner.running !== undefined) await this.#interruptTurn(this.#runner.running);
  }

  /**
   * Uses another model from the next turn on.
   *
   * @throws SandboxAgentError `unsupported`, `session_closed`, or `agent_error` with the agent's words.
   */
  async setModel(model: string): Promise<void> {
    const expected = isArgument(model);
    if (expected !== undefined)
      throw new TypeError(`setModel: the model must be ${expected}, received ${show(model)}.`);
    this.#throwIfClosed();
    if (!this.#parts.backend.capabilities.setModel) throw this.#unsupported("a change of the model");
    await this.#driver.setModel({ id: randomUUID(), type: "set_model", model });
  }

  /**
   * The models that the agent offers: as the CLI itself says (`source: "cli"`), or as its documentation does. Others may
   * work all the same, for example those of an API of your own.
   *
   * @throws SandboxAgentError `unsupported` where nothing is known, `session_closed`, or `agent_error`.
   */
  async models(): Promise<ModelList> {
    this.#throwIfClosed();
    const { backend } = this.#parts;
    if (backend.capabilities.models === "none") throw this.#unsupported("a list of its models");
    if (backend.capabilities.models === "documented")
      return { source: "documented", models: backend.documentedModels ?? [] };
    const ask = (): Promise<readonly ModelInfo[]> =>
      this.#driver.listModels({ id: randomUUID(), type: "list_models" });
    // Between turns the process may have to be started first, which only one may do at a time.
    const models = await (this.status === "idle" ? this.#queue.add(ask) : ask());
    return { source: "cli", models };
  }

  /** Interrupts what runs or waits, ends the agent's process and all it started. Calling it again is fine. */
  async close(): Promise<void> {
    await this.#finish("closed", () => this.#driver.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal Starts the agent's process where it is a long-lived one. */
  async start(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#driver.start(signal);
    } catch (error) {
      await this.#finish("failed", () => this.#driver.close());
      throw error;
    }
  }

  /** @internal The sandbox goes away by `destroy`, which ends the processes: there is no need to stop each. */
  async abandon(destroy: Promise<void>): Promise<void> {
    await this.#finish("destroyed", async () => {
      await destroy.catch(() => undefined);
      await this.#driver.abandoned();
    });
  }

  /**
   * @internal Resolves when a process of the agent has ended for the first time, by itself or not. A session that rests
   * says nothing of it, since its next prompt starts another one.
   */
  get processEnded(): Promise<void> {
    return this.#driver.processEnded;
  }

  /** @internal Progress of what happens before the agent runs. */
  progress(progress: Progress): void {
    this.#log.append({ type: "sandbox.progress", ...progress });
  }

  #turnEnded(result: TurnResult, cause: unknown): void {
    this.#usage = addUsage(this.#usage, result.usage);
    if (result.costUsd !== undefined) this.#costUsd = (this.#costUsd ?? 0) + result.costUsd;
    this.#runner.ended(result, cause);
  }

  async #interruptTurn(turn: Turn): Promise<void> {
    if (turn === this.#runner.running) await this.#driver.interrupt("host");
    else this.#cancelWaiting(turn);
  }

  /** A turn that has not begun ends without ever having started. */
  #cancelWaiting(turn: Turn): void {
    if (!this.#waiting.delete(turn)) return;
    const ended = { text: "", durationMs: 0, turnId: turn.id };
    const event = this.#log.append({ type: "turn.interrupted", by: "host", ...ended });
    turn.begin(event.seq);
    turn.end({
      ...ended,
      sessionId: this.id,
      status: "interrupted",
      interruptedBy: "host",
      usage: { inputTokens: 0, outputTokens: 0 },
    });
  }

  async #steer(turn: Turn, message: PromptInput): Promise<void> {
    const parts = checkPrompt(message, this.#parts.backend);
    if (!this.#parts.backend.capabilities.steering) throw this.#unsupported("a message during a turn");
    if (turn !== this.#runner.running || this.#ledger.turnId !== turn.id) {
      throw new TypeError("steer: the turn is not running. Send the message with session.prompt().");
    }
    const id = randomUUID();
    const content = await this.#runner.prepare(parts, id);
    await this.#driver.steer(turn.id, { id, type: "steer", content });
  }

  async #finish(reason: "closed" | "destroyed" | "failed", stop: () => Promise<void>): Promise<void> {
    if (this.#closing === undefined) {
      // Set before anything happens: a listener that hears of it may close the session too.
      const closing = deferred<undefined>();
      this.#closing = closing.promise;
      this.#end(reason, stop).then(() => {
        closing.resolve(undefined);
      }, closing.reject);
    }
    return this.#closing;
  }

  async #end(reason: "closed" | "destroyed" | "failed", stop: () => Promise<void>): Promise<void> {
    for (const turn of [...this.#waiting]) this.#cancelWaiting(turn);
    if (reason === "destroyed") this.#ledger.interruptRequested("host");
    else if (this.#runner.running !== undefined) await this.#driver.interrupt("host");
    await stop();
    this.#ledger.fail({ code: "sandbox_closed", message: "The sandbox was destroyed.", retryable: false });
    await this.#queue.onIdle();
    this.#ledger.close();
    this.#requests.cancelClosed();
    this.#log.append({ type: "session.ended", reason });
    this.#log.end();
    this.#parts.onClosed(this);
  }

  #throwIfClosed(): void {
    if (this.#closing === undefined) return;
    throw new SandboxAgentError("session_closed", `The session ${this.id} is closed.`, {
      details: { sessionId: this.id },
    });
  }

  #unsupported(feature: string): SandboxAgentError<"unsupported"> {
    return new SandboxAgentError("unsupported", `${this.agent} does not support ${feature}.`, {
      details: { subject: this.agent, feature },
    });
  }
}
