import type { Environment, Signal } from "../spec/sandbox.ts";

/**
 * Every process is started with this variable, and its children inherit it. It is how a whole tree is found again,
 * children that left the process group by `setsid` included, without a pid file that can go stale.
 */
export const markerName = "PLAYPEN_PROCESS";

/** The environment of a process that `signalMarkedScript` will find. */
export function markedEnvironment(env: Environment | undefined, processId: string): Environment {
  return { ...env, [markerName]: processId };
}

/**
 * A POSIX shell script, as argv, that signals every process group which holds a process marked with `processId`. It
 * must run inside the sandbox, as a user who may read the processes' environment, and without the marker itself. For
 * SIGKILL it looks again until none is left, so that a tree which forks meanwhile does not escape. Exits with 0 when
 * there was nothing (more) to signal.
 */
export function signalMarkedScript(processId: string, signal: Signal): readonly [string, ...string[]] {
  return [
    "/bin/sh",
    "-c",
    script,
    "playpen-signal",
    `${markerName}=${processId}`,
    signal.replace(/^SIG/, ""),
  ];
}

// `${stat##*) }` skips the command's name, which may itself hold blanks and parentheses; then come state, parent and
// group. A zombie keeps no environment, so that grep does not list it.
const script = `
marker=$1
signal=$2
rounds=1
[ "$signal" = KILL ] && rounds=50
while [ "$rounds" -gt 0 ]; do
  rounds=$((rounds - 1))
  seen=" "
  for file in $(grep -lsF -- "$marker" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    pid=\${pid%/environ}
    [ "$pid" = "$$" ] && continue
    { read -r stat < "/proc/$pid/stat"; } 2>/dev/null || continue
    set -- \${stat##*) }
    target=$pid
    [ "$3" -gt 1 ] && target=-$3
    case $seen in *" $target "*) continue ;; esac
    seen="$seen$target "
    kill -s "$signal" -- "$target" 2>/dev/null
  done
  [ "$seen" = " " ] && exit 0
done
exit 0
`;
