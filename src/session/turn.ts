import type { StandardSchemaV1 } from "@standard-schema/spec";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { deferred, type Deferred } from "../kit/deferred.ts";
import type { EventLog } from "../log/event-log.ts";
import type { PromptInput } from "../spec/content.ts";
import type { AgentEvent } from "../spec/events.ts";
import type { JsonObject } from "../spec/json.ts";
import type { TurnResult } from "../spec/turn-result.ts";
import { TurnEvents } from "./turn-events.ts";
import { turnFailure } from "./turn-errors.ts";

/** Options of `session.prompt()`. */
export interface PromptOptions {
  /** Interrupts the turn; the turn then rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Interrupts a turn that takes longer, counted from when it leaves the queue. Default: no limit. */
  readonly timeoutMs?: number;
  /**
   * Interrupts a turn in which the agent gives no sign of life for so long. Time spent waiting for the host's own
   * answers and consumers does not count. Default: 600,000 (ten minutes).
   */
  readonly idleTimeoutMs?: number;
  /** `false`: a failed or interrupted turn resolves to its result instead of rejecting. Default `true`. */
  readonly reject?: boolean;
  /** `true`: leaving `for await (… of turn)` early lets the turn go on. Default `false`: it is interrupted. */
  readonly keepRunning?: boolean;
}

/** Options of a prompt whose turn is to give a value of a shape. */
export interface StructuredPromptOptions<
  Schema extends StandardSchemaV1 = StandardSchemaV1,
> extends PromptOptions {
  /** Of zod, valibot, arktype or any other library that speaks Standard Schema. */
  readonly schema: Schema;
  /** What the agent is shown of the schema. Default: what the schema itself tells. */
  readonly jsonSchema?: JsonObject;
  /** How often the agent is asked again for an output that does not follow the schema. Default 2. */
  readonly repairs?: number;
}

/** What a turn needs of its session. */
export interface TurnHost {
  readonly log: EventLog;
  readonly interrupt: (turn: Turn) => Promise<void>;
  readonly steer: (turn: Turn, input: PromptInput) => Promise<void>;
}

/** What a turn is at. The last three are final: `completed`, `failed`, `interrupted`. */
export type TurnStatus = "queued" | "running" | TurnResult["status"];

/**
 * One prompt and everything that comes of it: async-iterable over the turn's events, and awaitable for its result.
 *
 * Awaiting resolves only after the turn's last event is in the log and was handed to every listener. It rejects when
 * the turn failed or was interrupted, with an error whose `result` is what there was until then. A turn that nobody
 * awaits rejects nobody.
 *
 * Iterating replays the turn from its start and ends after its terminal event. An iterator that was obtained before
 * the turn ended holds the agent up when it is not read, so that nothing is lost and memory stays flat; what is
 * unread when the turn ends stays with the iterator, and holds up no other turn.
 *
 * @example
 * ```ts
 * const turn = session.prompt("Make the failing test pass");
 * for await (const event of turn) {
 *   if (event.type === "message.delta") process.stdout.write(event.text);
 * }
 * const { usage } = await turn;
 * ```
 */
