/** What is wrong with a structured output. */
export interface OutputIssue {
  /** For example `items[2].name`; empty for the whole value. */
  readonly path: string;
  readonly message: string;
}
