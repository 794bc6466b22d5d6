import { handleRequest } from "./handle-request.ts";
import { Registry } from "./registry.ts";
import type { BridgeEnv, GetSandbox, RegistryState, RequestContext } from "./runtime.ts";
import { handleOf } from "./sandboxes.ts";

export { bridgeVersion } from "./protocol.ts";
export type {
  BridgeEnv,
  GetSandbox,
  RegistryNamespace,
  RegistryState,
  RequestContext,
  SandboxHandle,
  SandboxHandleOptions,
} from "./runtime.ts";

/** Parts of the Worker that the user deploys. */
export interface Bridge {
  /** What the Worker exports as its default. */
  readonly worker: {
    fetch(request: Request, env: BridgeEnv, context: RequestContext): Promise<Response>;
  };
  /** The Durable Object class that the Worker exports as `PlaypenRegistry`. */
  readonly PlaypenRegistry: new (
    state: RegistryState,
    env: BridgeEnv,
  ) => { fetch(request: Request): Promise<Response>; alarm(): Promise<void> };
}

/**
 * Makes the Worker through which `cloudflare()` speaks to `@cloudflare/sandbox`, which works inside a Worker only.
 *
 * It answers nobody who does not bring the secret `PLAYPEN_TOKEN`, and nobody at all where that is not set.
 *
 * @example
 * ```ts
 * import { getSandbox } from "@cloudflare/sandbox";
 * import { createBridge } from "playpen/cloudflare/bridge";
 *
 * export { Sandbox } from "@cloudflare/sandbox";
 * const bridge = createBridge({ getSandbox });
 * export const { PlaypenRegistry } = bridge;
 * export default bridge.worker;
 * ```
 */
export function createBridge(parts: { readonly getSandbox: GetSandbox }): Bridge {
  const { getSandbox } = parts;
  return {
    worker: { fetch: (request, env, context) => handleRequest(getSandbox, request, env, context) },
    PlaypenRegistry: class extends Registry {
      constructor(state: RegistryState, env: BridgeEnv) {
        super(state, (id) => handleOf(getSandbox, env.Sandbox, id).destroy());
      }
    },
  };
}
