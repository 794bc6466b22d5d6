export { codex } from "./codex.ts";
export type { CodexOptions, CodexReasoningSummary, CodexSandboxMode } from "./options.ts";
