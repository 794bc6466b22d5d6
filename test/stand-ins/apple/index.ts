import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SandboxProvider } from "playpen/kit";

/** Path of the executable that stands for Apple's `container`. */
export const appleProgram = fileURLToPath(new URL("container.mjs", import.meta.url));

/** Gives the stand-in a folder for its state, in this process's environment; resolves to what takes it away. */
export async function startAppleStandIn(): Promise<() => Promise<void>> {
  const root = await mkdtemp(join(tmpdir(), "apple-stand-in-"));
  process.env["STAND_IN_APPLE_ROOT"] = join(root, "containers");
  return async () => {
    delete process.env["STAND_IN_APPLE_ROOT"];
    await rm(root, { recursive: true, force: true });
  };
}

/** The processes of the stand-in's containers are this machine's, so that each needs a folder of its own. */
export function withOwnFolders<Provider extends SandboxProvider>(provider: Provider): Provider {
  const folder = (): string => `${process.env["STAND_IN_APPLE_ROOT"] ?? ""}-work/${randomUUID()}`;
  const create: Provider["create"] = (spec, options) =>
    provider.create({ ...spec, cwd: spec.cwd ?? folder() }, options);
  return { ...provider, create };
}
