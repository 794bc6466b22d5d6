/** The words of whatever was thrown. Never throws itself, whatever the value does when it is looked at. */
export function errorText(error: unknown): string {
  try {
    const words: unknown = error instanceof Error ? error.message : error;
    return String(words);
  } catch {
    return "a value that cannot be shown";
  }
}

/** Like `errorText`, with the place where it was thrown, if it is known. */
export function errorStack(error: unknown): string {
  try {
    const stack: unknown = error instanceof Error ? error.stack : undefined;
    return typeof stack === "string" ? stack : errorText(error);
  } catch {
    return errorText(error);
  }
}
