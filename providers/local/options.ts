import { homedir } from "node:os";
import {
  isAbsolutePath,
  isBoolean,
  isOneOf,
  isStringRecord,
  show,
  validateOptions,
  type Labels,
  type OptionCheck,
} from "../../src/kit.ts";

/** Options of `local()`. */
export interface LocalOptions {
  /**
   * `"bubblewrap"` (default) keeps processes from the host's processes and from most of its files. `"none"` runs them
   * as ordinary processes of the host's user; it has to be asked for by name and is never fallen back to.
   */
  readonly isolation?: "bubblewrap" | "none";
  /**
   * An existing folder of the host that becomes the working directory, writable; it is never removed. Default: a fresh
   * folder that ends with the sandbox.
   */
  readonly workspace?: string;
  /**
   * Whether processes reach the network; default true, which includes what listens on the host's loopback interface.
   * Without it they reach only each other. `false` needs `isolation: "bubblewrap"`.
   */
  readonly network?: boolean;
  /** Further host paths to read, at the same place inside. */
  readonly readOnlyPaths?: readonly string[];
  /** Further host paths to read and write, at the same place inside. */
  readonly writablePaths?: readonly string[];
  /**
   * What of the host's files is to be seen, read-only. `"read-only"` (default): everything but home folders, `/run`,
   * `/mnt`, `/media`, temporary files and the system's own secrets. `"hidden"`: only the system's programs and
   * libraries, and the folders of `PATH`.
   */
  readonly hostFiles?: "read-only" | "hidden";
  /** Names of host environment variables to let in, beside `PATH`, the locale, time zone, terminal and user name. */
  readonly passEnv?: readonly string[];
  /** Added to the labels of every sandbox. */
  readonly labels?: Labels;
  /** Folder that holds the sandboxes' own folders; default: `playpen/local` in the user's cache folder. */
  readonly root?: string;
}

/** The options with their defaults. */
export interface LocalSettings {
  readonly isolation: "bubblewrap" | "none";
  readonly workspace: string | undefined;
  readonly network: boolean;
  readonly readOnlyPaths: readonly string[];
  readonly writablePaths: readonly string[];
  readonly hostFiles: "read-only" | "hidden";
  readonly passEnv: readonly string[];
  readonly labels: Labels;
  readonly root: string | undefined;
}

/** Folders from which programs run outside the sandbox, or on which its isolation rests: never writable inside. */
const systemPaths = [
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/nix",
  "/proc",
  "/run",
  "/sbin",
  "/sys",
  "/usr/bin",
  "/usr/lib",
  "/usr/lib64",
  "/usr/sbin",
];

const isCleanPath: OptionCheck = (value) =>
  isAbsolutePath(value) ??
  (typeof value === "string" && !value.split("/").some((part) => part === "." || part === "..")
    ? undefined
    : "an absolute path without . and ..");

/** What a path should have been to be written from inside; `undefined` when it is right. */
export const writablePathProblem: OptionCheck = (value) => {
  const wrong = isCleanPath(value);
  if (wrong !== undefined || typeof value !== "string") return wrong;
  const path = withoutTrailingSlash(value);
  for (const system of systemPaths) {
    if (isWithin(system, path) || isWithin(path, system))
      return `a path that does not open ${system} to writing`;
  }
  return isWithin(homedir(), path) ? "a folder below the home folder, not the home folder itself" : undefined;
};

const isPathList = (check: OptionCheck): OptionCheck => {
  return (value) => {
    if (!Array.isArray(value)) return "an array of absolute paths";
    for (const item of value as readonly unknown[]) {
      const expected = check(item);
      if (expected !== undefined) return `an array in which every item is ${expected} (not ${show(item)})`;
    }
    return undefined;
  };
};

const isNameList: OptionCheck = (value) =>
  Array.isArray(value) &&
  value.every((item) => typeof item === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(item))
    ? undefined
    : "an array of names of environment variables";

const checks = {
  isolation: isOneOf("bubblewrap", "none"),
  workspace: writablePathProblem,
  network: isBoolean,
  readOnlyPaths: isPathList(isCleanPath),
  writablePaths: isPathList(writablePathProblem),
  hostFiles: isOneOf("read-only", "hidden"),
  passEnv: isNameList,
  labels: isStringRecord,
  root: writablePathProblem,
};

/** @throws TypeError that names the option. */
export function resolveOptions(options: LocalOptions): LocalSettings {
  validateOptions("local", options, checks);
  const isolation = options.isolation ?? "bubblewrap";
  if (isolation === "none") {
    // Accepting what cannot be enforced would be worse than refusing it.
    if (options.network === false) {
      throw new TypeError(
        'local: option "network" must be true with isolation "none", which cannot take the network away, received false.',
      );
    }
    if (options.hostFiles !== undefined) {
      throw new TypeError(
        `local: option "hostFiles" must be left out with isolation "none", which cannot hide files, received ${show(options.hostFiles)}.`,
      );
    }
  }
  return {
    isolation,
    workspace: options.workspace === undefined ? undefined : withoutTrailingSlash(options.workspace),
    network: options.network ?? true,
    readOnlyPaths: (options.readOnlyPaths ?? []).map(withoutTrailingSlash),
    writablePaths: (options.writablePaths ?? []).map(withoutTrailingSlash),
    hostFiles: options.hostFiles ?? "read-only",
    passEnv: options.passEnv ?? [],
    labels: options.labels ?? {},
    root: options.root === undefined ? undefined : withoutTrailingSlash(options.root),
  };
}

function withoutTrailingSlash(path: string): string {
  return path.replace(/\/+$/, "") || "/";
}

/** Whether `path` is `folder` or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}
