import type Dockerode from "dockerode";
import {
  type CreateOptions,
  SandboxAgentError,
  type SandboxSpec,
  abortable,
  makeFolderCommand,
  sandboxNotFound,
} from "../../src/kit.ts";
import type { ContainerSettings } from "./container-options.ts";
import { ContainerSandbox } from "./container-sandbox.ts";
import { createSandbox } from "./create-sandbox.ts";
import { statusOf } from "./engine-errors.ts";
import { ownLabelName } from "./engine-kind.ts";
import { visibleLabels } from "./inherited-labels.ts";
import { isTemporary } from "./snapshots.ts";

/** Makes a handle for a container that runs already; its lifetime stays with whoever has it. */
export async function connectSandbox(
  engine: Dockerode,
  settings: ContainerSettings,
  id: string,
  spec: Pick<SandboxSpec, "env" | "cwd">,
  options: CreateOptions,
): Promise<ContainerSandbox> {
  const { name: provider } = settings.kind;
  // Anything else would be another path of the engine's API.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id))
    throw sandboxNotFound(provider, id, "That is no container's id.");
  const { Id, Config, State, Image } = await abortable(inspect(engine, provider, id), options.signal);
  if (Config.Labels[ownLabelName] !== provider)
    throw sandboxNotFound(provider, id, "There is such a container, but it is no sandbox.");
  if (!State.Running) throw sandboxNotFound(provider, id, "It has ended.");
  // The main process was given both when the sandbox was created, by whichever way last among its arguments.
  const [originalCwd = settings.cwd, originalUser = ""] = Config.Cmd.slice(-2);
  const user = settings.user ?? originalUser;
  const cwd = spec.cwd ?? originalCwd;
  const sandbox = new ContainerSandbox({
    engine,
    settings,
    container: engine.getContainer(Id),
    cwd,
    labels: visibleLabels(Config.Labels),
    ...(isTemporary(Config.Labels) ? { temporaryImage: Image } : {}),
    create: (another) => createSandbox(engine, settings, another, {}),
    user,
    env: { ...settings.env, ...spec.env },
  });
  if (cwd !== originalCwd) {
    const argv = makeFolderCommand(cwd, user);
    const preparation = await sandbox.spawn({ argv, cwd: "/", user: "0:0", stdin: "ignore" }, options);
    const { code } = await preparation.exited;
    if (code !== 0) {
      throw new SandboxAgentError("file_failed", `The working directory ${cwd} could not be made.`, {
        details: { operation: "mkdir", path: cwd },
      });
    }
  }
  return sandbox;
}

async function inspect(
  engine: Dockerode,
  provider: string,
  id: string,
): Promise<Dockerode.ContainerInspectInfo> {
  try {
    return await engine.getContainer(id).inspect();
  } catch (error) {
    if (statusOf(error) === 404) throw sandboxNotFound(provider, id, "There is no such container.", error);
    throw error;
  }
}
