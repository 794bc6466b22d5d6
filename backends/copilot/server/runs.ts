/** The turn that the CLI's server was asked for. */
export interface ServerTurn {
  readonly turnId: string;
  isInterrupting: boolean;
  /** The agent is at work on it, and can be stopped; a stop before that is lost. */
  readonly isStoppable: boolean;
}

class RunningTurn implements ServerTurn {
  readonly turnId: string;
  readonly text: string;
  isInterrupting = false;
  isStoppable = false;
  /** The server's id of the prompt, once it has answered. */
  messageId: string | undefined;
  /** The last prompt of any kind that the server has taken up since. */
  takenId: string | undefined;
  /** The server has taken up the prompt: what it says from then on is the turn's. */
  isBegun = false;
  /** Something else, such as a command in the background that has ended, keeps the agent busy before. */
  isBehindOther: boolean;

  constructor(turnId: string, text: string, isBehindOther: boolean) {
    this.turnId = turnId;
    this.text = text;
    this.isBehindOther = isBehindOther;
  }
}

/** Keeps apart what the agent does for the turn and what it does of its own accord: the server does not. */
export class Runs {
  #turn: RunningTurn | undefined;
  /** The agent works on something that no prompt asked for. */
  #isBusy = false;

  get turn(): ServerTurn | undefined {
    return this.#turn;
  }

  /** Whether the agent works for the turn. */
  get isBegun(): boolean {
    return this.#turn?.isBegun === true;
  }

  /** Whether the agent works for the turn, or for nothing else before. */
  get isOfTurn(): boolean {
    return this.#turn !== undefined && (this.#turn.isBegun || !this.#turn.isBehindOther);
  }

  reset(): void {
    this.#turn = undefined;
    this.#isBusy = false;
  }

  settle(): void {
    this.#turn = undefined;
  }

  prompted(turnId: string, text: string): void {
    this.#turn = new RunningTurn(turnId, text, this.#isBusy);
  }

  /** The server has accepted the prompt, under an id of its own. */
  acknowledged(turnId: string, messageId: string | undefined): void {
    const turn = this.#turn;
    if (turn?.turnId !== turnId) return;
    turn.messageId = messageId;
    // Without an id nothing will tell when the prompt is taken up.
    if (messageId === undefined) turn.isBegun = true;
    // The answer may come after the news that the prompt was taken up.
    if (messageId !== undefined && turn.takenId === messageId) this.taken(messageId, undefined);
  }

  /** The agent has taken up a prompt: the turn's, or what the turn is steered with. */
  taken(messageId: string | undefined, content: string | undefined): void {
    const turn = this.#turn;
    if (turn === undefined || turn.isBegun) return;
    turn.takenId = messageId;
    const isPrompt = turn.messageId === undefined ? content === turn.text : messageId === turn.messageId;
    if (!isPrompt) return;
    turn.isBegun = true;
    this.#isBusy = false;
  }

  /** The agent begins a round of work. Tells whether it is to be stopped. */
  working(): boolean {
    const turn = this.#turn;
    if (turn?.isBegun === true) {
      turn.isStoppable = true;
      return turn.isInterrupting;
    }
    this.#isBusy = true;
    if (turn !== undefined) turn.isBehindOther = true;
    return false;
  }

  /** The agent has nothing to do any more. Returns the turn, if that is what has ended. */
  idle(): ServerTurn | undefined {
    const turn = this.#turn;
    this.#isBusy = false;
    if (turn === undefined || turn.isBegun || !turn.isBehindOther) return turn;
    // That was the other thing.
    turn.isBehindOther = false;
    return undefined;
  }
}
