import type { Sprite } from "@fly/sprites";
import {
  type Availability,
  type CreateOptions,
  type Labels,
  SandboxAgentError,
  type SandboxCapabilities,
  type SandboxInfo,
  type SandboxProvider,
  type SandboxSpec,
  abortable,
  hasLabels,
  sandboxNotFound,
  unavailable,
} from "../../src/kit.ts";
import { createSandbox, namePrefix } from "./create-sprite.ts";
import { decodeLabels, isOver, ownLabels } from "./labels.ts";
import { removeSprite } from "./machine.ts";
import { type SpritesOptions, type SpritesSettings, resolveSpritesOptions } from "./options.ts";
import { prepareFolder } from "./prepare-folder.ts";
import { SpriteSandbox, type SpritesSandbox } from "./sandbox.ts";
import { type Service, addressOf, openService, providerName, tokenRemedy } from "./service.ts";

/**
 * Makes a provider that runs each sandbox in a sprite: a small machine of Fly.io that keeps its files, sleeps when nothing
 * happens, and wakes at the next command.
 *
 * It needs the packages `@fly/sprites` and `ws`, and a token in `SPRITES_TOKEN`. A sprite lives until it is destroyed.
 *
 * @throws TypeError for a wrong option, with its name.
 *
 * @example
 * ```ts
 * import { SandboxAgent } from "playpen";
 * import { claude } from "playpen/claude";
 * import { sprites } from "playpen/sprites";
 *
 * await using box = await SandboxAgent.start({
 *   sandbox: sprites({ memoryBytes: "2g" }),
 *   agent: claude(),
 * });
 * ```
 */
export function sprites(options: SpritesOptions = {}): SandboxProvider<SpritesSandbox> {
  return new SpritesProvider(resolveSpritesOptions(options));
}

class SpritesProvider implements SandboxProvider<SpritesSandbox> {
  readonly name = providerName;
  readonly capabilities: SandboxCapabilities = {
    stdin: "native",
    signals: "emulated",
    users: "emulated",
    files: "emulated",
    detach: "emulated",
    renewsExpiry: true,
    diesWithHost: "none",
    backpressure: "native",
    isolation: "machine",
    abilities: ["expose", "terminal", "network-policy", "watch"],
  };
  readonly #settings: SpritesSettings;
  #service: Promise<Service> | undefined;

  constructor(settings: SpritesSettings) {
    this.#settings = settings;
  }

  async check(): Promise<Availability> {
    try {
      const service = await this.#open();
      await service.call({ action: "list sprites" }, (client) => client.listSprites({ maxResults: 1 }));
      return { available: true };
    } catch (error) {
      return unavailable(error, { credential: tokenRemedy, other: "Look at the reason." });
    }
  }

  async create(spec: SandboxSpec, options: CreateOptions = {}): Promise<SpritesSandbox> {
    options.signal?.throwIfAborted();
    const service = await abortable(this.#open(), options.signal);
    return createSandbox(service, this.#settings, spec, options);
  }

  async connect(
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
    options: CreateOptions = {},
  ): Promise<SpritesSandbox> {
    options.signal?.throwIfAborted();
    const service = await abortable(this.#open(), options.signal);
    return abortable(this.#connect(service, id, spec), options.signal);
  }

  async *list(filter: { readonly labels?: Labels } = {}): AsyncIterable<SandboxInfo> {
    const service = await this.#open();
    for await (const found of allSprites(service)) {
      const labels = decodeLabels(found.labels);
      if (labels[ownLabels.provider] !== providerName) continue;
      if (isOver(labels)) {
        await removeSprite(service, found.name);
        continue;
      }
      if (!hasLabels(labels, filter.labels)) continue;
      // One that sleeps wakes at the next command.
      yield {
        id: found.name,
        labels,
        running: true,
        ...(found.createdAt === undefined ? {} : { createdAt: found.createdAt.getTime() }),
      };
    }
  }

  describe() {
    const { runtime, cpus, memoryBytes, diskBytes, region, publicUrl, cwd, user } = this.#settings;
    return {
      baseUrl: addressOf(this.#settings),
      publicUrl,
      ...(runtime === undefined ? {} : { runtime }),
      ...(cpus === undefined ? {} : { cpus }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(diskBytes === undefined ? {} : { diskBytes }),
      ...(region === undefined ? {} : { region }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(user === undefined ? {} : { user }),
    };
  }

  async #connect(
    service: Service,
    id: string,
    spec: Pick<SandboxSpec, "env" | "cwd">,
  ): Promise<SpritesSandbox> {
    // Anything else would be another path of the service.
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(id))
      throw sandboxNotFound(providerName, id, "That is no sprite's name.");
    const found = await service.call({ action: "find a sprite", id }, (client) => client.getSprite(id));
    const labels = decodeLabels(found.labels);
    if (labels[ownLabels.provider] !== providerName) {
      throw sandboxNotFound(providerName, id, "There is such a sprite, but it is no sandbox.");
    }
    if (isOver(labels)) {
      await removeSprite(service, id);
      throw sandboxNotFound(providerName, id, "It has ended.");
    }
    const { user, env } = this.#settings;
    const facts = { id, labels, user, url: found.url, env: { ...env, ...spec.env } };
    const cwd = await prepareFolder(service, { ...facts, cwd: "/" }, spec.cwd ?? labels[ownLabels.cwd]);
    return new SpriteSandbox(service, { ...facts, cwd });
  }

  async #open(): Promise<Service> {
    this.#service ??= openService(this.#settings).catch((error: unknown) => {
      this.#service = undefined;
      throw error;
    });
    return this.#service;
  }
}

type ListedSprite = Pick<Sprite, "name" | "labels" | "createdAt">;

/** All that this library may have made. A list need not tell the labels, which are asked for then. */
async function* allSprites(service: Service): AsyncGenerator<ListedSprite> {
  let continuationToken: string | undefined;
  do {
    const page = await service.call({ action: "list sprites" }, (client) =>
      client.listSprites({
        prefix: namePrefix,
        maxResults: 50,
        bulkLoad: true,
        ...(continuationToken === undefined ? {} : { continuationToken }),
      }),
    );
    for (const found of page.sprites) {
      const { name, labels = [], createdAt } = found;
      if (labels.length > 0) {
        yield { name, labels, createdAt };
        continue;
      }
      try {
        const whole = await service.call({ action: "find a sprite", id: name }, (client) =>
          client.getSprite(name),
        );
        yield { name, labels: whole.labels, createdAt };
      } catch (error) {
        // It was removed meanwhile.
        if (!SandboxAgentError.is(error, "sandbox_not_found")) throw error;
      }
    }
    continuationToken = page.hasMore ? page.nextContinuationToken : undefined;
  } while (continuationToken !== undefined);
}
