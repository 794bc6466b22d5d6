import type { Argv, Labels } from "../../src/kit.ts";
import type { FlySettings } from "./options.ts";

/** By which a machine of this library is known, and what it is made of. */
export const metadataNames = { mark: "playpen", cwd: "playpen_cwd", labels: "playpen_labels" } as const;

/** Holds the time at which the machine ends, in seconds since the epoch. */
const deadlineFile = "/tmp/.playpen-deadline";

/** The part of a machine's configuration that is set. */
export interface MachineConfig {
  readonly image: string;
  readonly guest: { readonly cpu_kind: string; readonly cpus: number; readonly memory_mb: number };
  readonly init: { readonly exec: readonly string[] };
  readonly metadata: { readonly [name: string]: string };
  readonly auto_destroy: true;
  readonly restart: { readonly policy: "no" };
}

// The machine is destroyed with all its processes when this one ends. A suspension may come between the look at the file and
// the look at the clock, so that the file is looked at again. Some images lack the folder for temporary files.
const mainScript = `
mkdir -p -m 1777 /tmp
umask 077
[ -f ${deadlineFile} ] || echo "$(($(date +%s) + $1))" > ${deadlineFile}
while read -r deadline < ${deadlineFile} && {
  [ "$(date +%s)" -lt "$deadline" ] || { read -r again < ${deadlineFile} && [ "$again" != "$deadline" ]; }
}; do sleep 1; done
`;

/** The exit code that says that the main process has not made its file yet. */
export const notReadyCode = 75;

const deadlineScript = `
umask 077
read -r before < ${deadlineFile} || before=0
deadline=$(($(date +%s) + $1))
[ "$2" = set ] || [ "$deadline" -gt "$before" ] || exit 0
echo "$deadline" > ${deadlineFile}.$$ && mv -f ${deadlineFile}.$$ ${deadlineFile}
`;

const folderScript = `
[ -f ${deadlineFile} ] || exit ${notReadyCode}
cwd=\${1:-\${HOME:-/root}/workspace}
[ -d "$cwd" ] || { mkdir -p -- "$cwd" && { [ -z "$2" ] || chown -- "$2" "$cwd"; }; } || exit
cd -- "$cwd" && printf '%s\\n' "$cwd"
`;

export function machineConfig(
  settings: FlySettings,
  { cwd, labels, lifeMs }: { readonly cwd: string; readonly labels: Labels; readonly lifeMs: number },
): MachineConfig {
  const { image, cpuKind, cpus, memoryMegabytes } = settings;
  const exec = ["/bin/sh", "-c", mainScript, "playpen-main", seconds(lifeMs)];
  return {
    image,
    guest: { cpu_kind: cpuKind, cpus, memory_mb: memoryMegabytes },
    init: { exec },
    metadata: {
      [metadataNames.mark]: "true",
      [metadataNames.cwd]: cwd,
      [metadataNames.labels]: JSON.stringify(labels),
    },
    auto_destroy: true,
    restart: { policy: "no" },
  };
}

/** Has the machine end so many milliseconds from now; with `"later"` only if that is later than before. */
export function deadlineCommand(lifeMs: number, how: "set" | "later"): Argv {
  return ["/bin/sh", "-c", deadlineScript, "playpen-deadline", seconds(lifeMs), how];
}

/** Makes the working directory (empty: the usual one) and says where it is, once the main process runs. */
export function folderCommand(cwd: string, user: string | undefined): Argv {
  return ["/bin/sh", "-c", folderScript, "playpen-folder", cwd, user ?? ""];
}

function seconds(durationMs: number): string {
  return String(Math.ceil(durationMs / 1000));
}
