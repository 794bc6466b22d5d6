import type { Daytona } from "@daytonaio/sdk";
import {
  type PeerPackage,
  SandboxAgentError,
  type VendorContext,
  loadPeer,
  vendorFailure,
} from "../../src/kit.ts";
import type { DaytonaSettings } from "./daytona-options.ts";

export const providerName = "daytona";
const variables = ["DAYTONA_API_KEY"];

export type DaytonaHandle = Awaited<ReturnType<Daytona["get"]>>;

const peer: PeerPackage = {
  name: "@daytonaio/sdk",
  range: "^0.218.0",
  accepts: (version) => version.startsWith("0.218."),
  neededBy: "daytona()",
};

export type CallContext = Pick<VendorContext, "action" | "id" | "image">;

/** The vendor's API with its credential, and its refusals as coded errors. */
export class DaytonaService {
  readonly settings: DaytonaSettings;

  constructor(settings: DaytonaSettings) {
    this.settings = settings;
  }

  /** @throws SandboxAgentError `provider_authentication_failed`, `dependency_missing`. */
  async client(): Promise<Daytona> {
    const { apiKey = process.env["DAYTONA_API_KEY"], apiUrl, region, requestTimeoutMs } = this.settings;
    if (apiKey === undefined || apiKey === "") {
      throw new SandboxAgentError(
        "provider_authentication_failed",
        "daytona() needs an API key, and found none: neither the option apiKey nor the variable DAYTONA_API_KEY is set.",
        { details: { provider: providerName, variables } },
      );
    }
    const { Daytona: Client } = await loadPeer(peer, () => import("@daytonaio/sdk"));
    return this.call({ action: "prepare its client" }, async () => {
      return new Client({
        apiKey,
        requestTimeoutMs,
        // Else every client keeps a socket open, by which it is told of changes.
        useDeprecatedPolling: true,
        ...(apiUrl === undefined ? {} : { apiUrl }),
        ...(region === undefined ? {} : { target: region }),
      });
    });
  }

  /** Makes a coded error of whatever a call rejects with. The SDK repeats what nobody took the connection for. */
  async call<Value>(context: CallContext, work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw failureOf(context, error);
    }
  }
}

export function failureOf(context: CallContext, error: unknown): SandboxAgentError {
  if (SandboxAgentError.is(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  // The SDK keeps the words of a connection that was never made, and not its code.
  const [, code] = /\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)\b/.exec(message) ?? [];
  const cause =
    code === undefined || statusOf(error) !== undefined
      ? error
      : Object.assign(new Error(message, { cause: error }), { code });
  return vendorFailure(
    { provider: providerName, variables, ...context },
    { status: statusOf(error), message, retryAfterMs: retryAfterOf(error), cause },
  );
}

/** Of the answer, where there was one. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}

function retryAfterOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("headers" in error)) return undefined;
  const { headers } = error;
  const value: unknown =
    typeof headers === "object" && headers !== null ? Reflect.get(headers, "retry-after") : undefined;
  const seconds = typeof value === "string" ? Number(value) : Number.NaN;
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

/** The vendor counts in minutes, and 0 means never. */
export function minutesOf(durationMs: number): number {
  return Math.max(1, Math.ceil(durationMs / 60_000));
}
