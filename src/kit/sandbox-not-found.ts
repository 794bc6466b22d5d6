import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";

/** Makes the error of a provider that has no such sandbox; `why` is one sentence, or more. */
export function sandboxNotFound(
  provider: string,
  id: string,
  why: string,
  cause?: unknown,
): SandboxAgentError<"sandbox_not_found"> {
  return new SandboxAgentError("sandbox_not_found", `No sandbox ${provider}/${id}. ${why}`, {
    details: { id },
    cause,
  });
}
