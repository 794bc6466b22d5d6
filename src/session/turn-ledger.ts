import type { AgentEventBody, TerminalEventType, TurnErrorInfo } from "../spec/events.ts";
import type { TurnResult } from "../spec/turn-result.ts";
import type { Usage } from "../spec/usage.ts";
import type { EventLog, UnloggedEvent } from "../log/event-log.ts";
import type { TextDeltaStep } from "../kit/text-delta-step.ts";
import { OpenItems } from "./open-items.ts";
import { addUsage } from "./usage-sum.ts";

export type InterruptedBy = "host" | "timeout" | "budget" | "agent";

/** A terminal event as a backend gives it. */
export type TerminalBody = Extract<AgentEventBody, { type: TerminalEventType }>;

export interface TurnLedgerHost {
  readonly log: Pick<EventLog, "append" | "appendText">;
  /**
   * The agent is done with what it was asked. `true` holds the turn open: nothing that the agent still says is its end,
   * until `settle`, `fail` or another prompt.
   */
  readonly holds: (body: TerminalBody, cause: unknown) => boolean;
  /** The turn is over, and its terminal event is in the log. */
  readonly ended: (result: TurnResult, cause: unknown) => void;
  /** What a usage costs, where the agent does not tell it and the caller gave prices. */
  readonly costOf: (usage: Usage) => number | undefined;
  /** Milliseconds from any fixed moment, for durations. */
  readonly now: () => number;
}

interface RunningTurn {
  readonly turnId: string;
  readonly startedAt: number;
  readonly items: OpenItems;
  readonly openRequests: Map<string, "permission" | "question">;
  /** When a tool call last began, or a request was last answered. */
  callNewsAt: number;
  /** Of the prompt that is running. */
  usage: Usage | undefined;
  costUsd: number | undefined;
  /** Of prompts before it in the same turn. */
  spent: { readonly usage: Usage; readonly costUsd: number | undefined } | undefined;
  /** How often the agent was prompted. */
  prompts: number;
  /** The agent is done, and it is being decided what becomes of the turn. */
  isHeld: boolean;
  /** Set when the host asked for the end: how the turn is recorded, unless it completes by itself before. */
  interruptedBy: InterruptedBy | undefined;
  /** Its terminal event is being written: what a listener does meanwhile cannot end it a second time. */
  isEnding: boolean;
}

const noUsage: Usage = { inputTokens: 0, outputTokens: 0 };

/**
 * Keeps the promises of the event stream, whatever a backend emits: within a turn all that was started is completed,
 * and exactly one terminal event ends it.
 */
export class TurnLedger {
  readonly #sessionId: string;
  readonly #host: TurnLedgerHost;
  #turn: RunningTurn | undefined;
  /** What the event being accepted counts against the log's bound. */
  #bytes = 0;
  #isClosed = false;
  /** What the agent does between turns, or still does for one that has ended. */
  #background: OpenItems;
  readonly #backgroundRequests = new Map<string, "permission" | "question">();

