/** Type tests of the pool: they hold when this file compiles. */
import { type PooledSandbox, type PoolEvent, type PoolStats, SandboxPool, type Session } from "playpen";
import { claude } from "playpen/claude";
import { local } from "playpen/local";
import type { Sandbox, SandboxProvider } from "playpen";

type Equal<Left, Right> =
  (<Value>() => Value extends Left ? 1 : 2) extends <Value>() => Value extends Right ? 1 : 2 ? true : false;
const holds = <Condition extends true>(condition?: Condition): unknown => condition;

interface Able extends Sandbox {
  pause(): Promise<void>;
  resume(): Promise<void>;
}
declare const able: SandboxProvider<Able>;

export async function composes(): Promise<void> {
  await using pool = new SandboxPool({
    sandbox: able,
    agent: claude(),
    size: 1,
    session: { permissions: "allow-all", systemPrompt: "Be brief." },
    onEvent: (event) => holds<Equal<typeof event, PoolEvent>>(),
  });
  await using taken = await pool.take({ signal: AbortSignal.timeout(1), timeoutMs: 1 });
  holds<Equal<typeof taken, PooledSandbox<Able>>>();
  holds<Equal<typeof taken.session, Session>>();
  // The provider's own abilities are those of the sandbox that was taken.
  await taken.box.sandbox.pause();
  holds<Equal<typeof pool.stats, PoolStats>>();

  // @ts-expect-error -- a sandbox is required
  new SandboxPool({ agent: claude() });
  // @ts-expect-error -- there is nothing to resume in a sandbox that is new
  new SandboxPool({ sandbox: local(), agent: claude(), session: { resume: "abc" } });
  // @ts-expect-error -- a session's permissions are among its options
  new SandboxPool({ sandbox: local(), agent: claude(), session: { permissions: "some" } });
}
