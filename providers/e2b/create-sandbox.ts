import {
  type CreateOptions,
  type Labels,
  SandboxAgentError,
  type SandboxSpec,
  abortable,
  undoneWhenAborted,
  sandboxNotFound,
} from "../../src/kit.ts";
import { E2bMachine } from "./e2b-machine.ts";
import { E2bSandbox } from "./e2b-sandbox.ts";
import { type E2bHandle, type E2bService, providerName } from "./e2b-service.ts";
import { networkUpdate } from "./network-update.ts";

/** Tells which sandboxes are this library's, and where another process finds their working directory. */
export const ownLabels = { provider: "playpen.provider", cwd: "playpen.cwd", user: "playpen.user" } as const;

/** Creates a sandbox; whatever fails, none is left. */
export async function createSandbox(
  service: E2bService,
  spec: SandboxSpec,
  { signal, onProgress }: CreateOptions,
): Promise<E2bSandbox> {
  signal?.throwIfAborted();
  const { settings } = service;
  const connection = service.connection();
  const { Sandbox } = await service.load();
  const template = spec.snapshot ?? settings.snapshot ?? settings.template;
  const cwd = spec.cwd ?? settings.cwd;
  const labels: Labels = {
    ...settings.labels,
    ...spec.labels,
    [ownLabels.provider]: providerName,
    ...(cwd === undefined ? {} : { [ownLabels.cwd]: cwd }),
    ...(settings.user === undefined ? {} : { [ownLabels.user]: settings.user }),
  };
  onProgress?.({ phase: "create", message: `Creating a sandbox of E2B from ${template}` });
  // The signal is not given to the request: one that was sent may make a sandbox, which nobody could remove.
  const created = service.callAgain({ action: "create a sandbox", image: template }, () =>
    Sandbox.create(template, {
      ...connection,
      metadata: { ...labels },
      timeoutMs: spec.ttlMs ?? settings.timeoutMs,
      ...(settings.network === "allow-all" ? {} : { network: networkUpdate(settings.network) }),
      ...(settings.mounts.length === 0
        ? {}
        : {
            volumeMounts: Object.fromEntries(settings.mounts.map(({ source, target }) => [target, source])),
          }),
    }),
  );
  const handle = await undoneWhenAborted(created, signal, (unwanted) => unwanted.kill());
  try {
    const facts = { service, handle, labels, hasFixedEnd: spec.ttlMs !== undefined };
    return await abortable(sandboxOf({ ...facts, cwd, env: spec.env, user: settings.user }), signal);
  } catch (error) {
    await handle.kill().catch(() => undefined);
    throw error;
  }
}

/** Makes a handle for a sandbox that is there; its lifetime stays with whoever has it. */
export async function connectSandbox(
  service: E2bService,
  id: string,
  spec: Pick<SandboxSpec, "env" | "cwd">,
  { signal }: CreateOptions,
): Promise<E2bSandbox> {
  signal?.throwIfAborted();
  if (!/^[A-Za-z0-9_-]+$/.test(id)) throw sandboxNotFound(providerName, id, "That is no sandbox's id.");
  const { settings } = service;
  const connection = service.connection();
  const { Sandbox } = await service.load();
  const context = { action: "connect to a sandbox", id };
  const { metadata } = await abortable(
    service.callAgain(context, () => Sandbox.getInfo(id, connection)),
    signal,
  );
  if (metadata[ownLabels.provider] !== providerName) {
    throw sandboxNotFound(
      providerName,
      id,
      "There is such a sandbox, but it was not created by this library.",
    );
  }
  const { timeoutMs } = settings;
  // A sandbox that runs keeps a longer time, and one that is paused goes on.
  const handle = await abortable(
    service.callAgain(context, () => Sandbox.connect(id, { ...connection, timeoutMs })),
    signal,
  );
  const cwd = spec.cwd ?? metadata[ownLabels.cwd] ?? settings.cwd;
  const user = settings.user ?? metadata[ownLabels.user];
  const facts = { service, handle, labels: metadata, env: spec.env, cwd, user, hasFixedEnd: false };
  return abortable(sandboxOf(facts), signal);
}

interface Facts {
  readonly service: E2bService;
  readonly handle: E2bHandle;
  readonly labels: Labels;
  readonly env: SandboxSpec["env"];
  readonly cwd: string | undefined;
  readonly user: string | undefined;
  readonly hasFixedEnd: boolean;
}

async function sandboxOf(facts: Facts): Promise<E2bSandbox> {
  const env = { ...facts.service.settings.env, ...facts.env };
  const machine = new E2bMachine({ ...facts, env, cwd: facts.cwd ?? "/" });
  const cwd = await workingDirectory(machine, facts.cwd);
  return new E2bSandbox(new E2bMachine({ ...facts, env, cwd }));
}

/** Makes the working directory, by root where the user may not, and resolves to its path. */
async function workingDirectory(machine: E2bMachine, wanted: string | undefined): Promise<string> {
  const shell = (script: string, ...args: readonly string[]) =>
    ["/bin/sh", "-c", script, "playpen-cwd", ...args] as const;
  const user = machine.user === undefined ? {} : { user: machine.user };
  const plain = { env: {}, stdin: false };
  const first = await machine.run({ ...plain, argv: shell(ownScript, wanted ?? ""), ...user });
  const [path = "", ids = ""] = first.stdout.split("\n\n");
  if (first.code === 0) return path;
  const argv = shell(rootScript, path, ids.trim());
  const second = await machine.run({ ...plain, argv, user: "root" });
  if (second.code === 0) return path;
  throw new SandboxAgentError(
    "file_failed",
    `The working directory ${path} could not be made: ${(second.stderr || first.stderr).trim()}`,
    { details: { operation: "mkdir", path } },
  );
}

const ownScript = `
path=$1
[ -n "$path" ] || path=\${HOME%/}/workspace
printf '%s\\n\\n%s:%s\\n' "$path" "$(id -u)" "$(id -g)"
mkdir -p -- "$path" && cd -- "$path"
`;
const rootScript = `
[ -d "$1" ] || { mkdir -p -- "$1" && chown -- "$2" "$1"; } || exit
cd -- "$1"
`;
