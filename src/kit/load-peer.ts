import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { parseJson, stringField } from "./json.ts";

/** A vendor's SDK, an optional peer dependency. */
export interface PeerPackage {
  /** For example `e2b`. */
  readonly name: string;
  /** For example `^2.51.0`. */
  readonly range: string;
  /** Tells whether a version is one of the range. */
  readonly accepts: (version: string) => boolean;
  /** What needs it, for example `e2b()`. */
  readonly neededBy: string;
}

/**
 * Loads a vendor's SDK when it is first needed.
 *
 * @throws SandboxAgentError `dependency_missing`, with the package, the version and the command that installs it, where
 * the package is missing or another version.
 *
 * @example
 * ```ts
 * const { Sandbox } = await loadPeer(peer, () => import("e2b"));
 * ```
 */
export async function loadPeer<Module>(peer: PeerPackage, load: () => Promise<Module>): Promise<Module> {
  const version = await installedVersion(peer.name);
  if (version !== undefined && !peer.accepts(version)) {
    throw dependencyMissing(peer, `version ${version} of it is installed`);
  }
  try {
    return await load();
  } catch (cause) {
    throw dependencyMissing(
      peer,
      version === undefined ? "it is not installed" : "it cannot be loaded",
      cause,
    );
  }
}

function dependencyMissing(
  { name, range, neededBy }: PeerPackage,
  why: string,
  cause?: unknown,
): SandboxAgentError<"dependency_missing"> {
  const install = `npm install ${name}@${range}`;
  return new SandboxAgentError(
    "dependency_missing",
    `${neededBy} needs the package ${name} at version ${range}, and ${why}.`,
    { details: { package: name, version: range, install }, cause, remedy: `Run: ${install}` },
  );
}

/** `undefined` where it is not installed, or does not say. Its manifest need not be among its exports. */
async function installedVersion(name: string): Promise<string | undefined> {
  const { resolve } = createRequire(import.meta.url);
  for (const folder of resolve.paths(name) ?? []) {
    const manifest = await readFile(join(folder, name, "package.json"), "utf8").catch(() => undefined);
    if (manifest !== undefined) return stringField(parseJson(manifest), "version");
  }
  return undefined;
}
