import { markerName } from "../process-marker.ts";
import type { Command, Environment } from "../../spec/sandbox.ts";

/** A program and its arguments. */
export type Argv = readonly [string, ...string[]];

/**
 * The launcher: small POSIX scripts that run in front of a program, each of which prepares one thing and then becomes
 * the next. What a vendor's API has no parameter for is derived by them, the same way everywhere. Each wraps a whole
 * argument list, so that they can be combined: `markedStage(id, userStage("node", programStage(argv, { cwd })))`.
 *
 * Names in them are made up so that no variable of the program's environment is changed.
 */
export function stage(name: string, script: string, ...parameters: readonly string[]): Argv {
  return ["/bin/sh", "-c", script, `playpen-${name}`, ...parameters];
}

/** Marks the process tree where the vendor takes no variables. The mark is no secret. */
export function markedStage(processId: string, inner: Argv): Argv {
  return ["/usr/bin/env", `${markerName}=${processId}`, ...inner];
}

/**
 * Takes the environment from the first line of standard input, where the vendor takes no variables: in the arguments
 * everybody inside could read them. A shell reads a line byte by byte, so that the rest is left to the program.
 * `environmentLine` makes the line.
 */
export function environmentStage(inner: Argv, stdin: NonNullable<Command["stdin"]>): Argv {
  return stage("environment", environmentScript, stdin, ...inner);
}

const environmentScript = `
playpen_stdin=$1
shift
IFS= read -r playpen_line || exit 125
eval "$(printf %b "$playpen_line")"
unset playpen_line
[ "$playpen_stdin" = ignore ] && exec "$@" </dev/null
exec "$@"
`;

/** One line of shell that gives the variables. */
export function environmentLine(env: Environment): string {
  const assignments = Object.entries(env).map(([name, value]) => `export ${name}=${quoteForShell(value)}; `);
  return `${escapedForPrintf(assignments.join(""))}:\n`;
}

