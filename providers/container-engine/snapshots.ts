import type Dockerode from "dockerode";
import { SandboxAgentError, type Snapshot, type SnapshotOptions, type SnapshotStore } from "../../src/kit.ts";
import { type ContainerHandle, lost } from "./container-state.ts";
import { isGone, statusOf, wordsOf } from "./engine-errors.ts";

export const repository = "playpen-snapshot";
/** On images that are to go with the sandbox which was made of them. */
const temporaryLabel = "playpen.temporary";
/** Between its making and its first use nothing holds such an image. */
const unusedForMs = 10 * 60_000;

export interface CommitOptions extends SnapshotOptions {
  /** The user of the sandbox's processes; the container's own is always root. */
  readonly user: string;
  readonly temporary?: boolean;
}

/** Makes an image of a container's file system; the engine pauses the container meanwhile. */
export async function commitContainer(handle: ContainerHandle, options: CommitOptions): Promise<Snapshot> {
  const { name, user, temporary = false, signal } = options;
  const { provider, container } = handle;
  checkSnapshotName(name);
  signal?.throwIfAborted();
  const changes = imageChanges(user, temporary);
  try {
    const image: unknown = await container.commit({
      ...(name === undefined ? {} : { repo: repository, tag: name }),
      changes: changes.join("\n"),
    });
    return { id: idIn(image) };
  } catch (error) {
    if (isGone(error)) throw lost(handle, "It is not running any more.", error);
    throw new SandboxAgentError(
      "provider_failed",
      `${provider} could not keep a snapshot: ${wordsOf(error)}`,
      {
        details: { provider },
        cause: error,
      },
    );
  }
}

/** @throws TypeError for a name that no image can have. */
export function checkSnapshotName(name: string | undefined): void {
  if (name === undefined || /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)) return;
  const rule = "128 letters, digits, ., _ and - at most, the first one a letter, a digit or _";
  throw new TypeError(`snapshot(): option "name" must be ${rule}, received ${JSON.stringify(name)}.`);
}

/** What the image is to say in place of what its container does. */
export function imageChanges(user: string, temporary: boolean): readonly string[] {
  return [
    `USER ${user === "" ? "root" : user}`,
    "WORKDIR /",
    `LABEL ${temporaryLabel}=${temporary ? "yes" : "no"}`,
    "ENTRYPOINT []",
    'CMD ["/bin/sh"]',
  ];
}

function idIn(image: unknown): string {
  const id: unknown = typeof image === "object" && image !== null ? Reflect.get(image, "Id") : undefined;
  if (typeof id !== "string") throw new Error("The engine did not tell the id of the image.");
  // Podman leaves the algorithm out.
  return id.startsWith("sha256:") ? id : `sha256:${id}`;
}

/** Removes images that went unused since their sandbox ended without its host. */
export async function removeUnused(engine: Dockerode): Promise<void> {
  const images = await engine.listImages({ filters: { label: [`${temporaryLabel}=yes`] } });
  const old = images.filter(({ Created: seconds }) => seconds * 1000 < Date.now() - unusedForMs);
  // What is in use is refused.
  for (const { Id: id } of old)
    await engine
      .getImage(id)
      .remove()
      .catch(() => undefined);
}

export function isTemporary(labels: { readonly [name: string]: string }): boolean {
  return labels[temporaryLabel] === "yes";
}

/** Removes an image; one that is gone is fine. By force, Podman would remove the sandboxes that use it, too. */
export async function removeImage(engine: Dockerode, provider: string, id: string): Promise<void> {
  try {
    await engine.getImage(id).remove();
  } catch (error) {
    if (statusOf(error) === 404) return;
    throw new SandboxAgentError(
      "provider_failed",
      `${provider} could not remove the snapshot ${id}: ${wordsOf(error)}`,
      {
        details: { provider, ...statusDetail(error) },
        cause: error,
        ...(statusOf(error) === 409
          ? { remedy: "Destroy the sandboxes that were made of it, then try again." }
          : {}),
      },
    );
  }
}

function statusDetail(error: unknown): { readonly status?: number } {
  const status = statusOf(error);
  return status === undefined ? {} : { status };
}

type WithEngine = <Value>(use: (engine: Dockerode) => Promise<Value>) => Promise<Value>;

/** The snapshots that an engine keeps: images named `playpen-snapshot:<name>`, or without a name. */
export class EngineSnapshots implements SnapshotStore {
  readonly #provider: string;
  readonly #withEngine: WithEngine;

  constructor(provider: string, withEngine: WithEngine) {
    this.#provider = provider;
    this.#withEngine = withEngine;
  }

  find(name: string): Promise<Snapshot | undefined> {
    return this.#withEngine(async (engine) => {
      try {
        const image: unknown = await engine.getImage(`${repository}:${name}`).inspect();
        return { id: idIn(image) };
      } catch (error) {
        // A name that no image can have is refused with 400.
        if (statusOf(error) === 404 || statusOf(error) === 400) return undefined;
        throw error;
      }
    });
  }

  remove(id: string): Promise<void> {
    return this.#withEngine((engine) => removeImage(engine, this.#provider, id));
  }
}
