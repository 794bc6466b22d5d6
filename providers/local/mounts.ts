import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import type { FolderMapping } from "./folders.ts";
import { toolPaths } from "./tool-paths.ts";
import { isWithin, type LocalSettings } from "./options.ts";
import type { Layout } from "./layout.ts";

/** Folders at the top that are replaced by an empty one: homes of people, sockets of services, other disks. */
const maskedTop = ["/home", "/root", "/run", "/mnt", "/media"];
/** Made anew, or meant for nobody inside. */
const omittedTop = ["/proc", "/dev", "/tmp", "/boot", "/lost+found"];

/** Matters when the host runs as root, to whom these would be readable. */
const maskedFolders = [
  "/etc/kubernetes",
  "/etc/rancher",
  "/etc/ssl/private",
  "/etc/sudoers.d",
  "/sys/firmware",
  "/var/backups",
  "/var/lib/containerd",
  "/var/lib/containers",
  "/var/lib/docker",
  "/var/lib/kubelet",
  "/var/log",
  "/var/mail",
  "/var/run",
  "/var/spool",
  "/var/tmp",
];
const maskedFiles = [
  "/etc/gshadow",
  "/etc/gshadow-",
  "/etc/krb5.keytab",
  "/etc/shadow",
  "/etc/shadow-",
  "/etc/sudoers",
];

/** What programs need of `/etc` when the host's files are hidden. */
const neededOfEtc = [
  "/etc/alternatives",
  "/etc/ca-certificates",
  "/etc/ca-certificates.conf",
  "/etc/crypto-policies",
  "/etc/group",
  "/etc/hosts",
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/localtime",
  "/etc/mime.types",
  "/etc/nsswitch.conf",
  "/etc/os-release",
  "/etc/passwd",
  "/etc/pki",
  "/etc/protocols",
  "/etc/resolv.conf",
  "/etc/services",
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
  "/etc/timezone",
];
const shownTop = [
  "/bin",
  "/gnu/store",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/nix/store",
  "/sbin",
  "/sys",
  "/usr",
];

/**
 * A host that runs as root keeps its user number inside, and with it the right to write these, without any
 * capability: one of them names a program that the kernel starts outside of every sandbox.
 */
const readOnlyOfProc = [
  "/proc/acpi",
  "/proc/bus",
  "/proc/driver",
  "/proc/fs",
  "/proc/irq",
  "/proc/mtrr",
  "/proc/scsi",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

async function kindOf(path: string): Promise<"folder" | "symlink" | "file" | undefined> {
  const info = await lstat(path).catch(() => undefined);
  if (info === undefined) return undefined;
  return info.isDirectory() ? "folder" : info.isSymbolicLink() ? "symlink" : "file";
}

/** The host's root as it is seen inside, entry by entry: an own root makes room for further folders beside it. */
async function rootMounts(
  settings: LocalSettings,
): Promise<{ args: string[]; isHidden: (path: string) => boolean }> {
  const args: string[] = [];
  const shown: string[] = [];
  const hidden: string[] = [homedir()];
  const candidates =
    settings.hostFiles === "hidden"
      ? [...shownTop, ...neededOfEtc]
      : (await readdir("/")).map((name) => `/${name}`).filter((path) => !omittedTop.includes(path));
  for (const path of candidates.sort()) {
    const kind = await kindOf(path);
    if (kind === undefined) continue;
    if (kind === "symlink" && settings.hostFiles === "read-only") {
      args.push("--symlink", await readlink(path), path);
      shown.push(path);
    } else if (maskedTop.includes(path)) {
      hidden.push(path);
    } else if (kind === "symlink" && !path.startsWith("/etc/")) {
      args.push("--symlink", await readlink(path), path);
      shown.push(path);
    } else if (kind === "folder" || path.startsWith("/etc/")) {
      args.push("--ro-bind", path, path);
      shown.push(path);
    }
  }
  for (const path of maskedTop) args.push("--tmpfs", path);
  for (const path of maskedFolders) {
    if (shown.some((top) => isWithin(path, top)) && (await kindOf(path)) === "folder") {
      args.push("--tmpfs", path);
      hidden.push(path);
    }
  }
  for (const path of maskedFiles) {
    if (shown.some((top) => isWithin(path, top)) && (await kindOf(path)) === "file") {
      args.push("--ro-bind", "/dev/null", path);
    }
  }
  return {
    args,
    isHidden: (path) =>
      !shown.some((top) => isWithin(path, top)) || hidden.some((folder) => isWithin(path, folder)),
  };
}

/** Everything that bubblewrap mounts, in its own words and order. */
export async function planMounts(
  settings: LocalSettings,
  layout: Layout,
  folders: readonly FolderMapping[],
  searchPath: string,
  root: string,
): Promise<readonly string[]> {
  const { args, isHidden } = await rootMounts(settings);
  args.push("--dev", "/dev", "--proc", "/proc");
  for (const path of readOnlyOfProc) {
    if ((await kindOf(path)) !== undefined) args.push("--ro-bind", path, path);
  }
  if (!isHidden(homedir())) args.push("--tmpfs", homedir());
  // Other sandboxes' folders are nobody's business inside.
  args.push("--tmpfs", root);
  args.push("--bind", layout.temporary, "/tmp");

  const binds = new Map<string, FolderMapping>();
  for (const path of await toolPaths(searchPath, isHidden)) {
    binds.set(path, { inside: path, host: path, writable: false });
  }
  // The resolver's settings are often kept below /run, where they are masked.
  const resolver = await realpath("/etc/resolv.conf").catch(() => undefined);
  if (resolver !== undefined && settings.network && isHidden(resolver)) {
    binds.set(resolver, { inside: resolver, host: resolver, writable: false });
  }
  for (const folder of folders) {
    if (folder.inside !== "/tmp") binds.set(folder.inside, folder);
  }
  // Outer folders first, so that an inner one with other rights is not covered.
  for (const bind of [...binds.values()].sort((left, right) => left.inside.length - right.inside.length)) {
    args.push(bind.writable ? "--bind" : "--ro-bind", bind.host, bind.inside);
  }
  // Nobody inside may add to /etc or /: the programs that join the sandbox read their configuration there.
  args.push("--remount-ro", "/");
  return args;
}
