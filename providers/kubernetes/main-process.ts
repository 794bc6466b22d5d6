import type { Argv } from "../../src/kit.ts";

/**
 * Where the pod keeps its remaining time: the second, counted from the start of its machine, at which it ends, and the
 * id of its main process.
 */
const leaseFile = '"${TMPDIR:-/tmp}/.playpen-lease"';

/**
 * The pod's main process: a dead man's switch. It waits until the time in its file is over, which the host puts off
 * again and again, and then ends, and the pod with all its processes. SIGUSR1 makes it read the file again. Orphans are
 * reaped by its `wait`.
 */
const mainScript = `
file=${leaseFile}
trap 'rm -f "$file"; exit 0' TERM INT HUP
trap : USR1
umask 077
read -r now rest < /proc/uptime
echo "$((\${now%%.*} + 1 + $1)) $$" > "$file" || exit
while read -r end pid < "$file"; do
  read -r now rest < /proc/uptime
  left=$((end - \${now%%.*}))
  [ "$left" -gt 0 ] || break
  sleep "$left" & sleeper=$!
  wait "$sleeper"
  kill "$sleeper" 2>/dev/null
done
rm -f "$file"
`;

export function mainCommand(leaseMs: number): string[] {
  return ["/bin/sh", "-c", mainScript, "playpen-main", seconds(leaseMs)];
}

const renewScript = `
file=${leaseFile}
read -r end pid < "$file" || exit
read -r now rest < /proc/uptime
next=$((\${now%%.*} + 1 + $2))
[ "$1" = least ] && [ "$end" -ge "$next" ] && exit 0
umask 077
echo "$next $pid" > "$file.$$" && mv -f "$file.$$" "$file" && kill -s USR1 "$pid"
`;

/** Has the pod end in so much time, counted from now; with `"least"` no sooner than it would have anyway. */
export function renewCommand(mode: "least" | "exact", durationMs: number): Argv {
  return ["/bin/sh", "-c", renewScript, "playpen-renew", mode, seconds(durationMs)];
}

function seconds(durationMs: number): string {
  return String(Math.max(1, Math.ceil(durationMs / 1000)));
}

/** The exit code that says that the working directory could not be made. */
export const noFolderCode = 3;

// Without a user of its own in /etc/passwd a container has the home "/".
const prepareScript = `
cwd=$1
if [ -z "$cwd" ]; then
  home=\${HOME:-/}
  cwd=\${home%/}/workspace
fi
if [ ! -d "$cwd" ]; then
  mkdir -p -- "$cwd" && { [ -z "$2" ] || chown -- "$2" "$cwd"; } || exit ${noFolderCode}
fi
printf %s "$cwd"
`;

/** Makes the working directory, by default one in the home folder, and tells its path. */
export function prepareCommand(cwd: string | undefined, owner: string | undefined): Argv {
  return ["/bin/sh", "-c", prepareScript, "playpen-prepare", cwd ?? "", owner ?? ""];
}
