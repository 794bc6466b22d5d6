/** The words of whatever was thrown. Never throws itself, whatever the value does when it is looked at. */
export function errorText(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return "a value that cannot be shown";
  }
}
