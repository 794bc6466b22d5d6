const replacement = "[redacted]";
/** Shorter values stand in ordinary text by chance, and hiding them would spoil it. */
const minimumLength = 8;

/** Removes known secret values from text: events, errors and logs go through it. */
export class Redactor {
  readonly #values = new Set<string>();

  add(value: string): void {
    if (value.length < minimumLength) return;
    this.#values.add(value);
    const escaped = JSON.stringify(value).slice(1, -1);
    if (escaped !== value) this.#values.add(escaped);
    this.#sorted = undefined;
  }

  redact(text: string): string {
    this.#sorted ??= [...this.#values].sort((left, right) => right.length - left.length);
    let result = text;
    for (const value of this.#sorted) {
      if (result.includes(value)) result = result.replaceAll(value, replacement);
    }
    return result;
  }

  /** Longest first, so that a secret which contains another is removed whole. */
  #sorted: readonly string[] | undefined;
}

const secretName = /key|token|secret|passw|credential|auth|cookie|private/i;

/** Tells whether an environment variable of that name is likely to carry a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}