/** Every byte that means something to `printf %b`, or ends the line, as an octal number. */
export function escapedForPrintf(text: string): string {
  return text.replace(
    /[\\\n\r]/g,
    (character) => `\\0${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
}

/** A word that a POSIX shell takes as it is. */
export function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A line of POSIX shell that runs exactly this, for a vendor whose API takes one text. */
export function shellLine(argv: readonly string[]): string {
  return argv.map(quoteForShell).join(" ");
}

/**
 * Becomes another user, by `setpriv` where it can, else by `su`. It takes root to do so. Without a `HOME` of its own
 * the process gets the user's.
 */
export function userStage(user: string, inner: Argv, options: { readonly hasHome: boolean }): Argv {
  return stage("user", userScript, user, options.hasHome ? "yes" : "", ...inner);
}

const userScript = `
playpen_name=\${1%%:*}
playpen_group=\${1#"$playpen_name"}
playpen_group=\${playpen_group#:}
playpen_home=$2
shift 2
case $playpen_name in
*[!0-9]*) playpen_uid=$(id -u -- "$playpen_name" 2>/dev/null) || { echo "playpen user"; exit 126; } ;;
*) playpen_uid=$playpen_name ;;
esac
playpen_line=$(grep -s "^[^:]*:[^:]*:$playpen_uid:" /etc/passwd | head -n 1)
if [ -z "$playpen_group" ]; then
  playpen_group=\${playpen_line#*:*:*:}
  playpen_group=\${playpen_group%%:*}
  [ -n "$playpen_group" ] || playpen_group=0
fi
case $playpen_group in
*[!0-9]*)
  playpen_group=$(grep -s "^$playpen_group:" /etc/group | cut -d : -f 3)
  [ -n "$playpen_group" ] || { echo "playpen user"; exit 126; }
  ;;
esac
if [ -z "$playpen_home" ]; then
  HOME=\${playpen_line#*:*:*:*:*:}
  HOME=\${HOME%%:*}
  [ -n "$HOME" ] || HOME=/
  export HOME
fi
[ "$(id -u):$(id -g)" = "$playpen_uid:$playpen_group" ] && exec "$@"
[ "$(id -u)" = 0 ] || { echo "playpen user"; exit 126; }
if setpriv --reuid 0 --regid 0 --clear-groups true 2>/dev/null; then
  [ -n "$playpen_line" ] && exec setpriv --reuid "$playpen_uid" --regid "$playpen_group" --init-groups -- "$@"
  exec setpriv --reuid "$playpen_uid" --regid "$playpen_group" --clear-groups -- "$@"
fi
[ -n "$playpen_line" ] || { echo "playpen user"; exit 126; }
exec su -s /bin/sh "\${playpen_line%%:*}" -c 'exec "$@"' playpen-su "$@"
`;

/**
 * Makes the program the leader of a process group where the vendor does not: a signal to its group must not reach
 * others, such as the vendor's own daemon.
 */
export function groupStage(inner: Argv): Argv {
  return stage("group", groupScript, ...inner);
}

const groupScript = `
{ read -r playpen_stat < "/proc/$$/stat"; } 2>/dev/null || exec "$@"
playpen_stat=\${playpen_stat##*) }
playpen_stat=\${playpen_stat#* * }
[ "\${playpen_stat%% *}" != "$$" ] && command -v setsid >/dev/null 2>&1 && exec setsid "$@"
exec "$@"
`;

/**
 * Writes a line to standard error again and again as long as the process runs, for a vendor that ends a connection on
 * which nothing moves. `withoutHeartbeats` takes the lines out again.
 */
export function heartbeatStage(inner: Argv, intervalMs: number): Argv {
  return stage("heartbeat", heartbeatScript, String(Math.max(1, Math.floor(intervalMs / 1000))), ...inner);
}

/** Holds a control character, so that no program says it by chance. */
export const heartbeatLine = "\u0016playpen\u0016\n";

// The shell becomes the program, so that its id is known beforehand. Twice forked, the loop is no child of the program.
// A pipe it opens anew for each line, lest it holds the standard error open when the program has ended; what is no pipe
// cannot be opened, and is held for a second at most.
const heartbeatScript = `
playpen_interval=$1
shift
playpen_output=/proc/$$/fd/2
( (
  trap '' HUP INT QUIT TERM USR1 USR2
  if [ -p "$playpen_output" ]; then exec 2>/dev/null; else playpen_output=/dev/fd/2; fi
  seconds=0
  while sleep 1 2>/dev/null && kill -0 "$$" 2>/dev/null; do
    seconds=$((seconds + 1))
    [ "$seconds" -lt "$playpen_interval" ] && continue
    seconds=0
    if [ "$playpen_output" = /dev/fd/2 ]; then printf '\\026playpen\\026\\n' >&2
    else printf '\\026playpen\\026\\n' > "$playpen_output"
    fi || exit
  done
) </dev/null >/dev/null & )
exec "$@"
`;

/** Options of `programStage`. */
export interface ProgramStageOptions {
  readonly cwd: string;
  /** The variable `IFS` of the program's environment: a shell replaces the one that it inherits. */
  readonly separators?: string | undefined;
}

/**
 * Goes to the working directory, looks whether the program is there, says so with its own process id in the first line
 * of standard output, and becomes the program. Without that word nobody could tell a failed start from a program that
 * failed. `parseStartReport` reads the line.
 */
export function programStage(argv: Argv, { cwd, separators }: ProgramStageOptions): Argv {
  const restored = separators === undefined ? ["", ""] : ["set", separators];
  return stage("exec", programScript, cwd, ...restored, ...argv);
}

const programScript = `
cd "$1" 2>/dev/null || { echo "playpen cwd"; exit 126; }
[ -z "$2" ] || IFS=$3
shift 3
unset OLDPWD
playpen_found=
case $1 in
*/*) [ -f "$1" ] && [ -x "$1" ] && playpen_found=1 ;;
*)
  playpen_rest=\${PATH-/usr/local/bin:/usr/bin:/bin}:
  while [ -n "$playpen_rest" ]; do
    playpen_folder=\${playpen_rest%%:*}
    playpen_rest=\${playpen_rest#*:}
    [ -f "\${playpen_folder:-.}/$1" ] && [ -x "\${playpen_folder:-.}/$1" ] && { playpen_found=1; break; }
  done ;;
esac
[ -n "$playpen_found" ] || { echo "playpen program"; exit 127; }
echo "playpen $$"
exec "$@"
`;

/** What came before the program's own output: its process id, or why there is no process. */
export type StartReport = { readonly pid: number } | { readonly failure: string };

/** The first line of a launched program is never longer: more without a line feed is no report. */
export const longestReportBytes = 4096;

/** Reads the first line of a launched program's output, without its line feed. */
export function parseStartReport(
  line: string,
  { argv, user = "" }: Pick<Command, "argv" | "user">,
  cwd: string,
): StartReport {
  const [, word] = /^playpen (cwd|program|user|[1-9]\d*)$/.exec(line) ?? [];
  if (word === "cwd") return { failure: `The working directory ${JSON.stringify(cwd)} cannot be entered.` };
  if (word === "user") return { failure: `The process cannot become the user ${JSON.stringify(user)}.` };
  if (word === "program") {
    return { failure: `The program ${JSON.stringify(argv[0])} was not found, or cannot be run.` };
  }
  if (word !== undefined) return { pid: Number(word) };
  // The vendor's own words, for example about a user that does not exist.
  return { failure: line.trim() || "The connection ended without a word." };
}
