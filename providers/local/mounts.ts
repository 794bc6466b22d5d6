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
  "/etc/NetworkManager/system-connections",
  "/etc/docker",
  "/etc/kubernetes",
  "/etc/letsencrypt",
  "/etc/rancher",
  "/etc/ssl/private",
  "/etc/sudoers.d",
  "/etc/wireguard",
  "/sys/firmware",
  "/var/backups",
  "/var/lib/containerd",
  "/var/lib/containers",
  "/var/lib/docker",
  "/var/lib/kubelet",
  "/var/lib/private",
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
  "/etc/ssh/ssh_host_dsa_key",
  "/etc/ssh/ssh_host_ecdsa_key",
  "/etc/ssh/ssh_host_ed25519_key",
  "/etc/ssh/ssh_host_rsa_key",
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

type Kind = "folder" | "symlink" | "file";

/** What is at each of the paths; those where nothing is are left out. */
async function kindsOf(paths: readonly string[]): Promise<ReadonlyMap<string, Kind>> {
  const kinds = new Map<string, Kind>();
  const look = async (path: string): Promise<void> => {
    const info = await lstat(path).catch(() => undefined);
    if (info === undefined) return;
    kinds.set(path, info.isDirectory() ? "folder" : info.isSymbolicLink() ? "symlink" : "file");
  };
  await Promise.all(paths.map(look));
  return kinds;
}

/** The host's root as it is seen inside, entry by entry: an own root makes room for further folders beside it. */
async function rootMounts(
  settings: LocalSettings,
): Promise<{ args: string[]; isHidden: (path: string) => boolean }> {
  const args: string[] = [];
  const shown: string[] = [];
  const hidden: string[] = [];
  const masked: string[] = [];
  const candidates =
    settings.hostFiles === "hidden"
      ? [...shownTop, ...neededOfEtc]
      : (await readdir("/")).map((name) => `/${name}`).filter((path) => !omittedTop.includes(path));
  const kinds = await kindsOf([...candidates, ...maskedFolders, ...maskedFiles, homedir()]);
  for (const path of candidates.sort()) {
    const kind = kinds.get(path);
    if (maskedTop.includes(path)) {
      if (kind !== "symlink") continue;
      // Some systems keep the home folders elsewhere, and a link in the usual place.
      args.push("--symlink", await readlink(path), path);
      masked.push(await realpath(path).catch(() => path));
    } else if (kind === "symlink" && !path.startsWith("/etc/")) {
      args.push("--symlink", await readlink(path), path);
      shown.push(path);
    } else if (kind === "folder" || (kind !== undefined && path.startsWith("/etc/"))) {
      args.push("--ro-bind", path, path);
      shown.push(path);
    }
  }
  const isShown = (path: string): boolean => shown.some((top) => isWithin(path, top));
  const isMasked = (path: string): boolean => hidden.some((folder) => isWithin(path, folder));
  for (const path of maskedTop) {
    hidden.push(path);
    if (kinds.get(path) !== "symlink") args.push("--tmpfs", path);
  }
  masked.push(...maskedFolders.filter((path) => kinds.get(path) === "folder"));
  if (kinds.get(homedir()) === "folder" && homedir() !== "/") masked.push(homedir());
  for (const path of masked) {
    if (!isShown(path) || isMasked(path)) continue;
    args.push("--tmpfs", path);
    hidden.push(path);
  }
  for (const path of maskedFiles) {
    if (isShown(path) && kinds.get(path) === "file") args.push("--ro-bind", "/dev/null", path);
  }
  return {
    args,
    isHidden: (path) => !isShown(path) || isMasked(path),
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
  for (const path of (await kindsOf(readOnlyOfProc)).keys()) args.push("--ro-bind", path, path);
  args.push("--bind", layout.temporary, "/tmp");

  const mounts = new Map<string, readonly string[]>();
  for (const path of await toolPaths(searchPath, isHidden)) mounts.set(path, ["--ro-bind", path, path]);
  // The resolver's settings are often kept below /run, where they are masked.
  const resolver = await realpath("/etc/resolv.conf").catch(() => undefined);
  if (resolver !== undefined && settings.network && isHidden(resolver)) {
    mounts.set(resolver, ["--ro-bind", resolver, resolver]);
  }
  for (const { inside, host, writable } of folders) {
    if (inside !== "/tmp") mounts.set(inside, [writable ? "--bind" : "--ro-bind", host, inside]);
  }
  // Other sandboxes' folders are nobody's business inside, even where the folder around them is shown.
  mounts.set(root, ["--tmpfs", root]);
  // Outer folders first, so that an inner one with other rights is not covered.
  const outerFirst = [...mounts].sort(([left], [right]) => left.length - right.length);
  args.push(...outerFirst.flatMap(([, mount]) => mount));
  // Nobody inside may add to /etc or /: the programs that join the sandbox read their configuration there.
  args.push("--remount-ro", "/");
  return args;
}
