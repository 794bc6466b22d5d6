import type { Argv } from "../../src/kit.ts";

/** Marks every process of a sandbox, beside the mark of its process tree. */
export const sandboxMarkerName = "PLAYPEN_SANDBOX";

export const anchorWords = { ready: "ready", failed: "failed", detached: "detached" } as const;

/** The exit code of `renewCommand` that says that the sandbox's creator still holds it. */
export const stillHeldCode = 3;

// A process is known by its id and its time of start, so that one which has got the id of another is not taken for it.
// `${stat##*) }` skips the command's name, which may hold anything; the time of start is the 20th field after it.
const common = `
startOf() {
  { read -r stat < "/proc/$1/stat"; } 2>/dev/null || return
  set -- \${stat##*) }
  [ "$1" != Z ] && echo "\${20}"
}
isAlive() {
  { read -r pid started < "$1/anchor"; } 2>/dev/null || return
  [ "$(startOf "$pid")" = "$started" ]
}
sweep() {
  rounds=300
  while [ "$rounds" -gt 0 ]; do
    rounds=$((rounds - 1))
    seen=" "
    for file in $(grep -lsF -- "${sandboxMarkerName}=$1" /proc/[0-9]*/environ); do
      pid=\${file#/proc/}
      pid=\${pid%/environ}
      { read -r stat < "/proc/$pid/stat"; } 2>/dev/null || continue
      set -- "$1" \${stat##*) }
      target=$pid
      [ "$4" -gt 1 ] && target=-$4
      case $seen in *" $target "*) continue ;; esac
      seen="$seen$target "
      kill -s KILL -- "$target" 2>/dev/null
    done
    [ "$seen" = " " ] && break
  done
}
removeAll() {
  sweep "$2"
  rm -rf -- "$1" 2>/dev/null || { chmod -R u+rwX -- "$1"; rm -rf -- "$1"; }
  sweep "$2"
}
`;

/**
 * Runs on the machine as long as the sandbox lives, and holds it by its standard input: when that ends without a word,
 * since the host or the connection has died, everything in the sandbox is killed and its folder removed. With
 * `detach SECONDS` it goes on for so long without the host; a later deadline arrives by file and SIGUSR1.
 *
 * Arguments: root (empty: the usual one), id, working directory (empty: a fresh one), state.
 */
const anchorScript = `${common}
umask 077
trap '' HUP INT QUIT TERM PIPE USR1 USR2
root=\${1:-$HOME/.playpen} id=$2 cwd=$3
fail() { echo "${anchorWords.failed} $1"; [ -z "$folder" ] || rm -rf -- "$folder"; exit 1; }
folder=
[ -r "/proc/$$/stat" ] || fail "It has no /proc; it must be Linux."
mkdir -p -- "$root" && root=$(cd -- "$root" && pwd -P) || fail "The folder $root cannot be made."
for old in "$root"/*/; do
  old=\${old%/}
  case \${old##*/} in *[!0-9a-f]* | "") continue ;; esac
  if [ -e "$old/anchor" ]; then isAlive "$old" && continue
  else [ -n "$(find "$old" -maxdepth 0 -mmin +10 2>/dev/null)" ] || continue
  fi
  removeAll "$old" "\${old##*/}"
done
folder=$root/$id
mkdir -- "$folder" "$folder/home" "$folder/tmp" "$folder/work" || fail "The folder $folder cannot be made."
[ -n "$cwd" ] || cwd=$folder/work
mkdir -p -- "$cwd" || fail "The working directory $cwd cannot be made."
printf '%s\\n' "$cwd" > "$folder/cwd" && printf '%s\\n' "$4" > "$folder/state" || fail "It cannot be written to."
echo "$$ $(startOf "$$")" > "$folder/anchor.new" && mv "$folder/anchor.new" "$folder/anchor"
cd /
printf '%s\\n%s\\n%s\\n' "${anchorWords.ready}" "$folder" "$cwd"
read -r word seconds || word=
if [ "$word" = detach ]; then
  deadline=$(($(date +%s) + seconds))
  echo "$deadline" > "$folder/deadline"
  echo "${anchorWords.detached}"
  exec </dev/null >/dev/null 2>&1
  : &
  wait "$!"
  trap 'kill -s KILL "$!"' USR1
  while read -r deadline < "$folder/deadline" && now=$(date +%s) && [ "$now" -lt "$deadline" ]; do
    sleep $((deadline - now)) &
    wait "$!"
  done 2>/dev/null
  trap '' USR1
fi
exec >/dev/null 2>&1
removeAll "$folder" "$id"
`;

