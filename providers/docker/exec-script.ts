import type { Command } from "../../src/kit.ts";

/**
 * Runs in front of every process: it goes to the working directory, looks whether the program is there, says so with
 * its own process id, and then becomes the program. Without that word it could not be told whether a process runs: the
 * engine accepts the connection first and starts the process afterwards, and writes its own complaint into the stream
 * as if the process had said it.
 *
 * Names are made up so that no variable of the process's environment is changed. A shell replaces the IFS that it
 * inherits, so that it is set again; the search for the program does without it.
 */
const script = `
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

export function execCommand({ argv, env = {} }: Pick<Command, "argv" | "env">, cwd: string): string[] {
  const separators = env["IFS"];
  const restored = separators === undefined ? ["", ""] : ["set", separators];
  return ["/bin/sh", "-c", script, "playpen-exec", cwd, ...restored, ...argv];
}

/** What came before the process's own output: its id, or why there is no process. */
export type StartReport = { readonly pid: number } | { readonly failure: string };

export const longestReportBytes = 4096;

/** Reads the first line of an exec's output, without its line feed. */
export function parseStartReport(line: string, command: Command, cwd: string): StartReport {
  const [, word] = /^playpen (cwd|program|[1-9]\d*)$/.exec(line) ?? [];
  if (word === "cwd") return { failure: `The working directory ${JSON.stringify(cwd)} cannot be entered.` };
  if (word === "program") {
    return { failure: `The program ${JSON.stringify(command.argv[0])} was not found, or cannot be run.` };
  }
  if (word !== undefined) return { pid: Number(word) };
  // The engine's own words, for example about a user that does not exist.
  return { failure: line.trim() || "The engine ended the connection without a word." };
}
