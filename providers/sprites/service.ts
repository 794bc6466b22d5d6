import type { SpritesClient } from "@fly/sprites";
import type { WebSocket } from "ws";
import {
  SandboxAgentError,
  type VendorAnswer,
  type VendorContext,
  isJsonObject,
  loadPeer,
  numberField,
  vendorFailure,
} from "../../src/kit.ts";
import type { SpritesSettings } from "./options.ts";

export const providerName = "sprites";

/** Where the access token is looked for. */
export const tokenVariables: readonly string[] = ["SPRITES_TOKEN", "SPRITE_TOKEN"];

export const tokenRemedy =
  "Make a token at https://sprites.dev/account, and set SPRITES_TOKEN or give it as sprites({ token }).";

const sdk = {
  name: "@fly/sprites",
  range: "^0.1.0",
  accepts: (version: string) => /^0\.1\.\d+/.test(version),
  neededBy: "sprites()",
};

// The vendor's own WebSocket commands need a global that Node 20 has not, cannot be made to wait, and hide the status of
// an answer.
const sockets = {
  name: "ws",
  range: "^8.18.0",
  accepts: (version: string) => /^8\.\d+/.test(version),
  neededBy: "sprites()",
};

/** What an action is about, for the message of its failure. */
export type Action = Pick<VendorContext, "action" | "id">;

/** The vendor's service, as this provider speaks to it. */
export interface Service {
  readonly client: SpritesClient;
  readonly WebSocket: typeof WebSocket;
  readonly token: string;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly requestTimeoutMs: number;
  /** Does something with the client; what fails becomes a coded error. */
  call<Value>(action: Action, work: (client: SpritesClient) => Promise<Value>): Promise<Value>;
}

/**
 * Loads the packages; makes no request.
 *
 * @throws SandboxAgentError `provider_authentication_failed` without a token, `dependency_missing`.
 */
export async function openService(settings: SpritesSettings): Promise<Service> {
  const token = tokenOf(settings);
  const [{ SpritesClient }, { WebSocket }] = await Promise.all([
    loadPeer(sdk, () => import("@fly/sprites")),
    loadPeer(sockets, () => import("ws")),
  ]);
  const { requestTimeoutMs } = settings;
  const baseUrl = addressOf(settings);
  const client = new SpritesClient(token, { baseURL: baseUrl, timeout: requestTimeoutMs });
  // The client's own keeps neither the time given, when it creates, nor the cause of a failure, without which nobody could
  // tell a request that was never taken from one that was.
  Reflect.set(client, "fetch", (url: string, init: RequestInit) => {
    const signal = AbortSignal.timeout(requestTimeoutMs);
    return fetch(url, { ...init, signal });
  });
  return {
    client,
    WebSocket,
    token,
    baseUrl,
    requestTimeoutMs,
    call: async (action, work) => {
      try {
        return await work(client);
      } catch (error) {
        throw failureOf(error, action);
      }
    },
  };
}

function tokenOf({ token }: SpritesSettings): string {
  const found = token ?? tokenVariables.map((name) => process.env[name]).find((value) => Boolean(value));
  if (found !== undefined) return found;
  throw new SandboxAgentError(
    "provider_authentication_failed",
    `${providerName} has no token: neither the option "token" nor one of ${tokenVariables.join(", ")} is set.`,
    { details: { provider: providerName, variables: tokenVariables }, remedy: tokenRemedy },
  );
}

export function addressOf({ baseUrl }: SpritesSettings): string {
  const named = [baseUrl, process.env["SPRITES_API_URL"]].find((value) => Boolean(value));
  const address = named ?? "https://api.sprites.dev";
  return address.replace(/\/+$/, "");
}

/** Makes a coded error of whatever the vendor's client throws. */
export function failureOf(error: unknown, action: Action): SandboxAgentError {
  if (SandboxAgentError.is(error)) return error;
  return vendorFailure({ ...action, provider: providerName, variables: tokenVariables }, answerOf(error));
}

function answerOf(error: unknown): VendorAnswer {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof SyntaxError) return { message: `It answered with what is no JSON.`, cause: error };
  if (error instanceof Error && error.name === "TimeoutError") {
    return { message: "It did not answer in time.", cause: error };
  }
  const fields = isJsonObject(error) ? error : undefined;
  const status = numberField(fields, "statusCode") ?? statusIn(message);
  const seconds = numberField(fields, "retryAfterSeconds") ?? numberField(fields, "retryAfterHeader");
  return {
    status,
    message,
    ...(seconds === undefined ? {} : { retryAfterMs: seconds * 1000 }),
    cause: error,
  };
}

/** Some of the client's functions tell the status in their words only. */
function statusIn(message: string): number | undefined {
  const [, digits] = /\(status (\d{3})\)|with status (\d{3})/.exec(message) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
