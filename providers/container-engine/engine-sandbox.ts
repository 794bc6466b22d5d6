import type {
  CanExpose,
  CanFork,
  CanMeasure,
  CanOpenTerminal,
  CanPause,
  CanSetNetworkPolicy,
  CanSnapshot,
  Sandbox,
  SandboxAbility,
} from "../../src/kit.ts";

/** A container as a sandbox, with what its engine can do beside the rest. */
export interface EngineSandbox
  extends
    Sandbox,
    CanSnapshot,
    CanPause,
    CanFork,
    CanExpose,
    CanOpenTerminal,
    CanSetNetworkPolicy,
    CanMeasure {}

export const engineAbilities = [
  "snapshot",
  "pause",
  "fork",
  "expose",
  "terminal",
  "network-policy",
  "metrics",
] as const satisfies readonly SandboxAbility[];