  constructor(sessionId: string, host: TurnLedgerHost) {
    this.#sessionId = sessionId;
    this.#host = host;
    this.#background = new OpenItems((body) => {
      this.#log(body as UnloggedEvent);
    });
  }

  /** The turn that is running. */
  get turnId(): string | undefined {
    return this.#turn?.turnId;
  }

  /** The running turn's last message so far. */
  get text(): string {
    return this.#turn?.items.text ?? "";
  }

  /** Whether it is being decided what becomes of the running turn. */
  get isHeld(): boolean {
    return this.#turn?.isHeld === true;
  }

  /** Whether a permission or a question waits for an answer. */
  get awaitsHost(): boolean {
    return (this.#turn?.openRequests.size ?? 0) + this.#backgroundRequests.size > 0;
  }

  /** Whether a tool call is open that may only just have begun. */
  hasCallYoungerThan(ageMs: number): boolean {
    const turn = this.#turn;
    return turn?.items.hasTools === true && this.#host.now() - turn.callNewsAt < ageMs;
  }

  isOpenRequest(requestId: string): boolean {
    return this.#turn?.openRequests.has(requestId) === true || this.#backgroundRequests.has(requestId);
  }

  begin(turnId: string): void {
    const items = new OpenItems((body) => {
      this.#log(body as UnloggedEvent, turnId);
    });
    this.#turn = {
      turnId,
      startedAt: this.#host.now(),
      items,
      openRequests: new Map(),
      callNewsAt: -Infinity,
      usage: undefined,
      costUsd: undefined,
      spent: undefined,
      prompts: 1,
      isHeld: false,
      interruptedBy: undefined,
      isEnding: false,
    };
  }

  /** From now on an end that is not a success counts as this interruption. The first reason stands. */
  interruptRequested(by: InterruptedBy): void {
    if (this.#turn !== undefined) this.#turn.interruptedBy ??= by;
  }

  /** Takes what a backend emitted. With `background` it does not belong to the running turn. */
  accept(body: AgentEventBody, background = false, bytes = 0): void {
    this.#bytes = bytes;
    const turn = background ? undefined : this.#turn;
    const items = turn?.items ?? this.#background;
    if (turn !== undefined && turn.prompts > 1) distinguish(body, turn.prompts);
    switch (body.type) {
      case "message.delta":
        items.textDelta("message", body);
        return;
      case "reasoning.delta":
        items.textDelta("reasoning", body);
        return;
      case "tool.delta":
        items.toolDelta(body);
        return;
      case "message.started":
        items.textStarted("message", body);
        return;
      case "reasoning.started":
        items.textStarted("reasoning", body);
        return;
      case "message.completed":
        items.textCompleted("message", body);
        return;
      case "reasoning.completed":
        items.textCompleted("reasoning", body);
        return;
      case "tool.started":
        if (turn !== undefined) turn.callNewsAt = this.#host.now();
        items.toolStarted(body);
        return;
      case "tool.completed":
        items.toolCompleted(body);
        return;
      case "turn.completed":
      case "turn.failed":
      case "turn.interrupted":
        if (turn !== undefined) this.#agentDone(turn, body, undefined);
        return;
      case "permission.requested":
      case "question.requested":
        this.#requestsOf(turn).set(
          body.requestId,
          body.type === "permission.requested" ? "permission" : "question",
        );
        break;
      case "permission.resolved":
        this.#withdraw(body);
        return;
      case "usage.updated":
        if (turn !== undefined) {
          turn.usage = body.usage;
          turn.costUsd = body.costUsd ?? turn.costUsd;
          this.#log({ ...body, ...this.#total(turn, body) }, turn.turnId);
          return;
        }
        break;
      default:
    }
    this.#logFor(turn, body);
  }

  /**
   * Takes an increment of the running turn's answer the shortest way, which most events of a long turn go: its text was
   * the last to grow. `false` when there is more to do for it than that.
   */
  extendText({ messageId, text }: TextDeltaStep, bytes: number): boolean {
    const turn = this.#turn;
    if (turn?.prompts !== 1 || !turn.items.extendText(messageId, text)) return false;
    this.#host.log.appendText(messageId, text, bytes, turn.turnId);
    return true;
  }

  /** Records the answer to a request, unless it is closed already. */
  resolve(event: Extract<UnloggedEvent, { type: "permission.resolved" | "question.resolved" }>): boolean {
    const inTurn = this.#turn?.openRequests.has(event.requestId) === true;
    if (!this.#closeRequest(event.requestId)) return false;
    if (this.#turn !== undefined) this.#turn.callNewsAt = this.#host.now();
    this.#log(inTurn && this.#turn !== undefined ? { ...event, turnId: this.#turn.turnId } : event);
    return true;
  }

  /** The agent failed, which may not be the end of the turn. */
  agentFailed(error: TurnErrorInfo, cause?: unknown): void {
    if (this.#turn !== undefined) this.#agentDone(this.#turn, { type: "turn.failed", error }, cause);
  }

  /** A held turn goes on with another prompt. */
  goOn(): void {
    if (this.#turn?.isHeld !== true) return;
    this.#turn.isHeld = false;
    this.#turn.prompts += 1;
  }

  /** Ends the held turn. */
  settle(body: TerminalBody, cause: unknown): void {
    if (this.#turn !== undefined) this.#end(this.#turn, body, cause);
  }

  /** Ends the running turn if the backend did not: as the interruption that was asked for, else as this failure. */
  fail(error: TurnErrorInfo, cause?: unknown): void {
    if (this.#turn !== undefined) this.#end(this.#turn, { type: "turn.failed", error }, cause);
  }

  /** Closes what the agent left open outside of turns. What it says from now on is not recorded. */
  close(): void {
    this.#background.close("interrupted");
    for (const requestId of [...this.#backgroundRequests.keys()]) this.#cancelRequest(requestId, undefined);
    this.#isClosed = true;
  }

  #agentDone(turn: RunningTurn, body: TerminalBody, cause: unknown): void {
    if (turn.isHeld || turn.isEnding) return;
    if (turn.interruptedBy !== undefined || !this.#host.holds(body, cause)) {
      this.#end(turn, body, cause);
      return;
    }
    this.#closeOpen(turn, body.type === "turn.failed");
    const { usage = noUsage, costUsd } = this.#total(turn, body);
    turn.isHeld = true;
    turn.spent = { usage, costUsd };
    turn.usage = undefined;
    turn.costUsd = undefined;
  }

  #closeOpen(turn: RunningTurn, isFailure: boolean): void {
    for (const requestId of [...turn.openRequests.keys()]) this.#cancelRequest(requestId, turn);
    turn.items.close(isFailure ? "error" : "interrupted");
  }

  /** What the turn has used so far, with the prompts before the running one. */
  #total(
    turn: RunningTurn,
    body: { readonly usage?: Usage; readonly costUsd?: number },
  ): {
    readonly usage?: Usage;
    readonly costUsd?: number;
  } {
    const { spent } = turn;
    // What was held has been added already.
    const usage = turn.isHeld ? undefined : (body.usage ?? turn.usage);
    const costUsd = turn.isHeld ? undefined : (body.costUsd ?? turn.costUsd);
    return {
      ...optional("usage", spent === undefined ? usage : addUsage(spent.usage, usage ?? noUsage)),
      ...optional("costUsd", spent?.costUsd === undefined ? costUsd : spent.costUsd + (costUsd ?? 0)),
    };
  }

  #end(turn: RunningTurn, body: TerminalBody, cause?: unknown): void {
    if (turn.isEnding) return;
    turn.isEnding = true;
    const interruptedBy = body.type === "turn.completed" ? undefined : turn.interruptedBy;
    const isFailure = body.type === "turn.failed" && interruptedBy === undefined;
    this.#closeOpen(turn, isFailure);
    const { usage, costUsd } = this.#total(turn, body);

    const shared = {
      text: body.text === undefined || body.text === "" ? turn.items.text : body.text,
      durationMs: Math.max(0, this.#host.now() - turn.startedAt),
      ...optional("costUsd", costUsd ?? (usage === undefined ? undefined : this.#host.costOf(usage))),
    };
    const identity = { turnId: turn.turnId };
    const of = { ...identity, sessionId: this.#sessionId };
    this.#turn = undefined;

    if (body.type === "turn.completed") {
      const completed = {
        ...shared,
        usage: usage ?? noUsage,
        stopReason: body.stopReason,
        ...optional("output", body.output),
      };
      this.#log({
        type: "turn.completed",
        ...completed,
        ...optional("numTurns", body.numTurns),
        ...identity,
      });
      this.#host.ended({ ...of, status: "completed", ...completed }, cause);
    } else if (body.type === "turn.failed" && interruptedBy === undefined) {
      const failed = { ...shared, error: body.error };
      this.#log({ type: "turn.failed", ...failed, ...optional("usage", usage), ...identity });
      this.#host.ended({ ...of, status: "failed", ...failed, usage: usage ?? noUsage }, cause);
    } else {
      const by = interruptedBy ?? (body.type === "turn.interrupted" ? body.by : "agent");
      this.#log({ type: "turn.interrupted", ...shared, by, ...optional("usage", usage), ...identity });
      const interrupted = { ...shared, interruptedBy: by, usage: usage ?? noUsage };
      this.#host.ended({ ...of, status: "interrupted", ...interrupted }, cause);
    }
  }

  #cancelRequest(requestId: string, turn: RunningTurn | undefined): void {
    const kind = this.#requestsOf(turn).get(requestId);
    this.#requestsOf(turn).delete(requestId);
    const identity = turn === undefined ? {} : { turnId: turn.turnId };
    if (kind === "question") {
      this.#log({ type: "question.resolved", requestId, by: "interrupt", ...identity });
    } else {
      this.#log({
        type: "permission.resolved",
        requestId,
        outcome: "cancelled",
        by: "interrupt",
        ...identity,
      });
    }
  }

  /** The agent does not wait for an answer any more. Backends say so in one way for permissions and questions. */
  #withdraw(body: Extract<AgentEventBody, { type: "permission.resolved" }>): void {
    const { requestId, by } = body;
    const kind = this.#turn?.openRequests.get(requestId) ?? this.#backgroundRequests.get(requestId);
    this.resolve(kind === "question" ? { type: "question.resolved", requestId, by } : body);
  }

  #requestsOf(turn: RunningTurn | undefined): Map<string, "permission" | "question"> {
    return turn?.openRequests ?? this.#backgroundRequests;
  }

  #closeRequest(requestId: string): boolean {
    return this.#turn?.openRequests.delete(requestId) === true || this.#backgroundRequests.delete(requestId);
  }

  #logFor(turn: RunningTurn | undefined, body: AgentEventBody): void {
    this.#log(body as UnloggedEvent, turn?.turnId);
  }

  #log(event: UnloggedEvent, turnId?: string): void {
    if (this.#isClosed) return;
    // One event may become several; only the first counts.
    const bytes = this.#bytes;
    this.#bytes = 0;
    this.#host.log.append(event, bytes, turnId);
  }
}

/** Agents that count their items use the same ids again with each prompt, which within one turn must stay apart. */
function distinguish(body: AgentEventBody, prompt: number): void {
  const holder: object = body.type === "permission.requested" ? body.tool : body;
  for (const name of ["messageId", "toolCallId", "parentToolCallId"]) {
    const id: unknown = Reflect.get(holder, name);
    if (typeof id === "string") Reflect.set(holder, name, `${id}~${String(prompt)}`);
  }
}

/** A member that is there only when it has a value, as exact optional properties want it. */
function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]: Value });
}
