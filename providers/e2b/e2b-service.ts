import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionOpts, Sandbox as Handle } from "e2b";
import {
  type PeerPackage,
  SandboxAgentError,
  type VendorContext,
  loadPeer,
  refusedSafely,
  vendorFailure,
} from "../../src/kit.ts";
import type { E2bSettings } from "./e2b-options.ts";

export const providerName = "e2b";
const variables = ["E2B_API_KEY"];

export type E2bHandle = Handle;

const peer: PeerPackage = {
  name: "e2b",
  range: "^2.51.0",
  accepts: (version) => {
    const [major, minor] = version.split(".").map(Number);
    return major === 2 && (minor ?? 0) >= 51;
  },
  neededBy: "e2b()",
};

export type CallContext = Pick<VendorContext, "action" | "id" | "image">;

const connectAttempts = 3;
const connectRetryMs = 250;

/** The vendor's API with its credential, and its refusals as coded errors. */
export class E2bService {
  readonly settings: E2bSettings;

  constructor(settings: E2bSettings) {
    this.settings = settings;
  }

  /** @throws SandboxAgentError `dependency_missing`. */
  load(): Promise<{ readonly Sandbox: typeof Handle }> {
    return loadPeer(peer, () => import("e2b"));
  }

  /**
   * What every request is made with. The SDK itself repeats a request that was answered with 429 and `Retry-After`,
   * within the time that a request may take.
   *
   * @throws SandboxAgentError `provider_authentication_failed` where there is no key.
   */
  connection(): ConnectionOpts {
    const {
      apiKey = process.env["E2B_API_KEY"],
      domain,
      apiUrl,
      sandboxUrl,
      requestTimeoutMs,
    } = this.settings;
    if (apiKey === undefined || apiKey === "") {
      throw new SandboxAgentError(
        "provider_authentication_failed",
        "e2b() needs an API key, and found none: neither the option apiKey nor the variable E2B_API_KEY is set.",
        { details: { provider: providerName, variables } },
      );
    }
    return {
      apiKey,
      requestTimeoutMs,
      // Else a variable of the SDK's own developers turns every call into a pretended one.
      debug: false,
      ...(domain === undefined ? {} : { domain }),
      ...(apiUrl === undefined ? {} : { apiUrl }),
      ...(sandboxUrl === undefined ? {} : { sandboxUrl }),
    };
  }

  /** Makes a coded error of whatever a call rejects with. */
  async call<Value>(context: CallContext, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw failureOf(context, error);
    }
  }

  /** As `call`, and once more where nobody took the connection. */
  async callAgain<Value>(context: CallContext, work: () => Promise<Value>): Promise<Value> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.call(context, work);
      } catch (error) {
        const isWorthIt = refusedSafely(error) && SandboxAgentError.is(error, "provider_unavailable");
        if (!isWorthIt || attempt === connectAttempts) throw error;
        await delay(attempt * connectRetryMs);
      }
    }
  }
}

export function failureOf(context: CallContext, error: unknown): SandboxAgentError {
  if (SandboxAgentError.is(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return vendorFailure(
    { provider: providerName, variables, ...context },
    { status: statusOf(error), message, cause: error },
  );
}

/** Told by name, since the classes are there only once the SDK is loaded. */
const statusByName: { readonly [name: string]: number } = {
  AuthenticationError: 401,
  SandboxNotFoundError: 404,
  NotFoundError: 404,
  RateLimitError: 429,
  ServiceBusyError: 503,
};

/** Of the answer, where there was one. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("statusCode" in error && typeof error.statusCode === "number") return error.statusCode;
  return statusByName[error.name];
}
