import { type Session, SandboxAgentError } from "playpen";

export interface CutTurn {
  /** Of the error that the turn ended with. */
  readonly code: string | undefined;
  /** From the cut to the end of the turn. */
  readonly tookMs: number;
}

/** Has an agent run a tool, cuts its connection meanwhile, and tells how the turn ended. */
export async function cutTurn(session: Session, cut: () => void | Promise<void>): Promise<CutTurn> {
  const turn = session.prompt("!shell sleep 60");
  let cutAt = Number.NaN;
  const followed = (async () => {
    for await (const event of turn) {
      if (event.type !== "tool.started") continue;
      cutAt = performance.now();
      await cut();
    }
  })();
  const error: unknown = await turn.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  await followed.catch(() => undefined);
  return { code: SandboxAgentError.is(error) ? error.code : undefined, tookMs: performance.now() - cutAt };
}
