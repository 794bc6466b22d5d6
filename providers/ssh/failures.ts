import { SandboxAgentError, vendorFailure } from "../../src/kit.ts";

export const providerName = "ssh";

/** Where the credential is looked for when no option gives one. */
export const agentVariable = "SSH_AUTH_SOCK";

/** The machine has shown another key than the one it should have. */
export class WrongHostKey extends Error {
  readonly shown: string;

  constructor(shown: string) {
    super(`The machine shows the key ${shown}.`);
    this.shown = shown;
  }
}

/** Makes a coded error of why there is no connection. */
export function connectionFailure(address: string, error: unknown): SandboxAgentError {
  if (SandboxAgentError.is(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof WrongHostKey) {
    return new SandboxAgentError(
      "provider_unavailable",
      `${address} does not have the host key that was expected: it shows ${error.shown}. Nothing was sent to it.`,
      {
        details: { provider: providerName, tried: [address] },
        cause: error,
        remedy:
          "Find out why the key has changed, from somebody who runs the machine. Only then put its new key into `hostKey` of ssh().",
      },
    );
  }
  const level: unknown = error instanceof Error ? Reflect.get(error, "level") : undefined;
  if (level === "client-authentication" || level === "agent") {
    return new SandboxAgentError(
      "provider_authentication_failed",
      `${address} did not let the user in: ${message}`,
      {
        details: { provider: providerName, variables: [agentVariable] },
        cause: error,
        remedy:
          "Check `username`, and give ssh() a `privateKey`, a `password` or an `agent` that the machine knows.",
      },
    );
  }
  if (level === "client-timeout" || level === "protocol") {
    return new SandboxAgentError("provider_unavailable", `${address} could not be reached: ${message}`, {
      details: { provider: providerName, tried: [address] },
      cause: error,
    });
  }
  const context = { provider: providerName, action: `connect to ${address}`, variables: [agentVariable] };
  return vendorFailure(context, { message, cause: error });
}

/** The machine does not answer any more, or answers what nobody understands. */
export function answerFailure(action: string, message: string, cause?: unknown): SandboxAgentError {
  return new SandboxAgentError("provider_failed", `ssh could not ${action}: ${message}`, {
    details: { provider: providerName },
    cause,
  });
}

export function noAgent(): SandboxAgentError {
  return new SandboxAgentError(
    "provider_authentication_failed",
    `ssh() was given neither a key nor a password, and ${agentVariable} names no agent.`,
    {
      details: { provider: providerName, variables: [agentVariable] },
      remedy: `Give it a \`privateKey\`, a \`password\` or an \`agent\`, or start an SSH agent that sets ${agentVariable}.`,
    },
  );
}
