import { randomUUID } from "node:crypto";
import { SandboxAgent } from "playpen";
import { describeProviderConformance } from "playpen/testing";
import { afterAll, describe, it } from "vitest";
import { clouds } from "./clouds.ts";
import { spendingGuard } from "./spending-guard.ts";

const name = process.env["PLAYPEN_CLOUD"] ?? "";
const cloud = clouds[name];
if (cloud === undefined)
  throw new Error(`PLAYPEN_CLOUD names ${JSON.stringify(name)}, which is none of ours.`);
const provider = await cloud.create();

const number = (variable: string, usual: number): number => Number(process.env[variable] ?? usual);
const owner = `playpen-cloud-test-${randomUUID().slice(0, 8)}`;
const guard = spendingGuard({
  atOnce: number("PLAYPEN_CLOUD_AT_ONCE", 10),
  inAll: number("PLAYPEN_CLOUD_IN_ALL", 200),
  timeMs: number("PLAYPEN_CLOUD_MINUTES", 45) * 60_000,
  labels: { "playpen.owner": owner, "playpen.expires-at": new Date(Date.now() + 3_600_000).toISOString() },
});
// Whatever a test has left is removed, and nothing that others own.
afterAll(async () => {
  const removed = await SandboxAgent.sweep({ sandbox: provider, owner, all: true });
  if (removed.length > 0) console.warn(`swept: ${removed.join(", ")}`);
}, 120_000);

describeProviderConformance({ describe, it }, { create: () => guard(provider), patienceMs: 60_000 });
