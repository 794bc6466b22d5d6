import type { Checkpoint } from "@fly/sprites";
import { SandboxAgentError } from "../../src/kit.ts";
import { type Service, providerName } from "./service.ts";

/** The state of a sprite's files at one time. It can be gone back to in the same sprite only. */
export interface SpriteCheckpoint {
  /** For example `v3`. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly comment?: string;
}

/** What the vendor calls the state that is not kept yet. */
const currentState = "Current";

export async function listCheckpoints(service: Service, id: string): Promise<readonly SpriteCheckpoint[]> {
  const found = await service.call({ action: "list checkpoints", id }, (client) =>
    client.sprite(id).listCheckpoints(),
  );
  return found
    .filter((each) => each.id !== currentState)
    .map(checkpointOf)
    .sort((left, right) => left.createdAt - right.createdAt);
}

function checkpointOf({ id, createTime, comment }: Checkpoint): SpriteCheckpoint {
  return {
    id,
    createdAt: createTime.getTime(),
    ...(comment === undefined || comment === "" ? {} : { comment }),
  };
}

export async function makeCheckpoint(
  service: Service,
  id: string,
  comment: string | undefined,
): Promise<SpriteCheckpoint> {
  const before = new Set((await listCheckpoints(service, id)).map((each) => each.id));
  const action = { action: "make a checkpoint", id };
  await service.call(action, async (client) => {
    await followed(action.action, await client.sprite(id).createCheckpoint(comment));
  });
  const made = (await listCheckpoints(service, id)).filter((each) => !before.has(each.id)).at(-1);
  if (made !== undefined) return made;
  throw failed(action.action, "It is not in the list of checkpoints.");
}

/** Puts the files back; all processes end. */
export async function restoreCheckpoint(service: Service, id: string, checkpointId: string): Promise<void> {
  const action = { action: `go back to the checkpoint ${JSON.stringify(checkpointId)}`, id };
  await service.call(action, async (client) => {
    await followed(action.action, await client.sprite(id).restoreCheckpoint(checkpointId));
  });
}

interface Messages {
  next(): Promise<{ readonly type: string; readonly data?: string; readonly error?: string } | null>;
  close(): void;
}

/** Whole minutes pass where there is much to keep. */
const longestMs = 600_000;

async function followed(action: string, messages: Messages): Promise<void> {
  const timer = setTimeout(() => {
    messages.close();
  }, longestMs);
  try {
    for (let message = await messages.next(); message !== null; message = await messages.next()) {
      if (message.type === "error")
        throw failed(action, message.error ?? message.data ?? "No reason was given.");
    }
  } finally {
    clearTimeout(timer);
    messages.close();
  }
}

function failed(action: string, why: string): SandboxAgentError<"provider_failed"> {
  return new SandboxAgentError("provider_failed", `${providerName} could not ${action}: ${why}`, {
    details: { provider: providerName },
  });
}
