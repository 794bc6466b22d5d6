import { abortable } from "../kit/deferred.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Redactor } from "../errors/redactor.ts";
import type { AgentBackend, AgentSessionInput, TurnInput } from "../spec/backend.ts";
import type { ContentPart } from "../spec/content.ts";
import type { Sandbox } from "../spec/sandbox.ts";
import type { TurnResult } from "../spec/turn-result.ts";
import type { AgentDriver } from "./agent-driver.ts";
import type { HostRequests } from "./host-requests.ts";
import { preparePrompt, summarizePrompt } from "./prompt-content.ts";
import { withOutput, type StructuredOutput } from "./structured-output.ts";
import { errorInfoOf } from "./turn-errors.ts";
import type { TurnLedger } from "./turn-ledger.ts";
import type { PromptEnd, TurnReview } from "./turn-review.ts";
import { TurnTimers } from "./turn-timers.ts";
import type { PromptOptions, Turn } from "./turn.ts";

export interface TurnRunnerOptions {
  readonly backend: AgentBackend;
  readonly sandbox: Sandbox;
  readonly input: AgentSessionInput;
  readonly redactor: Redactor;
  readonly log: EventLog;
  readonly ledger: TurnLedger;
  readonly driver: AgentDriver;
  readonly requests: HostRequests;
}

/** A prompt that was checked, with what was asked for beside it. */
export interface PromptPlan {
  readonly parts: readonly ContentPart[];
  readonly output: StructuredOutput | undefined;
  readonly review: TurnReview;
  readonly options: PromptOptions;
}

/** Brings one turn at a time from the queue to its end. */
export class TurnRunner {
  readonly #options: TurnRunnerOptions;
  #running: Turn | undefined;
  #review: TurnReview | undefined;
  /** Ends the preparations of the running turn when it ends before the agent is asked. */
  #preparing: AbortController | undefined;

  constructor(options: TurnRunnerOptions) {
    this.#options = options;
  }

  get running(): Turn | undefined {
    return this.#running;
  }

  /** Aborted when the running turn ends. */
  get signal(): AbortSignal | undefined {
    return this.#preparing?.signal;
  }

  /** Resolves when the turn has ended and the next may begin; never rejects. */
  async run(turn: Turn, { parts, output, review, options }: PromptPlan): Promise<void> {
    const { log, ledger, driver, redactor, backend } = this.#options;
    this.#running = turn;
    this.#review = review;
    const preparing = new AbortController();
    this.#preparing = preparing;
    // All is in place before the event: a listener may interrupt the turn at once.
    ledger.begin(turn.id);
    turn.begin(log.lastSeq + 1);
    log.append({ type: "turn.started", turnId: turn.id, prompt: summarizePrompt(parts, redactor) });
    const timers = new TurnTimers(options, {
      lastActivityAt: () => driver.lastActivityAt,
      isWaiting: () => ledger.awaitsHost || ledger.isHeld || log.pressure !== undefined,
      expired: (kind, timeoutMs) => {
        turn.timedOut(kind, timeoutMs);
        void driver.interrupt("timeout");
      },
    });
    try {
      const content = await abortable(this.prepare(parts, turn.id), preparing.signal);
      const asked = withOutput({ turnId: turn.id, content }, output, backend);
      await driver.run(asked, (...end) => this.#reviewed(review, ...end));
    } catch (error) {
      ledger.fail(errorInfoOf(error), error);
    } finally {
      timers.stop();
      await driver.settled();
      this.#running = undefined;
      this.#review = undefined;
    }
  }

  /** Puts what is attached to a message into a folder of its own. */
  async prepare(parts: readonly ContentPart[], id: string): Promise<TurnInput["content"]> {
    const { sandbox, input } = this.#options;
    const folder = `${input.stateDirectory}/attachments/${id}`;
    return preparePrompt(parts, { sandbox, folder, signal: this.signal });
  }

  /** For the ledger: whether the turn goes on although the agent is done. */
  holds(end: PromptEnd): boolean {
    if (this.#review?.concerns(end.body) !== true) return false;
    this.#options.driver.turnHeld(end);
    return true;
  }

  /** For the ledger: the turn's last event is in the log. */
  ended(result: TurnResult, cause: unknown): void {
    this.#preparing?.abort();
    this.#options.requests.cancelClosed();
    this.#options.driver.turnEnded();
    this.#running?.end(result, cause);
  }

  async #reviewed(
    review: TurnReview,
    end: PromptEnd,
    asked: TurnInput,
    signal: AbortSignal,
  ): Promise<TurnInput | undefined> {
    const { ledger, requests } = this.#options;
    requests.cancelClosed();
    const verdict = await review.decide(end, asked, ledger.text, signal);
    if (ledger.turnId !== asked.turnId) return undefined;
    if (verdict.type === "again") return verdict.turn;
    ledger.settle(verdict.end.body, verdict.end.cause);
    return undefined;
  }
}
