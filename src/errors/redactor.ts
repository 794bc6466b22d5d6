const replacement = "[redacted]";
/** Shorter values stand in ordinary text by chance, and hiding them would spoil it. */
const minimumLength = 8;

/**
 * Removes known secret values from text: events, errors and logs go through it. It looks for them as they are, and as
 * they stand in JSON, in JSON inside of JSON, and in addresses.
 */
export class Redactor {
  readonly #values = new Set<string>();
  /** Longest first, so that a secret which contains another is removed whole. */
  #sorted: readonly string[] | undefined;
  #encoded: readonly Buffer[] | undefined;

  add(value: string): void {
    if (value.length < minimumLength) return;
    for (const form of spellings(value)) {
      // Text is redacted line by line or many lines at once, which must come to the same: no value spans lines.
      for (const line of form.split(/[\r\n]+/)) if (line.length >= minimumLength) this.#values.add(line);
    }
    this.#sorted = undefined;
    this.#encoded = undefined;
  }

  /** Whether these bytes, as UTF-8, have something to remove. */
  concerns(bytes: Buffer): boolean {
    this.#encoded ??= [...this.#values].map((value) => Buffer.from(value));
    return this.#encoded.some((value) => bytes.includes(value));
  }

  redact(text: string): string {
    this.#sorted ??= [...this.#values].sort((left, right) => right.length - left.length);
    let result = text;
    for (const value of this.#sorted) {
      if (result.includes(value)) result = result.replaceAll(value, replacement);
    }
    return result;
  }
}

function spellings(value: string): readonly string[] {
  const inJson = jsonEscaped(value);
  const forms = [value, inJson, jsonEscaped(inJson), asciiEscaped(inJson), inJson.replaceAll("/", "\\/")];
  try {
    forms.push(encodeURIComponent(value));
  } catch {
    // Half a surrogate pair: no address can hold it.
  }
  return forms;
}

function jsonEscaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** As serializers write that keep to ASCII. */
function asciiEscaped(text: string): string {
  return text.replace(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const secretName = /key|token|secret|passw|credential|auth|cookie|private/i;

/** Tells whether an environment variable of that name is likely to carry a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}
