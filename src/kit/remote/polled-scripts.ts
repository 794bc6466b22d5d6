import { markerName } from "../process-marker.ts";
import { stage } from "./launcher.ts";
import type { RemoteCommand } from "./remote-machine.ts";

/** What a command is to tell of a process whose output goes to files. */
export interface NewsRequest {
  /** How much of each stream was told already. */
  readonly from: { readonly out: number; readonly err: number };
  /** Most bytes that each of the command's rounds may bring of a stream; 0 where nobody waits for it. */
  readonly most: { readonly out: number; readonly err: number };
  /** Most bytes of the whole answer. */
  readonly mostBytes: number;
  /** How often it looks for the first news, and for further ones, before it says that there are none. */
  readonly ticks: number;
  /** How many rounds may follow the first. */
  readonly furtherRounds: number;
  /** How many of the pauses between two looks are short. */
  readonly shortPauses: number;
}

/**
 * Tells what there is of news. A round is three lines: the state (`running` or the exit code) with the number of bytes
 * that are left, and both outputs as base64.
 */
export function newsCommand(folder: string, request: NewsRequest): RemoteCommand {
  return { argv: stage("poll", pollScript, folder, ...numbersOf(request)), env: {}, stdin: false };
}

/** Starts a command in the background, with its output going to files, and then tells the first of its news. */
export function startCommand(folder: string, command: RemoteCommand, request: NewsRequest): RemoteCommand {
  // A signal is for all that carries the mark. It must spare those who tell what became of the program.
  const { [markerName]: mark, ...env } = command.env;
  const marked = mark === undefined ? "" : `${markerName}=${mark}`;
  const words = [folder, ...numbersOf(request), marked, ...command.argv];
  return { ...command, argv: stage("start", startScript + pollScript, ...words), env };
}

function numbersOf(request: NewsRequest): readonly string[] {
  const { from, most, mostBytes, ticks, furtherRounds, shortPauses } = request;
  const numbers = [from.out, from.err, most.out, most.err, mostBytes, ticks, furtherRounds, shortPauses];
  return numbers.map(String);
}

// In a session of its own, lest the vendor ends what a command has left behind. Twice forked, the supervisor is no child
// of the one who asks whether it lives: an ended child would be taken for one that does.
const startScript = `
mkdir -p -m 700 -- "$1" && : > "$1/out" && : > "$1/err" || exit
session=
command -v setsid >/dev/null 2>&1 && session=setsid
( $session /bin/sh -c '
  folder=$1
  shift 9
  mark=$1
  shift
  reset=
  env --default-signal=INT,QUIT true 2>/dev/null && reset=--default-signal=INT,QUIT
  env $reset \${mark:+"$mark"} "$@" > "$folder/out" 2> "$folder/err"
  echo "$?" > "$folder/exit"
' playpen-supervisor "$@" </dev/null >/dev/null 2>&1 & echo "$!" > "$1/supervisor" ) || exit
`;

// The exit code is looked for first: what was written before it is in the files then. Without its line feed it is not
// yet written.
const pollScript = `
cd "$1" || exit
fromOut=$2 fromErr=$3 mostOut=$4 mostErr=$5 most=$6 ticks=$7 further=$8 short=$9
told=
pause() {
  if [ "$short" -gt 0 ]; then short=$((short - 1)) && sleep 0.01 2>/dev/null && return; fi
  sleep 0.05 2>/dev/null || sleep 1
}
tell() {
  [ "$3" -gt 0 ] && tail -c "+$(($2 + 1))" "$1" | head -c "$3" | base64 | tr -d '\\n'
  echo
}
while :; do
  state=
  [ -e exit ] && { read -r state < exit || state=; }
  if [ -z "$state" ] && read -r supervisor < supervisor && ! kill -0 "$supervisor" 2>/dev/null; then
    [ -e exit ] && read -r state < exit || state=137
  fi
  out=0 err=0
  if [ -s out ] || [ -s err ]; then
    set -- $(wc -c out err)
    out=$(($1 - fromOut)) err=$(($3 - fromErr))
  fi
  news=$state
  [ "$mostOut" -gt 0 ] && [ "$out" -gt 0 ] && news=yes
  [ "$mostErr" -gt 0 ] && [ "$err" -gt 0 ] && news=yes
  if [ -z "$news" ]; then
    if [ "$ticks" -gt 0 ]; then
      ticks=$((ticks - 1))
      pause
      continue
    fi
    [ -z "$told" ] || break
  fi
  left=$((out + err))
  [ "$out" -gt "$mostOut" ] && out=$mostOut
  [ "$err" -gt "$mostErr" ] && err=$mostErr
  if [ "$((out + err))" -gt "$most" ]; then
    half=$((most / 2))
    if [ "$out" -le "$half" ]; then err=$((most - out))
    elif [ "$err" -le "$half" ]; then out=$((most - err))
    else out=$half err=$half
    fi
  fi
  left=$((left - out - err))
  echo "\${state:-running} $left"
  tell out "$fromOut" "$out"
  tell err "$fromErr" "$err"
  told=yes
  [ -n "$news" ] && [ -z "$state" ] && [ "$further" -gt 0 ] || break
  [ "$ticks" -le "$further" ] || ticks=$further
  further=$((further - 1))
  fromOut=$((fromOut + out)) fromErr=$((fromErr + err)) most=$((most - out - err))
  [ "$most" -gt 1 ] || break
  pause
done
`;
