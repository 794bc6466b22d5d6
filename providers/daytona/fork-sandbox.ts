import { randomUUID } from "node:crypto";
import { type Labels, SandboxAgentError, settlesWithin } from "../../src/kit.ts";
import { type DaytonaHandle, type DaytonaService, minutesOf } from "./daytona-service.ts";

const cleanUpMs = 5000;

export interface ForkRequest {
  readonly service: DaytonaService;
  /** The first. */
  readonly handle: DaytonaHandle;
  readonly labels: Labels;
}

/** What a fork has of the first besides its files is not documented; so it is told all. Whatever fails, none is left. */
export async function forkSandbox({ service, handle, labels }: ForkRequest): Promise<DaytonaHandle> {
  const { settings } = service;
  const name = `playpen-${randomUUID()}`;
  let fork: DaytonaHandle | undefined;
  try {
    return await service.call({ action: "fork a sandbox", id: handle.id }, async () => {
      fork = await handle.fork({ name }, settings.createTimeoutMs / 1000);
      // Removed as soon as it is stopped, first of all.
      await fork.setAutoDeleteInterval(0);
      await fork.setAutostopInterval(minutesOf(settings.timeoutMs));
      await fork.setLabels({ ...labels });
      return fork;
    });
  } catch (error) {
    if (fork !== undefined || SandboxAgentError.is(error, "provider_failed")) {
      const client = await service.client();
      const left = fork ?? (await client.get(name).catch(() => undefined));
      if (left !== undefined) await settlesWithin(left.delete(), cleanUpMs);
    }
    throw error;
  }
}
