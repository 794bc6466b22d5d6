import type { Sandbox as VercelHandle } from "@vercel/sandbox";
import { SandboxAgentError, type Snapshot, type SnapshotStore } from "../../src/kit.ts";
import { removeSandbox } from "./machine.ts";
import type { Service } from "./service.ts";
import { snapshotTags } from "./tags.ts";

/**
 * The vendor's snapshots have no names. The name is a tag of the sandbox that the snapshot is of, whose record is kept for
 * that: it has ended, and cannot be used any more.
 */
export function snapshotStore(open: () => Promise<Service>): SnapshotStore {
  return {
    endsSandbox: true,
    find: async (name) => {
      const service = await open();
      let newest: { readonly id: string; readonly createdAt: number } | undefined;
      for await (const { tags, updatedAt } of records(service, "name", name)) {
        const id = tags?.[snapshotTags.id];
        if (id !== undefined && updatedAt >= (newest?.createdAt ?? 0)) newest = { id, createdAt: updatedAt };
      }
      return newest && { id: newest.id };
    },
    remove: async (id) => {
      const service = await open();
      const { sdk, access } = service;
      const action = { action: "remove a snapshot", id };
      try {
        const snapshot = await service.call(action, () => sdk.Snapshot.get({ ...access, snapshotId: id }));
        if (snapshot.status !== "deleted") await service.call(action, () => snapshot.delete());
      } catch (error) {
        if (!SandboxAgentError.is(error, "sandbox_not_found")) throw error;
      }
      for await (const { name } of records(service, "id", id)) {
        const handle = await service.call({ ...action, id: name }, () =>
          sdk.Sandbox.get({ ...access, name, resume: false }),
        );
        await removeSandbox(service, handle);
      }
    },
  };
}

/** Takes a snapshot, which ends the sandbox. */
export async function takeSnapshot(
  service: Service,
  handle: VercelHandle,
  name: string | undefined,
): Promise<Snapshot> {
  const action = { action: "take a snapshot", id: handle.name };
  const { snapshotId } = await service.call(action, () =>
    handle.currentSession().snapshot({ expiration: 0 }),
  );
  if (name !== undefined) {
    const tags = { [snapshotTags.name]: name, [snapshotTags.id]: snapshotId };
    await service.call({ action: "name a snapshot", id: handle.name }, () => handle.update({ tags }));
  }
  return { id: snapshotId };
}

async function* records(service: Service, kind: keyof typeof snapshotTags, value: string) {
  const { sdk, access } = service;
  // The client's types know a single tag by its literal name only.
  const found = await service.call({ action: "list snapshots" }, () =>
    kind === "name"
      ? sdk.Sandbox.list({ ...access, tags: { [snapshotTags.name]: value } })
      : sdk.Sandbox.list({ ...access, tags: { [snapshotTags.id]: value } }),
  );
  yield* found;
}
