/** Says that the container is not the one that the sandbox began with, whose files and processes are gone. */
export const goneWord = "playpen-gone";

/** Before the data, since a status cannot come after it. */
export const readyWord = "playpen-ready";

/** Made last when a sandbox is created; a container that was started anew has none. */
function markOf(id: string): string {
  return `/tmp/.playpen-sandbox-${id}`;
}

/** A line of shell that runs exactly this in the container that the sandbox began with, and in no other. */
export function guardedLine(id: string, argv: readonly string[]): string {
  return `[ -e ${markOf(id)} ] || { echo ${goneWord}; exit 125; }; exec ${argv.map(quoted).join(" ")}`;
}

/** Makes the working directory (empty: the usual one), says where it is, and marks the container. */
export function prepareLine(id: string, cwd: string, user: string): string {
  return `exec ${["/bin/sh", "-c", prepareScript, "playpen-prepare", cwd, user, markOf(id)].map(quoted).join(" ")}`;
}

const prepareScript = `
cwd=\${1:-\${HOME:-/root}/workspace}
[ -d "$cwd" ] || { mkdir -p -- "$cwd" && { [ -z "$2" ] || chown -- "$2" "$cwd"; }; } || exit
cd -- "$cwd" && : > "$3" && printf '%s\\n' "$cwd"
`;

/** Writes a part of a file as base64 to standard output. */
export function readArgv(path: string, offset: number, length: number): readonly string[] {
  return ["/bin/sh", "-c", readScript, "playpen-read", path, String(offset + 1), String(length)];
}

// A folder can be opened for reading, and fails only then.
const readScript = `
[ ! -d "$1" ] || { echo "It is a directory" >&2; exit 1; }
exec < "$1" || exit
echo ${readyWord}
tail -c "+$2" | head -c "$3" | base64
`;

/** Puts a part at the end of a file which is as long as it has to be, or begins the file. */
export function appendArgv(part: string, path: string, offset: number): readonly string[] {
  return ["/bin/sh", "-c", appendScript, "playpen-append", part, path, String(offset)];
}

const appendScript = `
umask 077
if [ "$3" = 0 ]; then
  mv -f -- "$1" "$2" && chmod 600 -- "$2" && exit 0
elif [ "$(wc -c < "$2")" -eq "$3" ]; then
  cat -- "$1" >> "$2" && rm -f -- "$1" && exit 0
else
  echo "The file is not as long as it was" >&2
fi
rm -f -- "$1"
exit 1
`;

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
