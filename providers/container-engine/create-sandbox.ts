import type Dockerode from "dockerode";
import {
  type CreateOptions,
  SandboxAgentError,
  type SandboxSpec,
  undoneWhenAborted,
  abortable,
} from "../../src/kit.ts";
import { containerConfig, sandboxLabels } from "./container-config.ts";
import { removeContainer } from "./container-state.ts";
import type { ContainerSettings } from "./container-options.ts";
import { ContainerSandbox } from "./container-sandbox.ts";
import { isUnreachable, statusOf, wordsOf } from "./engine-errors.ts";
import { type Lifeline, attachLifeline } from "./lifeline.ts";
import type { EngineKind } from "./engine-kind.ts";
import { visibleLabels } from "./inherited-labels.ts";
import { type ImageFacts, ensureImage, imageUnavailable, inspectImage } from "./pull-image.ts";
import { isTemporary } from "./snapshots.ts";

/** Creates and starts a container; whatever fails, none is left. */
export async function createSandbox(
  engine: Dockerode,
  settings: ContainerSettings,
  spec: SandboxSpec,
  options: CreateOptions,
): Promise<ContainerSandbox> {
  const { signal, onProgress } = options;
  const image = await abortable(findImage(engine, settings, spec, options), signal);
  const user = settings.user ?? image.user;
  onProgress?.({ phase: "create", message: `Creating a container from ${spec.snapshot ?? settings.image}` });
  const created = createContainer(engine, settings, spec, { image, user }, signal);
  const { container, lifeline } = await undoneWhenAborted(created, signal, async (unwanted) => {
    await removeContainer(unwanted.container);
    unwanted.lifeline.close();
  });
  return new ContainerSandbox({
    engine,
    settings,
    container,
    cwd: spec.cwd ?? settings.cwd,
    labels: visibleLabels(sandboxLabels(settings, spec)),
    ...(isTemporary(image.labels) ? { temporaryImage: image.id } : {}),
    create: (another) => createSandbox(engine, settings, another, {}),
    user,
    env: { ...settings.env, ...spec.env },
    lifeline,
  });
}

async function findImage(
  engine: Dockerode,
  settings: ContainerSettings,
  { snapshot }: SandboxSpec,
  options: CreateOptions,
): Promise<ImageFacts> {
  if (snapshot === undefined) return ensureImage(engine, settings, options);
  const facts = await inspectImage(engine, snapshot);
  if (facts === undefined) throw imageUnavailable(snapshot, "There is no such snapshot.");
  return facts;
}

interface RunningContainer {
  readonly container: Dockerode.Container;
  readonly lifeline: Lifeline;
}

/**
 * The signal is looked at between the requests only: one that was sent may make a container, which could not be removed
 * without knowing its id.
 */
async function createContainer(
  engine: Dockerode,
  settings: ContainerSettings,
  spec: SandboxSpec,
  { image, user }: { readonly image: ImageFacts; readonly user: string },
  signal: AbortSignal | undefined,
): Promise<RunningContainer> {
  const config = containerConfig(settings, spec, user, image);
  const container = await engine.createContainer(config).catch((error: unknown) => {
    throw createFailure(settings, spec, error);
  });
  let lifeline: Lifeline | undefined;
  try {
    signal?.throwIfAborted();
    lifeline = await attachLifeline(container);
    signal?.throwIfAborted();
    await container.start();
    await lifeline.ready();
    return { container, lifeline };
  } catch (error) {
    // Its failure must not mask the first error; the dead man's switch ends what could not be removed.
    await removeContainer(container).catch(() => undefined);
    lifeline?.close();
    throw createFailure(settings, spec, error);
  }
}

function createFailure(
  settings: ContainerSettings,
  { snapshot }: SandboxSpec,
  error: unknown,
): SandboxAgentError {
  if (SandboxAgentError.is(error)) return error;
  const words = wordsOf(error);
  const image = snapshot ?? settings.image;
  if (isUnreachable(error)) return engineLost(settings.kind, error);
  if (statusOf(error) === 404 && /no such image/i.test(words)) {
    return new SandboxAgentError("image_unavailable", `The image ${JSON.stringify(image)} is gone.`, {
      details: { image },
      cause: error,
    });
  }
  const noShell = /"\/bin\/sh": (?:stat|no such file)|exec \/bin\/sh|executable file not found/.test(words);
  return new SandboxAgentError(
    "sandbox_create_failed",
    noShell
      ? `The image ${JSON.stringify(image)} has no /bin/sh, which every sandbox needs.`
      : `The container could not be created from ${JSON.stringify(image)}: ${words}`,
    {
      details: { provider: settings.kind.name },
      cause: error,
      ...(noShell ? { remedy: "Choose an image with a POSIX shell; a distroless image has none." } : {}),
    },
  );
}

/** The engine answered when it was looked for, and does no more. */
export function engineLost(
  { name, title }: EngineKind,
  error: unknown,
): SandboxAgentError<"provider_unavailable"> {
  return new SandboxAgentError(
    "provider_unavailable",
    `The ${title} engine does not answer: ${wordsOf(error)}`,
    {
      details: { provider: name },
      cause: error,
    },
  );
}
