/** The bridge's idea of `@cloudflare/sandbox` is what that package has. */
import { type Sandbox, getSandbox } from "@cloudflare/sandbox";
import { type SandboxHandle, createBridge } from "playpen/cloudflare/bridge";

const { PlaypenRegistry, worker } = createBridge({ getSandbox });
void PlaypenRegistry;
void worker;

/** The methods by themselves, so that a failure names the one. */
declare const real: Pick<Sandbox, "execStream" | "writeFile" | "destroy" | "tunnels">;
export const asUsed: Pick<SandboxHandle, "execStream" | "writeFile" | "destroy" | "tunnels"> = real;

const { execStream, writeFile, tunnels } = real;
const withoutDestroy = { execStream, writeFile, tunnels };
// @ts-expect-error: what has no destroy() does not fit.
createBridge({ getSandbox: () => withoutDestroy });
