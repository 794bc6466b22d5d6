import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import type { Availability } from "../../src/kit.ts";
import { systemFolders } from "./watcher.ts";

/** The programs that make namespaces and join them. */
export interface NamespaceTools {
  readonly bwrap: string;
  readonly nsenter: string;
  readonly unshare: string;
  readonly setsid: string;
}

const probeTimeoutMs = 10_000;

/**
 * The namespaces of a sandbox belong to a user namespace in which the host's user is number 0, so that processes can
 * join them later. The processes themselves live in a further user namespace, in which they have the host's own user
 * number and no power over the outer one.
 */
export const namespaceArgs: readonly string[] = [
  "--unshare-user",
  "--uid",
  "0",
  "--gid",
  "0",
  "--unshare-pid",
  "--unshare-ipc",
  "--unshare-uts",
  "--unshare-cgroup-try",
  "--die-with-parent",
];

/** Needed for that further step when the host's user is number 0 on the host too, and for nothing else. */
export const anchorCapabilities: readonly string[] = ["--cap-drop", "ALL", "--cap-add", "CAP_SETFCAP"];

/** Takes the step from number 0 back to the host's own user. */
export function asOwnUser(tools: NamespaceTools): readonly string[] {
  const user = process.getuid?.() ?? 0;
  const group = process.getgid?.() ?? 0;
  return [tools.unshare, "--user", `--map-user=${user}`, `--map-group=${group}`, "--"];
}

/** Looks only where no agent can put a program of its own: a workspace's folder may well stand in `PATH`. */
async function findTool(name: string): Promise<string | undefined> {
  for (const folder of systemFolders) {
    const path = join(folder, name);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}

export interface ProbeResult {
  readonly availability: Availability;
  readonly tools?: NamespaceTools;
}

const askForNone = 'or ask for processes without isolation by name: local({ isolation: "none" })';

/** Finds out by really making a sandbox whether one can be made here. */
export async function probeBubblewrap(): Promise<ProbeResult> {
  const [bwrap, nsenter, unshare, setsid] = await Promise.all(
    ["bwrap", "nsenter", "unshare", "setsid"].map(findTool),
  );
  if (bwrap === undefined) {
    return unavailable(
      "bubblewrap (bwrap) is not installed.",
      `Install it (apt install bubblewrap, dnf install bubblewrap, apk add bubblewrap), ${askForNone}.`,
    );
  }
  if (nsenter === undefined || unshare === undefined || setsid === undefined) {
    return unavailable(
      "nsenter, unshare or setsid is not installed.",
      `Install util-linux (apt install util-linux, apk add util-linux), ${askForNone}.`,
    );
  }
  const tools = { bwrap, nsenter, unshare, setsid };
  const options = {
    env: { PATH: systemFolders.join(":") },
    extendEnv: false,
    cwd: "/",
    timeout: probeTimeoutMs,
    stdin: "ignore",
  } as const;
  const mounts = [...anchorCapabilities, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"];
  try {
    // Loaded only here: to import it takes twice as long as to import all of playpen.
    const { execa } = await import("execa");
    const [{ stdout }] = await Promise.all([
      execa(bwrap, ["--version"], options),
      execa(
        bwrap,
        [...namespaceArgs, ...mounts, "--", ...asOwnUser(tools), setsid, "/bin/sh", "-c", ":"],
        options,
      ),
    ]);
    const version = /\d+(?:\.\d+)+/.exec(stdout)?.[0];
    return { availability: { available: true, ...(version === undefined ? {} : { version }) }, tools };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return unavailable(
      `bubblewrap is installed but cannot make a sandbox here: ${words}`,
      `Allow user namespaces for your user (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, or the AppArmor profile of bwrap), ${askForNone}.`,
    );
  }
}

function unavailable(reason: string, remedy: string): ProbeResult {
  return { availability: { available: false, reason, remedy } };
}