const inspectScript = `${common}
root=\${1:-$HOME/.playpen}
cd -- "$root" 2>/dev/null && root=$(pwd -P) || exit 0
for folder in "$root"/\${2:-*}/; do
  folder=\${folder%/}
  case \${folder##*/} in *[!0-9a-f]* | "") continue ;; esac
  isAlive "$folder" || continue
  { read -r cwd < "$folder/cwd" && read -r state < "$folder/state"; } 2>/dev/null || continue
  printf '%s\\n%s\\n%s\\n%s\\n' "\${folder##*/}" "$folder" "$cwd" "$state"
done
`;

const destroyScript = `${common}
folder=$1
[ -d "$folder" ] || exit 0
anchor=
isAlive "$folder" && anchor=$pid
removeAll "$folder" "\${folder##*/}"
[ -n "$anchor" ] || exit 0
kill -s KILL -- "-$anchor" 2>/dev/null || kill -s KILL "$anchor" 2>/dev/null
exit 0
`;

const renewScript = `${common}
isAlive "$1" && [ -e "$1/deadline" ] || exit ${stillHeldCode}
echo "$(($(date +%s) + $2))" > "$1/deadline.new" && mv -f "$1/deadline.new" "$1/deadline" && kill -s USR1 "$pid"
`;

const stateScript = `umask 077; printf '%s\\n' "$2" > "$1/state.new" && mv -f "$1/state.new" "$1/state"`;

const terminalPrepareScript = `
umask 077
mkdir -p -- "\${1%/*}" && cat > "$1" || exit 1
cd -- "$2" 2>/dev/null || exit 2
. "$1"
command -v -- "$3" >/dev/null 2>&1 || exit 3
`;

export const terminalCodes = { cwd: 2, program: 3 } as const;

const terminalScript = `
. "$1"
rm -f -- "$1"
cd -- "$2" || exit 126
shift 2
exec "$@"
`;

function script(name: string, text: string, ...parameters: readonly string[]): Argv {
  return ["/bin/sh", "-c", text, `playpen-${name}`, ...parameters];
}

export function anchorCommand(root: string, id: string, cwd: string, state: string): Argv {
  return script("anchor", anchorScript, root, id, cwd, state);
}

/** Tells of one sandbox, or of all that are alive: four lines each, with id, folder, working directory and state. */
export function inspectCommand(root: string, id = ""): Argv {
  return script("inspect", inspectScript, root, id);
}

export function destroyCommand(folder: string): Argv {
  return script("destroy", destroyScript, folder);
}

/** Gives a detached sandbox another span of time, counted from now. */
export function renewCommand(folder: string, seconds: number): Argv {
  return script("renew", renewScript, folder, String(seconds));
}

/** Replaces what other host processes are told of a sandbox. */
export function stateCommand(folder: string, state: string): Argv {
  return script("state", stateScript, folder, state);
}

export function makeFolderCommand(cwd: string): Argv {
  return ["mkdir", "-p", "--", cwd];
}

/** Takes the environment as lines of shell by standard input, and looks whether the program is there. */
export function terminalPrepareCommand(file: string, cwd: string, program: string): Argv {
  return script("prepare", terminalPrepareScript, file, cwd, program);
}

/** Becomes the program, with the environment that `terminalPrepareCommand` has put down. */
export function terminalCommand(file: string, cwd: string, argv: Argv): Argv {
  return script("terminal", terminalScript, file, cwd, ...argv);
}
