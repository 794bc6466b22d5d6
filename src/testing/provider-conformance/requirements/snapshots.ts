import { randomUUID } from "node:crypto";
import type { SnapshotStore } from "../../../spec/sandbox-abilities.ts";
import type { Sandbox } from "../../../spec/sandbox.ts";
import { withAbility } from "../ability-of.ts";
import { expectEqual, expectRejection, outcomeOf } from "../expectations.ts";
import type { ProviderContext, ProviderRequirement } from "../requirement.ts";

export const snapshotRequirements: readonly ProviderRequirement[] = [
  {
    id: "ability.snapshot",
    title: "starts a sandbox from a snapshot, with the files as they were",
    needs: "snapshot",
    async run(context) {
      const first = withAbility(await context.create(), "snapshot");
      await context.text(first, "mkdir folder && echo before > folder/kept && chmod 700 folder/kept");
      const { id } = await context.within(first.snapshot(), "snapshot()", snapshotPatienceMs(context));
      await removedAfterwards(context, [id], async (create) => {
        // The sandbox may have ended with it, where the provider's page says so.
        await outcomeOf(context.text(first, "echo after > folder/kept"));
        await context.within(first.destroy(), "destroy() of the sandbox that the snapshot is of");
        const second = await create({ snapshot: id });
        const script = "cat folder/kept; [ -x folder/kept ] && echo executable";
        expectEqual(await context.text(second, script), "before\nexecutable\n", "What the snapshot has kept");
        for (const [name, value] of Object.entries(context.labels)) {
          expectEqual(second.labels[name], value, `labels["${name}"] of a sandbox made of a snapshot`);
        }
        const third = await create({ snapshot: id });
        await context.text(second, "echo second > folder/kept");
        expectEqual(await context.text(third, "cat folder/kept"), "before\n", "What another one sees of it");
      });
    },
  },
  {
    id: "ability.snapshot-find",
    title: "finds the newest snapshot of a name, and nothing of a name that none has",
    needs: "snapshot",
    async run(context) {
      const snapshots = storeOf(context);
      const name = `conformance-${randomUUID()}`;
      expectEqual(
        await context.within(snapshots.find(name), "find()"),
        undefined,
        "find() of an unused name",
      );
      const ids: string[] = [];
      await removedAfterwards(context, ids, async (create) => {
        for (const content of ["older", "newer"]) {
          const sandbox = withAbility(await context.create(), "snapshot");
          await sandbox.files.write("content", content);
          const taken = sandbox.snapshot({ name });
          const { id } = await context.within(taken, "snapshot()", snapshotPatienceMs(context));
          ids.push(id);
          await sandbox.destroy();
        }
        const found = await context.within(snapshots.find(name), "find()");
        expectEqual(found?.id, ids[1], "id of what find() resolves to after two snapshots of that name");
        const sandbox = await create({ snapshot: found?.id ?? "" });
        expectEqual(await sandbox.files.readText("content"), "newer", "A file of a sandbox made of it");
      });
    },
  },
  {
    id: "ability.snapshot-remove",
    title: "removes a snapshot, also one that is gone, and starts nothing from it any more",
    needs: "snapshot",
    async run(context) {
      const snapshots = storeOf(context);
      const name = `conformance-${randomUUID()}`;
      const sandbox = withAbility(await context.create(), "snapshot");
      const taken = sandbox.snapshot({ name });
      const { id } = await context.within(taken, "snapshot()", snapshotPatienceMs(context));
      await context.within(snapshots.remove(id), "remove()");
      expectEqual(await context.within(snapshots.find(name), "find()"), undefined, "find() after remove()");
      await context.within(snapshots.remove(id), "remove() of one that is gone");
      const what = "create() from a snapshot that is gone";
      const codes = ["image_unavailable", "sandbox_create_failed"] as const;
      await context.within(expectRejection(context.create({ snapshot: id }), codes, what), what);
    },
  },
];

/** A copy of a whole file system may take its time. */
function snapshotPatienceMs({ patienceMs }: ProviderContext): number {
  return 3 * patienceMs;
}

function storeOf({ provider }: ProviderContext): SnapshotStore {
  if (provider.snapshots === undefined) throw new Error("The provider has no `snapshots`.");
  return provider.snapshots;
}

async function removedAfterwards(
  context: ProviderContext,
  ids: readonly string[],
  use: (create: (spec: { readonly snapshot: string }) => Promise<Sandbox>) => Promise<void>,
): Promise<void> {
  const sandboxes: Sandbox[] = [];
  const create = async (spec: { readonly snapshot: string }): Promise<Sandbox> => {
    const sandbox = await context.create(spec);
    sandboxes.push(sandbox);
    return sandbox;
  };
  const used = await outcomeOf(use(create));
  // Some vendors keep a snapshot as long as a sandbox stands on it. A failed destroy() is told by the clean-up.
  for (const sandbox of sandboxes) await outcomeOf(context.within(sandbox.destroy(), "destroy()"));
  for (const id of ids) {
    const removed = await outcomeOf(context.within(storeOf(context).remove(id), "remove() of a snapshot"));
    // What went wrong first says more.
    if (removed.status === "rejected" && used.status === "resolved") throw removed.reason;
  }
  if (used.status === "rejected") throw used.reason;
}
