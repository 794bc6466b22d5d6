import { setTimeout as delay } from "node:timers/promises";
import type Dockerode from "dockerode";
import { SandboxAgentError } from "../../src/kit.ts";
import { isGone, statusOf, wordsOf } from "./engine-errors.ts";

/** A container, and which provider it belongs to. */
export interface ContainerHandle {
  /** The provider's name. */
  readonly provider: string;
  readonly container: Dockerode.Container;
}

export function lost(
  { provider, container: { id } }: ContainerHandle,
  why: string,
  cause?: unknown,
): SandboxAgentError<"sandbox_lost"> {
  return new SandboxAgentError("sandbox_lost", `The sandbox ${provider}/${id} is lost. ${why}`, {
    details: { id },
    cause,
  });
}

export async function isRunning(container: Dockerode.Container): Promise<boolean> {
  try {
    const { State: state } = await container.inspect();
    return state.Running;
  } catch {
    return false;
  }
}

/** Whether the container has ended, or does so within the time. */
export async function endsWithin(container: Dockerode.Container, timeoutMs: number): Promise<boolean> {
  const abortSignal = AbortSignal.timeout(timeoutMs);
  try {
    await container.wait({ condition: "not-running", abortSignal });
    return true;
  } catch {
    return !abortSignal.aborted;
  }
}

const removalTimeoutMs = 10_000;
const removalPollMs = 20;

/** Removes a container with all its processes. One that is gone, or being removed by somebody else, is fine. */
export async function removeContainer(container: Dockerode.Container): Promise<void> {
  const deadline = performance.now() + removalTimeoutMs;
  for (;;) {
    try {
      await container.remove({ force: true, v: true });
      return;
    } catch (error) {
      if (statusOf(error) === 404) return;
      if (isGone(error)) break;
      // Podman gives its processes little time to end once they were killed.
      if (!/did not die|could not be stopped/i.test(wordsOf(error)) || performance.now() > deadline)
        throw error;
    }
  }
  for (;;) {
    try {
      await container.inspect();
    } catch (error) {
      if (statusOf(error) === 404) return;
      throw error;
    }
    if (performance.now() > deadline) throw new Error("The engine does not finish removing the container.");
    await delay(removalPollMs);
  }
}

/** What a failed removal is to the caller. */
export function removalFailure(handle: ContainerHandle, error: unknown): SandboxAgentError<"sandbox_lost"> {
  return lost(handle, `It could not be removed: ${wordsOf(error)}`, error);
}
