/** An answer that is an error, in words that hold no secret. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const longestWords = 300;
/** Shorter values would take letters out of words. */
const shortestSecret = 4;

/** What came of a call of the runtime or of the sandbox, as an answer. `secrets` are taken out of its words. */
export function refusalOf(error: unknown, action: string, secrets: readonly string[] = []): Refusal {
  if (error instanceof Refusal) return error;
  let words = error instanceof Error ? error.message : String(error);
  for (const secret of secrets) {
    if (secret.length >= shortestSecret) words = words.replaceAll(secret, "***");
  }
  return new Refusal(statusOf(error, words), `It could not ${action}: ${words.slice(0, longestWords)}`);
}

/** What was refused for want of room was not carried out. */
function statusOf(error: unknown, words: string): number {
  const isOverloaded =
    typeof error === "object" && error !== null && Reflect.get(error, "overloaded") === true;
  const isFull = /maximum number of running container instances|no container instance|instance limit/i;
  return isOverloaded || isFull.test(words) ? 429 : 502;
}
