import { randomUUID } from "node:crypto";
import type { Sandbox as VercelHandle } from "@vercel/sandbox";
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
import { removeSandbox } from "./machine.ts";
import type { VercelSettings } from "./options.ts";
import { prepare } from "./prepare.ts";
import { VercelBox } from "./sandbox.ts";
import type { Service } from "./service.ts";
import { ownLabels, tagsOf } from "./tags.ts";

/** By which the sandboxes of this library are found among the others of a project. */
export const namePrefix = "playpen-";

/** Makes a sandbox and its working directory; whatever fails, none is left. */
export async function createSandbox(
  service: Service,
  settings: VercelSettings,
  spec: SandboxSpec,
  { signal, onProgress }: CreateOptions,
): Promise<VercelBox> {
  // The name is the library's, so that it is known even where the answer gets lost.
  const name = `${namePrefix}${randomUUID()}`;
  onProgress?.({ phase: "create", message: `Creating the sandbox ${name}` });
  const making = make(service, settings, spec, name, signal);
  return undoneWhenAborted(making, signal, (sandbox) => sandbox.destroy());
}

const undoneWithinMs = 5000;

async function make(
  service: Service,
  settings: VercelSettings,
  spec: SandboxSpec,
  name: string,
  signal: AbortSignal | undefined,
): Promise<VercelBox> {
  const cwd = spec.cwd ?? settings.cwd;
  const labels: Labels = {
    ...settings.labels,
    ...spec.labels,
    ...(cwd === undefined ? {} : { [ownLabels.cwd]: cwd }),
  };
  const tags = tagsOf(labels);
  try {
    const request = (): Promise<VercelHandle> => requestSandbox(service, settings, spec, name, tags);
    const handle = await retriedWhenRefused(request, { signal });
    signal?.throwIfAborted();
    const env = { ...settings.env, ...spec.env };
    const keptAliveMs = spec.ttlMs === undefined ? settings.timeoutMs : undefined;
    return await boxOf(service, settings, handle, { cwd, labels, env, keptAliveMs });
  } catch (error) {
    // Of what was refused nothing is there to be removed.
    const wasRefused = refusedSafely(error) || SandboxAgentError.is(error, "provider_authentication_failed");
    if (!wasRefused) await settlesWithin(removeByName(service, name), undoneWithinMs);
    throw error;
  }
}

async function requestSandbox(
  service: Service,
  settings: VercelSettings,
  spec: SandboxSpec,
  name: string,
  tags: { readonly [name: string]: string },
): Promise<VercelHandle> {
  const { sdk, access } = service;
  const { image, cpus, region, ports } = settings;
  const snapshotId = spec.snapshot ?? settings.snapshot;
  const base = {
    ...access,
    name,
    tags: { ...tags },
    timeout: spec.ttlMs ?? settings.timeoutMs,
    ports: [...ports],
    // What has ended is not to be taken up again, nor to be paid for.
    persistent: false,
    ...(cpus === undefined ? {} : { resources: { vcpus: cpus } }),
    ...(region === undefined ? {} : { region }),
  };
  const source = snapshotId ?? image;
  const action = { action: "create a sandbox", ...(source === undefined ? {} : { image: source }) };
  return service.call(action, () =>
    snapshotId === undefined
      ? sdk.Sandbox.create({ ...base, ...(image === undefined ? {} : { image }) })
      : sdk.Sandbox.create({ ...base, source: { type: "snapshot", snapshotId } }),
  );
}

/** Makes the handle of a sandbox that runs. */
export async function boxOf(
  service: Service,
  settings: VercelSettings,
  handle: VercelHandle,
  facts: {
    readonly cwd: string | undefined;
    readonly labels: Labels;
    readonly env: { readonly [name: string]: string };
    readonly keptAliveMs: number | undefined;
  },
): Promise<VercelBox> {
  const cwd = facts.cwd ?? handle.currentSession().cwd;
  const { user } = settings;
  const imageUser = await prepare(service, handle, cwd, user);
  return new VercelBox(service, handle, {
    ...facts,
    cwd,
    user: user ?? imageUser,
    isImageUser: user === undefined || user === imageUser,
  });
}

async function removeByName(service: Service, name: string): Promise<void> {
  const { sdk, access } = service;
  const handle = await service.call({ action: "find a sandbox", id: name }, () =>
    sdk.Sandbox.get({ ...access, name, resume: false }),
  );
  await removeSandbox(service, handle);
}