export class Turn<Result extends TurnResult = TurnResult>
  implements AsyncIterable<AgentEvent>, PromiseLike<Result>
{
  readonly id: string;
  readonly sessionId: string;
  readonly #host: TurnHost;
  readonly #options: PromptOptions;
  readonly #queuedEvent: AgentEvent;
  readonly #result: Deferred<TurnResult> = deferred();
  readonly #started: Deferred<number> = deferred();
  readonly #iterators = new Set<TurnEvents>();
  #startSeq: number | undefined;
  #endSeq: number | undefined;
  #status: TurnStatus = "queued";
  #timeout: { readonly kind: "total" | "idle"; readonly timeoutMs: number } | undefined;

  /** @internal Made by `session.prompt`. */
  constructor(queuedEvent: AgentEvent & { readonly turnId: string }, options: PromptOptions, host: TurnHost) {
    this.id = queuedEvent.turnId;
    this.sessionId = queuedEvent.sessionId;
    this.#queuedEvent = queuedEvent;
    this.#options = options;
    this.#host = host;
  }

  get status(): TurnStatus {
    return this.#status;
  }

  then<Fulfilled = Result, Rejected = never>(
    onFulfilled?: ((result: Result) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#settled.then(onFulfilled, onRejected);
  }

  catch<Rejected = never>(
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Result | Rejected> {
    return this.#settled.catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.#settled.finally(onFinally);
  }

  /** What the type says of the output was validated before the result was given. */
  get #settled(): Promise<Result> {
    return this.#result.promise as Promise<Result>;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<AgentEvent> {
    const iterator = new TurnEvents({
      log: this.#host.log,
      turnId: this.id,
      queuedEvent: this.#queuedEvent,
      started: this.#started.promise,
      onLeave: async () => {
        this.#iterators.delete(iterator);
        if (this.#options.keepRunning !== true) await this.interrupt();
      },
    });
    if (this.#startSeq !== undefined && this.#endSeq !== undefined) {
      iterator.seal(this.#startSeq, this.#endSeq);
      return iterator;
    }
    this.#iterators.add(iterator);
    if (this.#startSeq !== undefined) iterator.open(this.#startSeq);
    return iterator;
  }

  /** Stops the turn, also a queued one. Resolves when it has ended, at once if it has already; never rejects. */
  async interrupt(): Promise<void> {
    if (this.#status === "queued" || this.#status === "running") await this.#host.interrupt(this);
  }

  /**
   * Gives the running turn another message, which the agent takes into account without starting over.
   *
   * @throws SandboxAgentError `unsupported` where the agent cannot be steered.
   */
  async steer(input: PromptInput): Promise<void> {
    await this.#host.steer(this, input);
  }

  /** @internal The turn's events begin at `seq`. Iterators open at once, so that they miss nothing from here on. */
  begin(seq: number): void {
    this.#startSeq = seq;
    if (this.#status === "queued") this.#status = "running";
    for (const iterator of this.#iterators) iterator.open(seq);
    this.#started.resolve(seq);
  }

  /** @internal Why the turn is about to be interrupted, when a time limit is the reason. */
  timedOut(kind: "total" | "idle", timeoutMs: number): void {
    this.#timeout = { kind, timeoutMs };
  }

  /** @internal The terminal event is in the log. `cause` is what was thrown, where that is how the turn failed. */
  end(result: TurnResult, cause?: unknown): void {
    this.#status = result.status;
    this.#endSeq = this.#host.log.lastSeq;
    for (const iterator of this.#iterators) iterator.seal(this.#startSeq ?? this.#endSeq, this.#endSeq);
    this.#iterators.clear();
    if (result.status === "completed" || this.#options.reject === false) this.#result.resolve(result);
    else this.#result.reject(this.#reasonOf(result, cause));
  }

  #reasonOf(result: TurnResult, cause: unknown): unknown {
    const { signal } = this.#options;
    if (result.status === "interrupted") {
      if (result.interruptedBy === "timeout" && this.#timeout !== undefined) {
        const { kind, timeoutMs } = this.#timeout;
        const what = kind === "total" ? "took longer than" : "gave no sign of life for";
        const message = `The turn ${what} ${String(timeoutMs)} ms and was interrupted.`;
        return new SandboxAgentError("turn_timeout", message, { details: this.#timeout, result });
      }
      if (signal?.aborted === true) return signal.reason;
      const by =
        result.interruptedBy === "agent" || result.interruptedBy === "budget" ? result.interruptedBy : "host";
      return new SandboxAgentError("turn_interrupted", `The turn was interrupted by the ${by}.`, {
        details: { by },
        result,
      });
    }
    return turnFailure(
      result,
      result.error ?? { code: "agent_error", message: "The turn failed.", retryable: false },
      cause,
    );
  }
}
