import type Dockerode from "dockerode";
import { type CreateOptions, SandboxAgentError, type SandboxSpec, abortable } from "../../src/kit.ts";
import { ownLabel } from "./container-config.ts";
import { providerName } from "./container-state.ts";
import type { DockerSettings } from "./docker-options.ts";
import { DockerSandbox } from "./docker-sandbox.ts";
import { statusOf } from "./engine-errors.ts";
import { makeFolderCommand } from "./main-process.ts";

/** Makes a handle for a container that runs already; its lifetime stays with whoever has it. */
export async function connectSandbox(
  engine: Dockerode,
  settings: DockerSettings,
  id: string,
  spec: Pick<SandboxSpec, "env" | "cwd">,
  options: CreateOptions,
): Promise<DockerSandbox> {
  // Anything else would be another path of the engine's API.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id)) throw notFound(id, "That is no container's id.");
  const { Id, Config, State } = await abortable(inspect(engine, id), options.signal);
  if (Config.Labels[ownLabel.name] !== ownLabel.value)
    throw notFound(id, "There is such a container, but it is no sandbox.");
  if (!State.Running) throw notFound(id, "It has ended.");
  // The main process was given both when the sandbox was created.
  const [originalCwd = settings.cwd, originalUser = ""] = Config.Cmd;
  const user = settings.user ?? originalUser;
  const cwd = spec.cwd ?? originalCwd;
  const sandbox = new DockerSandbox({
    container: engine.getContainer(Id),
    cwd,
    labels: Config.Labels,
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

async function inspect(engine: Dockerode, id: string): Promise<Dockerode.ContainerInspectInfo> {
  try {
    return await engine.getContainer(id).inspect();
  } catch (error) {
    if (statusOf(error) === 404) throw notFound(id, "There is no such container.", error);
    throw error;
  }
}

function notFound(id: string, why: string, cause?: unknown): SandboxAgentError<"sandbox_not_found"> {
  return new SandboxAgentError("sandbox_not_found", `No sandbox ${providerName}/${id}. ${why}`, {
    details: { id },
    cause,
  });
}
