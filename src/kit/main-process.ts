/** Where a detached container keeps its remaining time; on the memory file system that the engine mounts. */
const lifetimeFile = "/dev/shm/.playpen-lifetime";

/** What the main process says on its standard output, a line each. */
export const mainWords = { ready: "ready", failed: "failed", detached: "detached" } as const;

/**
 * The container's main process: a dead man's switch. It makes the working directory, says that it is ready, and waits
 * for a line on its standard input, which the engine closes when the host process dies, however it dies. At the end of
 * input the script ends, and the container with all its processes. A line with a number of seconds lets go of the
 * host: the container goes on for so long.
 *
 * From then on the number stands in a file together with a token; SIGUSR1 makes the script read it again, so that
 * another host process can give the sandbox more or less time. Without a place for the file the time is fixed.
 *
 * Only the line's last digits count: Podman hands on the request to attach, in JSON, in front of what is written.
 *
 * Arguments: working directory; its owner, should it have to be made (empty: root).
 */
const mainScript = `
if [ ! -d "$1" ]; then
  mkdir -p -- "$1" && { [ -z "$2" ] || chown -- "$2" "$1"; } || { echo ${mainWords.failed}; exit 1; }
fi
echo ${mainWords.ready}
read -r seconds || exit 0
seconds=\${seconds##*[!0-9]}
trap 'kill "$!"' USR1
umask 077
rm -f ${lifetimeFile}
echo "$seconds first $$" > ${lifetimeFile} || { echo ${mainWords.detached}; exec sleep "$seconds"; }
echo ${mainWords.detached}
exec <&- >&- 2>&-
last=
while read -r seconds token rest < ${lifetimeFile} && [ "$token" != "$last" ]; do
  last=$token
  sleep "$seconds" &
  wait "$!"
done
`;

const mainEntrypoint: readonly string[] = ["/bin/sh", "-c", mainScript, "playpen-main"];

/** The container's command line: `Entrypoint` and `Cmd`. */
export function mainCommand(
  cwd: string,
  owner: string,
): { readonly entrypoint: string[]; readonly cmd: string[] } {
  return { entrypoint: [...mainEntrypoint], cmd: [cwd, owner] };
}

/** The exit code that says that the sandbox's creator still holds it. */
export const stillHeldCode = 3;

const renewScript = `
read -r seconds token pid < ${lifetimeFile} || exit ${stillHeldCode}
umask 077
echo "$1 $2 $pid" > ${lifetimeFile}.new && mv -f ${lifetimeFile}.new ${lifetimeFile} && kill -s USR1 "$pid"
`;

/** Gives a detached container another span of time, counted from now. `token` is a word never used before. */
export function renewCommand(seconds: number, token: string): readonly [string, ...string[]] {
  return ["/bin/sh", "-c", renewScript, "playpen-renew", String(seconds), token];
}

const makeFolderScript = `[ -d "$1" ] || { mkdir -p -- "$1" && { [ -z "$2" ] || chown -- "$2" "$1"; }; }`;

/**
 * The command that makes a folder, and those above it, where it is missing. A new one is given to `owner`, a user name
 * or `uid:gid`; with an empty one it belongs to whoever runs the command.
 */
export function makeFolderCommand(cwd: string, owner: string): readonly [string, ...string[]] {
  return ["/bin/sh", "-c", makeFolderScript, "playpen-folder", cwd, owner];
}
