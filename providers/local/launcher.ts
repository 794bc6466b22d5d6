import type { Environment } from "../../src/kit.ts";

/** A name that a shell takes as its own, so that it has to be in the environment from the beginning. */
const shellNames = new Set(["UID", "EUID", "PPID", "OPTIND"]);

const valuePrefix = "PLAYPEN_VALUE_";
const namesVariable = "PLAYPEN_NAMES";

/**
 * Hides the environment from programs that run outside the sandbox on the process's behalf: a variable such as
 * LD_PRELOAD may well name a file that an agent has written, and must take effect inside only. Values stay in the
 * environment, since everybody can read arguments.
 */
export function wrapEnvironment(env: Environment): Environment {
  const names: string[] = [];
  const wrapped: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(env)) {
    if (shellNames.has(name)) {
      wrapped[name] = value;
    } else {
      wrapped[`${valuePrefix}${names.length}`] = value;
      names.push(name);
    }
  }
  wrapped[namesVariable] = names.join(" ");
  return wrapped;
}

/** The launcher's one line on standard output, ahead of everything that the process writes there. */
export type LaunchReport = "started" | "no-folder" | "no-command";

/**
 * The first program of a process inside the sandbox: unwraps the environment, closes what the process must not
 * inherit, and tells a missing folder or command apart from a command that fails.
 */
export function launcherArgs(
  cwd: string,
  argv: readonly [string, ...string[]],
  inherited: number,
): readonly string[] {
  const closing = Array.from({ length: inherited }, (_, index) => `${index + 3}<&-`).join(" ");
  return ["/bin/sh", "-c", `exec ${closing}\n${script}`, "playpen-launcher", cwd, ...argv];
}

const script = `
playpen_index=0
for playpen_name in $${namesVariable}; do
  eval "export $playpen_name=\\"\\$${valuePrefix}$playpen_index\\""
  unset "${valuePrefix}$playpen_index"
  playpen_index=$((playpen_index + 1))
done
unset ${namesVariable}
cd "$1" 2>/dev/null || { echo no-folder; exit 127; }
export PWD
unset OLDPWD
shift
playpen_found=
case $1 in
  */*) [ -f "$1" ] && [ -x "$1" ] && playpen_found=1 ;;
  *)
    playpen_rest=$PATH:
    while [ -n "$playpen_rest" ] && [ -z "$playpen_found" ]; do
      playpen_file=\${playpen_rest%%:*}
      playpen_rest=\${playpen_rest#*:}
      playpen_file=\${playpen_file:-.}/$1
      [ -f "$playpen_file" ] && [ -x "$playpen_file" ] && playpen_found=1
    done
    ;;
esac
[ -n "$playpen_found" ] || { echo no-command; exit 127; }
echo started
exec "$@"
`;
