/** When a sandbox that waits is to be replaced, and when it may not be handed out any more. */
export interface Ageing {
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** A pool at one moment; times are those of `performance.now()`. */
export interface PoolState<Waiting extends Ageing> {
  readonly now: number;
  readonly size: number;
  readonly maxSize: number;
  readonly idle: readonly Waiting[];
  /** Being made and wanted, without those that were aborted. */
  readonly creating: number;
  /** Being removed. */
  readonly ending: number;
  /** Everything that exists, or is about to. */
  readonly count: number;
  /** Callers that no sandbox is in sight for. */
  readonly waiting: number;
  /** Whether the last that was heard of the provider is a failure. */
  readonly isFailing: boolean;
  /** Before this nothing is made. */
  readonly resumeAt: number;
}

export interface Upkeep<Waiting extends Ageing> {
  readonly evict: readonly { readonly warm: Waiting; readonly reason: "expired" | "surplus" }[];
  /** How many of those that are being made are not wanted any more. */
  readonly abort: number;
  readonly create: number;
}

/** Decides what a pool is to do now that those are gone which have expired, and those are handed out which can be. */
export function upkeepOf<Waiting extends Ageing>(state: PoolState<Waiting>): Upkeep<Waiting> {
  const { now, size, idle, creating } = state;
  const fresh = idle.filter(({ renewAt }) => renewAt > now);
  const lacking = size + state.waiting - fresh.length - creating;
  const soonestFirst = [...idle].sort((left, right) => left.renewAt - right.renewAt);
  const surplus = soonestFirst.slice(0, Math.max(0, idle.length - size));
  const { create, makeRoom } = creationsOf(state, lacking);
  const leaving = new Set([
    ...surplus,
    ...soonestFirst.filter(({ renewAt }) => renewAt <= now).slice(0, makeRoom),
  ]);
  return {
    evict: [...leaving].map((warm) => ({ warm, reason: warm.renewAt <= now ? "expired" : "surplus" })),
    abort: Math.min(creating, Math.max(0, -lacking)),
    create,
  };
}

/** How many are made now, and how many have to go for those that there is no room for. */
function creationsOf(
  state: Omit<PoolState<Ageing>, "idle">,
  lacking: number,
): { readonly create: number; readonly makeRoom: number } {
  if (state.now < state.resumeAt) return { create: 0, makeRoom: 0 };
  // After a failure one sandbox shows whether others may follow.
  const wanted = Math.max(0, state.isFailing ? Math.min(lacking, 1 - state.creating) : lacking);
  const room = Math.max(0, state.maxSize - state.count);
  // What is being removed makes room by itself.
  return { create: Math.min(wanted, room), makeRoom: Math.max(0, wanted - room - state.ending) };
}

/** When to look again, or `Infinity`. */
export function nextLook({
  now,
  idle,
  resumeAt,
}: Pick<PoolState<Ageing>, "now" | "idle" | "resumeAt">): number {
  const times = idle.flatMap(({ renewAt, expiresAt }) => [renewAt, expiresAt]);
  return Math.min(...[...times, resumeAt].filter((time) => time > now));
}
