import type { BackendRequirement } from "./requirement.ts";
import { conversationRequirements } from "./requirements/conversation.ts";
import { failureRequirements } from "./requirements/failures.ts";
import { featureRequirements } from "./requirements/features.ts";
import { interruptRequirements } from "./requirements/interrupts.ts";
import { mcpRequirements } from "./requirements/mcp.ts";
import { outputRequirements } from "./requirements/output.ts";
import { permissionRequirements } from "./requirements/permissions.ts";
import { sessionRequirements } from "./requirements/sessions.ts";
import { toolRequirements } from "./requirements/tools.ts";

/** Everything that a backend must do with its real CLI, as far as it declares that it can. */
export const backendRequirements: readonly BackendRequirement[] = [
  ...conversationRequirements,
  ...toolRequirements,
  ...sessionRequirements,
  ...permissionRequirements,
  ...interruptRequirements,
  ...failureRequirements,
  ...mcpRequirements,
  ...outputRequirements,
  ...featureRequirements,
];
