import type { JsonObject, NativeSession, ProtocolInput, Step } from "../../src/kit.ts";
import { permissionHooks } from "./permission-desk.ts";
import { errorTexts } from "./turn-results.ts";
import { requestLine } from "./wire.ts";

export const initializeId = "initialize";

/** The request that opens the conversation. The system prompt goes with it, since an argument has a bound and is public. */
export function initializeLine({ permissions, systemPrompt, allowedTools }: ProtocolInput): string {
  return requestLine(initializeId, {
    subtype: "initialize",
    hooks: permissionHooks(permissions, allowedTools !== undefined),
    // Without it, of sub-agents only the tool calls are told.
    forwardSubagentText: true,
    ...(systemPrompt === undefined
      ? {}
      : "append" in systemPrompt
        ? { appendSystemPrompt: systemPrompt.append }
        : { systemPrompt: [systemPrompt.replace] }),
  });
}

/** What a result says that comes instead of the answer to that request: why there can be no session. */
export function refusedStart(result: JsonObject, resume: NativeSession | undefined): Step {
  const message = errorTexts(result) || "Claude Code gave a result before it was ready.";
  if (resume !== undefined && isUnknownSession(message)) return { resumeLost: true };
  return { startError: { code: "session_start_failed", message, retryable: false } };
}

function isUnknownSession(message: string): boolean {
  return (
    message.includes("No conversation found") || message.includes("--resume requires a valid session ID")
  );
}
