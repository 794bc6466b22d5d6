import { SandboxAgentError, type VendorContext, vendorFailure } from "../../src/kit.ts";

export const providerName = "computesdk";

export interface VendorCall {
  readonly action: string;
  readonly id?: string;
  readonly timeoutMs: number;
}

/**
 * Waits for something that the vendor's client was asked for, whatever it throws, and however long it takes.
 *
 * @throws SandboxAgentError of `vendorFailure`.
 */
export async function vendorCall<Value>(call: VendorCall, request: () => Promise<Value>): Promise<Value> {
  const { action, id, timeoutMs } = call;
  const context: VendorContext = {
    provider: providerName,
    action,
    variables: [],
    ...(id === undefined ? {} : { id }),
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(vendorFailure(context, { message: `no answer came within ${timeoutMs} ms.` }));
    }, timeoutMs);
  });
  try {
    return await Promise.race([request(), late]);
  } catch (cause) {
    if (SandboxAgentError.is(cause)) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw vendorFailure(context, { status: statusOf(cause, message), message, cause });
  } finally {
    clearTimeout(timer);
  }
}

/** Every vendor's client says it in another way, and some in their words only. */
function statusOf(error: unknown, message: string): number | undefined {
  let current = error;
  for (let depth = 0; depth < 5 && typeof current === "object" && current !== null; depth++) {
    for (const name of ["status", "statusCode"]) {
      const status: unknown = Reflect.get(current, name);
      if (typeof status === "number" && status >= 400 && status < 600) return status;
    }
    current = Reflect.get(current, "cause");
  }
  const [, named] = /\b(?:status|code|HTTP|error)[ :=]*\(?([45]\d\d)\b/i.exec(message) ?? [];
  if (named !== undefined) return Number(named);
  if (/\bnot found\b|does not exist|no such sandbox/i.test(message)) return 404;
  if (/\bunauthori[sz]ed\b|invalid (api )?(key|token)|authentication failed/i.test(message)) return 401;
  return /too many requests|rate limit/i.test(message) ? 429 : undefined;
}
