import type { Image, ModalClient, Sandbox as VendorSandbox } from "modal";
import { SandboxAgentError, type Snapshot, type SnapshotStore } from "../../src/kit.ts";
import { isNotFound, modalFailure, providerName } from "./modal-errors.ts";

/** A whole file system may take longer than the vendor's own minute. */
const snapshotTimeoutMs = 600_000;

/**
 * Snapshots are images of the vendor's. A name is one that the image is published by, in the vendor's environment, to
 * which the last one who takes it has it point.
 */
export class ModalSnapshots implements SnapshotStore {
  readonly #connected: () => Promise<ModalClient>;

  constructor(connected: () => Promise<ModalClient>) {
    this.#connected = connected;
  }

  async take(sandbox: VendorSandbox, name: string | undefined): Promise<Snapshot> {
    // Else the vendor removes it after thirty days.
    const image = await sandbox.snapshotFilesystem({ ttlMs: null, timeoutMs: snapshotTimeoutMs });
    try {
      if (name !== undefined) await image.publish(publishedName(name));
    } catch (error) {
      await this.remove(image.imageId).catch(() => undefined);
      throw error;
    }
    return { id: image.imageId };
  }

  async find(name: string): Promise<Snapshot | undefined> {
    const client = await this.#connected();
    try {
      const { imageId } = await client.images.fromName(publishedName(name));
      // Whether a name outlives its image is not documented.
      await client.images.fromId(imageId);
      return { id: imageId };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw modalFailure({ action: "look for a snapshot" }, error);
    }
  }

  async remove(id: string): Promise<void> {
    const client = await this.#connected();
    try {
      await client.images.delete(id);
    } catch (error) {
      if (!isNotFound(error)) throw modalFailure({ action: "remove a snapshot" }, error);
    }
  }
}

/** @throws SandboxAgentError `image_unavailable`. */
export async function imageOf(client: ModalClient, snapshot: string): Promise<Image> {
  try {
    return await client.images.fromId(snapshot);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new SandboxAgentError("image_unavailable", `There is no snapshot ${snapshot} at ${providerName}.`, {
      details: { image: snapshot },
      cause: error,
    });
  }
}

/** Apart from the images that somebody publishes otherwise. */
function publishedName(name: string): string {
  return `playpen-${name}`;
}
