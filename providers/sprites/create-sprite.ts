import { randomUUID } from "node:crypto";
import type { CreateSpriteOptions, Sprite } from "@fly/sprites";
import {
  type CreateOptions,
  type Labels,
  SandboxAgentError,
  type SandboxSpec,
  refusedSafely,
  retriedWhenRefused,
  settlesWithin,
  undoneWhenAborted,
} from "../../src/kit.ts";
import { encodeLabels, ownLabels } from "./labels.ts";
import { removeSprite } from "./machine.ts";
import type { SpritesSettings } from "./options.ts";
import { prepareFolder } from "./prepare-folder.ts";
import { SpriteSandbox } from "./sandbox.ts";
import { type Service, providerName } from "./service.ts";

/** By which the sprites of this library are found among the others of an organization. */
export const namePrefix = "playpen-";

/** Makes a sprite and its working directory; whatever fails, none is left. */
export async function createSandbox(
  service: Service,
  settings: SpritesSettings,
  spec: SandboxSpec,
  { signal, onProgress }: CreateOptions,
): Promise<SpriteSandbox> {
  // The name is the library's, so that it is known even where the answer gets lost.
  const id = `${namePrefix}${randomUUID()}`;
  onProgress?.({ phase: "create", message: `Creating the sprite ${id}` });
  const making = make(service, settings, spec, id, signal);
  return undoneWhenAborted(making, signal, (sandbox) => sandbox.destroy());
}

async function make(
  service: Service,
  settings: SpritesSettings,
  spec: SandboxSpec,
  id: string,
  signal: AbortSignal | undefined,
): Promise<SpriteSandbox> {
  const cwd = spec.cwd ?? settings.cwd;
  const labels = labelsOf(settings, spec, cwd);
  try {
    const sprite = await retriedWhenRefused(() => request(service, settings, id, labels), { signal });
    signal?.throwIfAborted();
    const { user } = settings;
    const facts = { id, labels, user, url: sprite.url, env: { ...settings.env, ...spec.env } };
    const folder = await prepareFolder(service, { ...facts, cwd: "/" }, cwd);
    signal?.throwIfAborted();
    return new SpriteSandbox(service, { ...facts, cwd: folder });
  } catch (error) {
    // Of what was refused nothing is there to be removed.
    if (!wasRefused(error)) await settlesWithin(removeSprite(service, id), undoneWithinMs);
    throw error;
  }
}

const undoneWithinMs = 5000;

function wasRefused(error: unknown): boolean {
  return refusedSafely(error) || SandboxAgentError.is(error, "provider_authentication_failed");
}

async function request(
  service: Service,
  settings: SpritesSettings,
  id: string,
  labels: Labels,
): Promise<Sprite> {
  const sprite = await service.call({ action: "create a sprite" }, (client) =>
    client.createSprite(id, requestOf(settings, labels)),
  );
  if (sprite.name === id) return sprite;
  throw new SandboxAgentError("provider_failed", `${providerName} answered with another sprite.`, {
    details: { provider: providerName },
  });
}

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

function requestOf(settings: SpritesSettings, labels: Labels): CreateSpriteOptions {
  const { cpus, memoryBytes, diskBytes, region, runtime, waitForCapacity, publicUrl } = settings;
  const config = {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryBytes === undefined ? {} : { ramMB: Math.ceil(memoryBytes / mebibyte) }),
    ...(diskBytes === undefined ? {} : { storageGB: Math.ceil(diskBytes / gibibyte) }),
    ...(region === undefined ? {} : { region }),
  };
  return {
    labels: encodeLabels(labels),
    urlSettings: { auth: publicUrl ? "public" : "sprite" },
    ...(Object.keys(config).length === 0 ? {} : { config }),
    ...(runtime === undefined ? {} : { runtime }),
    ...(waitForCapacity === undefined ? {} : { waitForCapacity }),
  };
}

function labelsOf(settings: SpritesSettings, spec: SandboxSpec, cwd: string | undefined): Labels {
  return {
    ...settings.labels,
    ...spec.labels,
    [ownLabels.provider]: providerName,
    ...(cwd === undefined ? {} : { [ownLabels.cwd]: cwd }),
  };
}
