import type Dockerode from "dockerode";
import {
  type CreateOptions,
  SandboxAgentError,
  type SandboxSpec,
  undoneWhenAborted,
  abortable,
} from "../../src/kit.ts";
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
  const image = await abortable(ensureImage(engine, settings, options), signal);
  const user = settings.user ?? image.user;
  onProgress?.({ phase: "create", message: `Creating a container from ${settings.image}` });
  const created = createContainer(engine, settings, spec, user, signal);
  const { container, lifeline } = await undoneWhenAborted(created, signal, async (unwanted) => {
    await removeContainer(unwanted.container);
    unwanted.lifeline.close();
  });
  return new DockerSandbox({
    container,
    cwd: spec.cwd ?? settings.cwd,
    labels: sandboxLabels(settings, spec),
    user,
    env: { ...settings.env, ...spec.env },
    lifeline,
  });
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
  settings: DockerSettings,
  spec: SandboxSpec,
  user: string,
  signal: AbortSignal | undefined,
): Promise<RunningContainer> {
  const config = containerConfig(settings, spec, user);
  const container = await engine.createContainer(config).catch((error: unknown) => {
    throw createFailure(settings, error);
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
    throw createFailure(settings, error);
  }
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
