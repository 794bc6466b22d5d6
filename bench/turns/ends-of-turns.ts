/** As much of a line of a CLI as tells that the turn is over. */
export interface Message {
  readonly type?: unknown;
  readonly method?: unknown;
  readonly result?: { readonly stopReason?: unknown } | null;
  readonly params?: {
    readonly event?: { readonly type?: unknown };
    readonly notification?: { readonly type?: unknown };
  };
}

/** Whether the CLI says by this line that the turn is over. */
export type EndOfTurn = (message: Message) => boolean;

const ofType =
  (type: string): EndOfTurn =>
  (message) =>
    message.type === type;

export const claudeTurnEnd = ofType("result");
/** The answer to an ACP prompt. */
const answeredPrompt: EndOfTurn = ({ result }) => typeof result?.stopReason === "string";

/** How each agent ends a turn in the protocol that its backend speaks with a long-lived process. */
export const endsOfTurns: { readonly [agent: string]: EndOfTurn } = {
  claude: claudeTurnEnd,
  codex: ({ method }) => method === "turn/completed",
  copilot: ({ params }) => params?.event?.type === "assistant.idle",
  droid: ({ params }) => params?.notification?.type === "agent_turn_completed",
  gemini: answeredPrompt,
  opencode: answeredPrompt,
  pi: ofType("agent_end"),
  qwen: answeredPrompt,
};
