import { randomUUID } from "node:crypto";
import {
  type CreateOptions,
  type Environment,
  type Labels,
  SandboxAgentError,
  type SandboxSpec,
  abortable,
  retriedWhenRefused,
  settlesWithin,
  undoneWhenAborted,
  sandboxNotFound,
} from "../../src/kit.ts";
import { DaytonaMachine, carriedFolder } from "./daytona-machine.ts";
import { DaytonaSandbox, type Fork } from "./daytona-sandbox.ts";
import { type DaytonaHandle, type DaytonaService, minutesOf, providerName } from "./daytona-service.ts";
import { forkSandbox } from "./fork-sandbox.ts";

/** Tells which sandboxes are this library's, and where another process finds their working directory. */
export const ownLabels = { provider: "playpen.provider", cwd: "playpen.cwd" } as const;

const cleanUpMs = 5000;

/** Creates a sandbox; whatever fails, none is left. */
export async function createSandbox(
  service: DaytonaService,
  spec: SandboxSpec,
  { signal, onProgress }: CreateOptions,
): Promise<DaytonaSandbox> {
  signal?.throwIfAborted();
  const { settings } = service;
  const client = await service.client();
  const cwd = spec.cwd ?? settings.cwd;
  const labels: Labels = {
    ...settings.labels,
    ...spec.labels,
    [ownLabels.provider]: providerName,
    ...(cwd === undefined ? {} : { [ownLabels.cwd]: cwd }),
  };
  // By it a sandbox is found again whose creation was not answered.
  const name = `playpen-${randomUUID()}`;
  const { image, template, user } = settings;
  const facts = {
    name,
    labels: { ...labels },
    // It is stopped when it was not used for so long, and removed at once when it is stopped.
    autoStopInterval: minutesOf(settings.timeoutMs),
    autoDeleteInterval: 0,
    ...(spec.ttlMs === undefined ? {} : { ttlMinutes: minutesOf(spec.ttlMs) }),
    ...(user === undefined ? {} : { user }),
  };
  const timeout = { timeout: settings.createTimeoutMs / 1000 };
  const origin = spec.snapshot ?? template;
  const context = { action: "create a sandbox", ...imageOf(origin ?? image) };
  onProgress?.({ phase: "create", message: `Creating a sandbox of Daytona` });
  const create = (): Promise<DaytonaHandle> =>
    image === undefined || spec.snapshot !== undefined
      ? client.create({ ...facts, ...(origin === undefined ? {} : { snapshot: origin }) }, timeout)
      : client.create({ ...facts, image, resources: resourcesOf(service) }, timeout);
  // The signal is not given to the request: one that was sent may make a sandbox, which nobody could remove.
  const created = retriedWhenRefused(() => service.call(context, create), { signal });
  created.catch(async (error: unknown) => {
    // Whether there is one, nobody has said.
    if (!SandboxAgentError.is(error, "provider_failed")) return;
    await settlesWithin(
      client.get(name).then((left) => left.delete()),
      cleanUpMs,
    );
  });
  const handle = await undoneWhenAborted(created, signal, (unwanted) => unwanted.delete());
  try {
    return await abortable(sandboxOf(service, handle, labels, spec.env, cwd), signal);
  } catch (error) {
    await handle.delete().catch(() => undefined);
    throw error;
  }
}

/** Makes a handle for a sandbox that is there; its lifetime stays with whoever has it. */
export async function connectSandbox(
  service: DaytonaService,
  id: string,
  spec: Pick<SandboxSpec, "env" | "cwd">,
  { signal }: CreateOptions,
): Promise<DaytonaSandbox> {
  signal?.throwIfAborted();
  if (!/^[A-Za-z0-9_-]+$/.test(id)) throw sandboxNotFound(providerName, id, "That is no sandbox's id.");
  const client = await service.client();
  const handle = await abortable(
    retriedWhenRefused(() => service.call({ action: "connect to a sandbox", id }, () => client.get(id)), {
      signal,
    }),
    signal,
  );
  const { labels } = handle;
  if (labels[ownLabels.provider] !== providerName || handle.id !== id) {
    throw sandboxNotFound(
      providerName,
      id,
      "There is such a sandbox, but it was not created by this library.",
    );
  }
  if (handle.state !== "started") {
    if (handle.state !== "paused") throw sandboxNotFound(providerName, id, "It has ended.");
    await service.call({ action: "resume a sandbox", id }, () => handle.start());
  }
  const cwd = spec.cwd ?? labels[ownLabels.cwd] ?? service.settings.cwd;
  return abortable(sandboxOf(service, handle, labels, spec.env, cwd), signal);
}

function imageOf(image: string | undefined): { readonly image?: string } {
  return image === undefined ? {} : { image };
}

function resourcesOf({ settings }: DaytonaService): { cpu?: number; memory?: number; disk?: number } {
  const { cpus, memoryBytes, diskBytes } = settings;
  const gibibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 30);
  return {
    ...(cpus === undefined ? {} : { cpu: cpus }),
    ...(memoryBytes === undefined ? {} : { memory: gibibytes(memoryBytes) }),
    ...(diskBytes === undefined ? {} : { disk: gibibytes(diskBytes) }),
  };
}

async function sandboxOf(
  service: DaytonaService,
  handle: DaytonaHandle,
  labels: Labels,
  own: SandboxSpec["env"],
  wanted: string | undefined,
): Promise<DaytonaSandbox> {
  return preparedSandbox(service, handle, labels, { ...service.settings.env, ...own }, wanted);
}

async function preparedSandbox(
  service: DaytonaService,
  handle: DaytonaHandle,
  labels: Labels,
  env: Environment,
  wanted: string | undefined,
): Promise<DaytonaSandbox> {
  const machine = new DaytonaMachine({ service, handle, labels, env, cwd: wanted ?? "/" });
  const argv = ["/bin/sh", "-c", folderScript, "playpen-cwd", wanted ?? ""] as const;
  const { code, stdout, stderr } = await machine.run({ argv, env: {}, stdin: false });
  const cwd = stdout.replace(/\n$/, "");
  if (code === 0) {
    return new DaytonaSandbox(new DaytonaMachine({ service, handle, labels, env, cwd }), forkOf);
  }
  const path = wanted ?? cwd;
  throw new SandboxAgentError(
    "file_failed",
    `The working directory ${path} could not be made: ${stderr.trim()}`,
    { details: { operation: "mkdir", path } },
  );
}

const forkOf: Fork = async ({ service, handle, labels: own, env }, added) => {
  const labels = { ...own, ...added };
  const fork = await forkSandbox({ service, handle, labels });
  try {
    return await preparedSandbox(service, fork, labels, env, labels[ownLabels.cwd] ?? service.settings.cwd);
  } catch (error) {
    await fork.delete().catch(() => undefined);
    throw error;
  }
};

// By sudo where the user may not, and may do that.
const folderScript = `
path=$1
[ -n "$path" ] || path=\${HOME%/}/workspace
printf '%s\\n' "$path"
mkdir -p -- "$path" 2>/dev/null || { sudo -n mkdir -p -- "$path" 2>/dev/null && sudo -n chown "$(id -u):$(id -g)" "$path"; }
(umask 077; mkdir -p ${carriedFolder})
cd -- "$path"
`;
