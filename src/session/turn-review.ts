import { setTimeout as delay } from "node:timers/promises";
import type { UnloggedEvent } from "../log/event-log.ts";
import type { TurnInput } from "../spec/backend.ts";
import type { RetryPolicy } from "../spec/session-policies.ts";
import { retryReasonOf } from "../kit/agent-failures.ts";
import { retryDelayMs } from "./retry-policy.ts";
import { repairPrompt, type StructuredOutput } from "./structured-output.ts";
import type { TerminalBody } from "./turn-ledger.ts";

export interface TurnReviewOptions {
  readonly retry: RetryPolicy | undefined;
  readonly output: StructuredOutput | undefined;
  /** How often the agent may be asked again for an output that does not follow its schema. */
  readonly repairs: number;
  readonly log: (event: UnloggedEvent) => void;
}

/** How a prompt ended, and what was thrown if that was it. */
export interface PromptEnd {
  readonly body: TerminalBody;
  readonly cause: unknown;
}

/** What becomes of a turn when the agent is done with a prompt of it. */
export type Verdict =
  | { readonly type: "end"; readonly end: PromptEnd }
  /** The agent is prompted once more in the same turn. */
  | { readonly type: "again"; readonly turn: TurnInput };

/** Decides whether the end of a prompt is the end of its turn: failures may pass, outputs may be mended. */
export class TurnReview {
  readonly #options: TurnReviewOptions;
  #retries = 0;
  #repairs = 0;

  constructor(options: TurnReviewOptions) {
    this.#options = options;
  }

  /** Whether there is anything to decide. */
  concerns({ type }: TerminalBody): boolean {
    const { retry, output } = this.#options;
    return (
      (type === "turn.failed" && retry !== undefined) || (type === "turn.completed" && output !== undefined)
    );
  }

  /**
   * @param turn - What the agent was asked last.
   * @param text - What it said last.
   * @param signal - Ends a wait; the promise then rejects with its reason.
   */
  async decide(end: PromptEnd, turn: TurnInput, text: string, signal: AbortSignal): Promise<Verdict> {
    const { body } = end;
    if (body.type === "turn.failed") return this.#afterFailure(end, body, turn, signal);
    if (body.type === "turn.completed") return this.#afterAnswer(end, body, turn, text);
    return { type: "end", end };
  }

  async #afterFailure(
    end: PromptEnd,
    { error }: Extract<TerminalBody, { type: "turn.failed" }>,
    turn: TurnInput,
    signal: AbortSignal,
  ): Promise<Verdict> {
    const { retry, log } = this.#options;
    const attempt = this.#retries + 1;
    const delayMs = retryDelayMs(retry, error, attempt);
    if (retry === undefined || delayMs === undefined) return { type: "end", end };
    this.#retries = attempt;
    log({
      type: "agent.retrying",
      turnId: turn.turnId,
      attempt,
      maxAttempts: retry.attempts,
      delayMs,
      reason: retryReasonOf(error),
      message: error.message,
      ...(error.status === undefined ? {} : { status: error.status }),
    });
    await delay(delayMs, undefined, { signal });
    return { type: "again", turn };
  }

  async #afterAnswer(
    end: PromptEnd,
    body: Extract<TerminalBody, { type: "turn.completed" }>,
    turn: TurnInput,
    text: string,
  ): Promise<Verdict> {
    const { output, repairs, log } = this.#options;
    if (output === undefined) return { type: "end", end };
    const checked = await output.check(
      body.output,
      body.text === undefined || body.text === "" ? text : body.text,
    );
    if (checked.ok) return { type: "end", end: { ...end, body: { ...body, output: checked.value } } };
    const attempt = this.#repairs + 1;
    const { issues } = checked;
    log({ type: "output.rejected", turnId: turn.turnId, issues, attempt, maxAttempts: repairs });
    if (attempt > repairs)
      return { type: "end", end: { body: invalidOutput(body, issues), cause: undefined } };
    this.#repairs = attempt;
    const content = [{ type: "text", text: repairPrompt(issues, output.jsonSchema) }] as const;
    return { type: "again", turn: { ...turn, content } };
  }
}

function invalidOutput(
  { usage, costUsd, text }: Extract<TerminalBody, { type: "turn.completed" }>,
  issues: Extract<UnloggedEvent, { type: "output.rejected" }>["issues"],
): TerminalBody {
  const list = issues.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  const message = `The agent's output does not follow the schema: ${list}`;
  return {
    type: "turn.failed",
    error: { code: "output_invalid", message, retryable: false, issues },
    ...(usage === undefined ? {} : { usage }),
    ...(costUsd === undefined ? {} : { costUsd }),
    ...(text === undefined ? {} : { text }),
  };
}
