import type Dockerode from "dockerode";
import { type CreateOptions, SandboxAgentError, type SandboxSpec } from "../../src/kit.ts";
import { untilAborted } from "./abort.ts";
import { containerConfig, sandboxLabels } from "./container-config.ts";
import { providerName, removeContainer } from "./container-state.ts";
import type { DockerSettings } from "./docker-options.ts";
import { DockerSandbox } from "./docker-sandbox.ts";
import { isUnreachable, statusOf, wordsOf } from "./engine-errors.ts";
import { type Lifeline, attachLifeline } from "./lifeline.ts";
import { ensureImage } from "./pull-image.ts";

/** Creates and starts a container; whatever fails, none is left. */
export async function createSandbox(
  engine: Dockerode,
  settings: DockerSettings,
  spec: SandboxSpec,
  options: CreateOptions,
): Promise<DockerSandbox> {
  const { signal, onProgress } = options;
  const image = await untilAborted(ensureImage(engine, settings, options), signal);
  const user = settings.user ?? image.user;
  onProgress?.({ phase: "create", message: `Creating a container from ${settings.image}` });
  const config = containerConfig(settings, spec, user);
  // Not cut short by the signal: a request that was sent may make a container, which could not be removed without
  // its id.
  const container = await engine.createContainer(config).catch((error: unknown) => {
    throw createFailure(settings, error);
  });
  let lifeline: Lifeline | undefined;
  let starting: Promise<unknown> | undefined;
  try {
    signal?.throwIfAborted();
    lifeline = await attachLifeline(container);
    signal?.throwIfAborted();
    starting = container.start();
    const ready = lifeline.ready();
    // When the container cannot be started, its own words are fewer than the engine's.
    ready.catch(() => undefined);
    await untilAborted(starting, signal);
    await untilAborted(ready, signal);
  } catch (error) {
    await discard(container, starting);
    lifeline?.close();
    signal?.throwIfAborted();
    throw createFailure(settings, error);
  }
  return new DockerSandbox({
    container,
    cwd: spec.cwd ?? settings.cwd,
    labels: sandboxLabels(settings, spec),
    user,
    env: { ...settings.env, ...spec.env },
    lifeline,
  });
}

/** Its failure must not mask the first error; the dead man's switch ends what could not be removed. */
async function discard(
  container: Dockerode.Container,
  starting: Promise<unknown> | undefined,
): Promise<void> {
  // An engine that is about to start a container may refuse to remove it.
  await Promise.allSettled([starting]);
  await removeContainer(container).catch(() => undefined);
}

function createFailure(settings: DockerSettings, error: unknown): SandboxAgentError {
  if (SandboxAgentError.is(error)) return error;
  const words = wordsOf(error);
  if (isUnreachable(error)) return engineLost(error);
  if (statusOf(error) === 404 && /no such image/i.test(words)) {
    return new SandboxAgentError(
      "image_unavailable",
      `The image ${JSON.stringify(settings.image)} is gone.`,
      {
        details: { image: settings.image },
        cause: error,
      },
    );
  }
  const noShell = /"\/bin\/sh": (?:stat|no such file)|exec \/bin\/sh|executable file not found/.test(words);
  return new SandboxAgentError(
    "sandbox_create_failed",
    noShell
      ? `The image ${JSON.stringify(settings.image)} has no /bin/sh, which every sandbox needs.`
      : `The container could not be created from ${JSON.stringify(settings.image)}: ${words}`,
    {
      details: { provider: providerName },
      cause: error,
      ...(noShell ? { remedy: "Choose an image with a POSIX shell; a distroless image has none." } : {}),
    },
  );
}

/** The engine answered when it was looked for, and does no more. */
export function engineLost(error: unknown): SandboxAgentError<"provider_unavailable"> {
  return new SandboxAgentError(
    "provider_unavailable",
    `The Docker engine does not answer: ${wordsOf(error)}`,
    {
      details: { provider: providerName },
      cause: error,
    },
  );
}
