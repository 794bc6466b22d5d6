import { readdir, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { isWithin } from "./options.ts";

/** A folder of programs with more links than that is not followed link by link. */
const maxLinks = 256;

/**
 * The paths without which the programs of `PATH` that lie in hidden folders (a Node.js installed below the home folder,
 * a package's `node_modules/.bin`) would not run: the folder of programs, the libraries beside it, and what its links
 * point to. Never a whole home folder, nor the programs' settings.
 */
export async function toolPaths(
  searchPath: string,
  isHidden: (path: string) => boolean,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const folder of new Set([...searchPath.split(":"), dirname(process.execPath)])) {
    if (!folder.startsWith("/") || !isHidden(folder) || isWithin(homedir(), folder)) continue;
    if (!(await isFolder(folder))) continue;
    found.add(packagesRoot(folder) ?? folder);
    if (basename(folder) === "bin" && dirname(folder) !== homedir()) {
      for (const name of ["lib", "lib64", "libexec"]) {
        const beside = join(dirname(folder), name);
        if (await isFolder(beside)) found.add(beside);
      }
    }
    for (const target of await linkTargets(folder)) {
      if (isHidden(target) && ![...found].some((path) => isWithin(target, path))) {
        found.add(packagesRoot(target) ?? target);
      }
    }
  }
  return [...found];
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

/** Programs of a package need the packages beside it. */
function packagesRoot(path: string): string | undefined {
  const marker = "/node_modules/";
  const at = path.lastIndexOf(marker);
  return at < 0 ? undefined : path.slice(0, at + marker.length - 1);
}

async function linkTargets(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const links = entries.filter((entry) => entry.isSymbolicLink()).slice(0, maxLinks);
  const targets = await Promise.all(
    links.map((entry) => realpath(join(folder, entry.name)).catch(() => undefined)),
  );
  return targets.filter((target) => target !== undefined);
}
