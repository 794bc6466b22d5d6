import type { Sandbox, SandboxProvider } from "playpen/kit";

export interface SpendingLimits {
  /** Sandboxes that exist at one time. */
  readonly atOnce: number;
  /** Sandboxes created in all. */
  readonly inAll: number;
  /** After so long nothing is created any more. */
  readonly timeMs: number;
  /** On every sandbox, so that what is left can be found. */
  readonly labels: { readonly [name: string]: string };
}

/** A provider that refuses to cost more than what was agreed on. All providers of one guard share its limits. */
export function spendingGuard(limits: SpendingLimits): (provider: SandboxProvider) => SandboxProvider {
  const deadline = Date.now() + limits.timeMs;
  let inAll = 0;
  let atOnce = 0;
  const refusal = (): string | undefined => {
    if (Date.now() > deadline) return `the time of ${limits.timeMs / 60_000} minutes is over`;
    if (inAll >= limits.inAll) return `${limits.inAll} sandboxes have been created`;
    if (atOnce >= limits.atOnce) return `${limits.atOnce} sandboxes exist at once`;
    return undefined;
  };
  const counted = (sandbox: Sandbox): Sandbox => {
    const destroy = sandbox.destroy.bind(sandbox);
    let isCounted = true;
    return Object.assign(sandbox, {
      async destroy() {
        await destroy();
        if (isCounted) atOnce--;
        isCounted = false;
      },
    });
  };
  return (provider) =>
    Object.assign(Object.create(provider) as SandboxProvider, {
      capabilities: provider.capabilities,
      name: provider.name,
      check: () => provider.check(),
      connect: provider.connect.bind(provider),
      list: provider.list.bind(provider),
      create: async (...[spec, options]: Parameters<SandboxProvider["create"]>) => {
        const why = refusal();
        if (why !== undefined) throw new Error(`The spending guard creates no more sandboxes: ${why}.`);
        inAll++;
        atOnce++;
        try {
          const labels = { ...spec.labels, ...limits.labels };
          return counted(await provider.create({ ...spec, labels }, options));
        } catch (error) {
          atOnce--;
          throw error;
        }
      },
    });
}
