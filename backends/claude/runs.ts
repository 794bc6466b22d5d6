import type { AgentEventBody, Step } from "../../src/kit.ts";

export interface Turn {
  /** The CLI echoed the prompt: what comes is the answer to it. */
  isTaken: boolean;
  isInterrupting: boolean;
  /** The interrupt hit another run than the turn's: it has to be asked for again. */
  isInterruptDue: boolean;
  /** The CLI's word for the error of the last answer. */
  apiError: string | undefined;
}

/** What a `result` line ends. */
export type ResultOf =
  | { readonly type: "turn"; readonly turn: Turn }
  /** A part of the turn: another answer is due before it is over. */
  | { readonly type: "part" }
  /** Work of the agent's own accord, of which `events` were held back. */
  | { readonly type: "background"; readonly events: readonly AgentEventBody[] };

/**
 * Tells whose lines are coming in. Between an `init` and a `result` line the CLI works on one thing: a prompt, or, of
 * its own accord, the news that a background task has ended. Which of the two shows only when it echoes the prompt,
 * behind the first deltas and before the first whole block. Where there is news that could be the reason, events are
 * held back until then.
 */
export class Runs {
  #turn: Turn | undefined;
  #run: "none" | "turn" | "background" | "held" = "none";
  #held: AgentEventBody[] = [];
  /** User messages written, less those echoed. */
  #unechoed = 0;
  #hasNews = false;

  get turn(): Turn | undefined {
    return this.#turn;
  }

  /** Whether what the agent says and does now belongs to the turn. */
  get isOfTurn(): boolean {
    return this.#run === "turn" && this.#turn !== undefined;
  }

  /** A prompt was written, and nothing was begun since the last result. */
  get isBeforeRun(): boolean {
    return this.#run === "none" && this.#turn !== undefined;
  }

  get isHeld(): boolean {
    return this.#run === "held";
  }

  /** The process ended, or a new one begins. */
  reset(): void {
    this.#turn = undefined;
    this.#run = "none";
    this.#held = [];
    this.#unechoed = 0;
    this.#hasNews = false;
  }

  prompted(): void {
    this.#turn = { isTaken: false, isInterrupting: false, isInterruptDue: false, apiError: undefined };
    this.#unechoed += 1;
  }

  steered(): void {
    this.#unechoed += 1;
  }

  /** A run begins. */
  began(): void {
    if (this.#run !== "none") return;
    this.#run = this.#turn === undefined ? "background" : this.#hasNews ? "held" : "turn";
  }

  /** A background task has ended: the agent will speak of it, in this run or in one of its own. */
  news(): void {
    this.#hasNews = true;
  }

  /** The model was asked: it was told the news along with the rest. */
  asked(): void {
    if (this.#run === "turn") this.#hasNews = false;
  }

  /** A message of ours was taken up. Returns the events that were held until this was certain. */
  echoed(): readonly AgentEventBody[] {
    this.#unechoed = Math.max(0, this.#unechoed - 1);
    if (this.#turn === undefined) return [];
    this.#turn.isTaken = true;
    this.#run = "turn";
    return this.#takeHeld();
  }

  /** What the agent says or does. Outside of a run it is late: its turn has ended. */
  spoken(events: readonly AgentEventBody[], raw: unknown): Step {
    if (events.length === 0) return { raw };
    if (this.isOfTurn) return { raw, events };
    return this.#placed(events, raw, false);
  }

  /** What the CLI says of itself, which is for the turn also before a run began. */
  told(events: readonly AgentEventBody[], raw: unknown): Step {
    if (events.length === 0) return { raw };
    return this.#placed(events, raw, this.isOfTurn || this.isBeforeRun);
  }

  /** A whole block came without an echo before it: the run is not the turn's. Returns what was held. */
  spoke(): readonly AgentEventBody[] {
    if (this.#run !== "held") return [];
    this.#run = "background";
    return this.#takeHeld();
  }

  ended(): ResultOf {
    const turn = this.#turn;
    const run = this.#run;
    this.#run = "none";
    if (turn === undefined || run === "background" || run === "held") {
      this.#hasNews = false;
      if (turn?.isInterrupting === true) turn.isInterruptDue = true;
      return { type: "background", events: this.#takeHeld() };
    }
    // A message that came too late to steer this answer gets one of its own, which belongs to the turn too.
    if (turn.isTaken && this.#unechoed > 0) {
      turn.isInterruptDue = turn.isInterrupting;
      return { type: "part" };
    }
    this.#turn = undefined;
    this.#unechoed = 0;
    return { type: "turn", turn };
  }

  #placed(events: readonly AgentEventBody[], raw: unknown, isForTurn: boolean): Step {
    if (this.isHeld) {
      for (const event of events) this.#held.push(event);
      return { raw };
    }
    return isForTurn ? { raw, events } : { raw, events, background: true };
  }

  #takeHeld(): readonly AgentEventBody[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }
}
