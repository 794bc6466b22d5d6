import type { ProviderRequirement } from "./requirement.ts";
import { abilityRequirements } from "./requirements/abilities.ts";
import { abortRequirements } from "./requirements/abort.ts";
import { archiveRequirements } from "./requirements/archives.ts";
import { commandRequirements } from "./requirements/command.ts";
import { detachRequirements } from "./requirements/detach.ts";
import { endOfSandboxRequirements } from "./requirements/end-of-sandbox.ts";
import { environmentRequirements } from "./requirements/environment.ts";
import { exitRequirements } from "./requirements/exit.ts";
import { fileRequirements } from "./requirements/files.ts";
import { folderRequirements } from "./requirements/folders.ts";
import { interactionRequirements } from "./requirements/interaction.ts";
import { killRequirements } from "./requirements/kill.ts";
import { outputRequirements } from "./requirements/output.ts";
import { providerItselfRequirements } from "./requirements/provider-itself.ts";
import { sandboxRequirements } from "./requirements/sandbox.ts";
import { snapshotRequirements } from "./requirements/snapshots.ts";
import { stdinRequirements } from "./requirements/stdin.ts";

/** Everything that a provider must do to be one; the words of `SandboxProvider` and `Sandbox`, made executable. */
export const providerRequirements: readonly ProviderRequirement[] = [
  ...providerItselfRequirements,
  ...sandboxRequirements,
  ...endOfSandboxRequirements,
  ...detachRequirements,
  ...commandRequirements,
  ...environmentRequirements,
  ...exitRequirements,
  ...stdinRequirements,
  ...outputRequirements,
  ...killRequirements,
  ...abortRequirements,
  ...fileRequirements,
  ...folderRequirements,
  ...archiveRequirements,
  ...abilityRequirements,
  ...snapshotRequirements,
  ...interactionRequirements,
];
