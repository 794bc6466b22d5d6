import type * as ModalPackage from "modal";
import { type PeerPackage, SandboxAgentError, loadPeer } from "../../src/kit.ts";

/** What npm calls the newest version of `modal` is somebody else's dialog for browsers, and no SDK at all. */
export const modalPackage: PeerPackage = {
  name: "modal",
  range: "~0.11.0",
  accepts: (version) => version.startsWith("0.11."),
  neededBy: "modal()",
};

/** @throws SandboxAgentError `dependency_missing`, which names the one version that is the vendor's SDK. */
export async function loadModal(): Promise<typeof ModalPackage> {
  try {
    return await loadPeer(modalPackage, () => import("modal"));
  } catch (error) {
    if (!SandboxAgentError.is(error, "dependency_missing")) throw error;
    const { details, reason, cause } = error;
    throw new SandboxAgentError(
      "dependency_missing",
      `${reason} On npm, modal without a version (1.x) is an unrelated dialog for browsers, and @modal-labs/modal does not exist.`,
      { details, cause, remedy: `Run: ${details.install}` },
    );
  }
}
