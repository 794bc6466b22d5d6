import type { PermissionMode } from "../../../src/kit.ts";

/** Nothing that anybody sees, and of no file's name. */
const wordJoiner = "\u2060";

/**
 * The prompt as it is written to `qwen`. It reads the files that are named with an `@` in front, without a tool call and
 * so without a permission: where no call is allowed, they are no names any more.
 */
export function plainPrompt(text: string, permissions: PermissionMode): string {
  return permissions === "allow-all" ? text : text.replace(/@(?=\S)/g, `@${wordJoiner}`);
}
