import type { PermissionMode } from "../../src/kit.ts";
import type { CopilotOptions } from "./options.ts";

/** Never where calls are decided on: what a project brings could decide for the host. */
export function trustsProject(options: CopilotOptions, permissions: PermissionMode): boolean {
  return permissions === "allow-all" && (options.trustProject ?? true);
}

/** @throws TypeError for a trust that would undo the session's permissions. */
export function checkProjectTrust(options: CopilotOptions, permissions: PermissionMode): void {
  if (options.trustProject !== true || permissions === "allow-all") return;
  throw new TypeError(
    'copilot(): option "trustProject" must not be true where the session\'s permissions are not "allow-all": the project\'s hooks run commands that nobody is asked about.',
  );
}
