/** The turn that the CLI's server was asked for. */
export class ServerTurn {
  readonly turnId: string;
  readonly text: string;
  /** The server's id of the prompt, once it has answered. */
  messageId: string | undefined;
  /** The last prompt of any kind that the server has taken up since. */
  takenId: string | undefined;
  /** The server has taken up the prompt: what it says from then on is the turn's. */
  isBegun = false;
  /** Something else, such as a command in the background that has ended, keeps the agent busy before. */
  isBehindOther = false;
  isInterrupting = false;

  constructor(turnId: string, text: string) {
    this.turnId = turnId;
    this.text = text;
  }

  isPrompt(messageId: string | undefined, content: string | undefined): boolean {
    return this.messageId === undefined ? content === this.text : messageId === this.messageId;
  }
}
