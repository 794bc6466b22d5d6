/** Token counts of one turn or of a whole session. */
export interface Usage {
  /** Tokens read by the model that no cache served. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  /** The share of `outputTokens` spent on reasoning, where the CLI tells. */
  readonly reasoningTokens?: number;
}

/** Why an agent stopped of its own accord. */
export type StopReason = "end_turn" | "max_tokens" | "max_turns" | "max_budget" | "refusal" | "other";
