import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import type { Layout } from "./layout.ts";
import { readProcess } from "./process-table.ts";

/** Second marker of every process in a sandbox, beside that of the process tree. */
export const sandboxMarkerName = "PLAYPEN_SANDBOX";

/** Folders of programs which the library itself runs on the host: none that an agent could ever write to. */
export const systemFolders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/run/current-system/sw/bin"];

/**
 * One shell per sandbox outlives the host's death. The host holds its standard input open; when that ends without a
 * word, by whatever death, everything that carries the sandbox's marker is killed and the private folder removed. With
 * `detach SECONDS` it waits that long first; a later deadline arrives by file and SIGUSR1.
 *
 * (A signal that comes before its trap is set is made good by the look at the file; one that comes between the start of
 * `sleep` and the wait for it ends that very `sleep`.)
 *
 * It is also the parent of the process that holds the sandbox's namespaces, which dies with it: a sandbox never
 * outlives its watcher.
 */
const script = `
marker=${sandboxMarkerName}=$1
folder=$2
shift 2
trap '' HUP INT QUIT TERM USR1
anchor=
if [ $# -gt 0 ]; then
  ${sandboxMarkerName}=\${marker#*=} "$@" &
  anchor=$!
fi
exec >/dev/null 2>&1 3>&-
read -r word seconds || word=
if [ "$word" = detach ]; then
  deadline=$(($(date +%s) + seconds))
  : &
  wait "$!"
  trap 'read -r deadline < "$folder/deadline"; kill "$!"' USR1
  [ -f "$folder/deadline" ] && read -r deadline < "$folder/deadline"
  while now=$(date +%s); [ "$now" -lt "$deadline" ]; do
    sleep $((deadline - now)) &
    wait "$!"
  done
  trap '' USR1
fi
[ -n "$anchor" ] && kill -s KILL "$anchor"
rounds=300
while [ "$rounds" -gt 0 ]; do
  rounds=$((rounds - 1))
  seen=" "
  for file in $(grep -lsF -- "$marker" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    pid=\${pid%/environ}
    { read -r stat < "/proc/$pid/stat"; } 2>/dev/null || continue
    set -- \${stat##*) }
    target=$pid
    [ "$3" -gt 1 ] && [ "$3" -ne "$$" ] && target=-$3
    case $seen in *" $target "*) continue ;; esac
    seen="$seen$target "
    kill -s KILL -- "$target"
  done
  [ "$seen" = " " ] && break
done
rm -rf -- "$folder" || { chmod -R u+rwX -- "$folder"; rm -rf -- "$folder"; }
`;

/** The process table's name of a watcher, by which another host process finds it again. */
export interface WatcherIdentity {
  readonly pid: number;
  readonly startTime: string;
}

export function isWatcherAlive(identity: WatcherIdentity): boolean {
  const entry = readProcess(identity.pid);
  return entry !== undefined && !entry.ended && entry.startTime === identity.startTime;
}

/** A sandbox's watcher, as the host process that started it sees it. */
export class Watcher {
  readonly identity: WatcherIdentity;
  readonly #child: ChildProcess;
  readonly #stdin: Socket;

  constructor(child: ChildProcess, stdin: Socket, identity: WatcherIdentity) {
    this.#child = child;
    this.#stdin = stdin;
    this.identity = identity;
  }

  /** Standard output, error and descriptor 3 of the anchor; they end when it has ended. */
  static async start(
    layout: Layout,
    anchor: readonly string[],
  ): Promise<{ watcher: Watcher; stdout: Socket; stderr: Socket; status: Socket }> {
    const child = spawn("/bin/sh", ["-c", script, "playpen-watcher", layout.id, layout.folder, ...anchor], {
      cwd: "/",
      env: { PATH: systemFolders.join(":") },
      // Its own session: a Ctrl-C in the host's terminal must not reach it.
      detached: true,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
    });
    await once(child, "spawn");
    const [stdin, stdout, stderr, status] = child.stdio.map(asSocket);
    if (!stdin || !stdout || !stderr || !status) throw new Error("The watcher was started without pipes.");
    stdin.on("error", () => undefined);
    const { pid } = child;
    const entry = pid === undefined ? undefined : readProcess(pid);
    if (entry === undefined) throw new Error("The watcher of the sandbox ended at once.");
    return {
      watcher: new Watcher(child, stdin, { pid: entry.pid, startTime: entry.startTime }),
      stdout,
      stderr,
      status,
    };
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** From now on it does not keep the host's event loop running. */
  unref(): void {
    this.#child.unref();
    this.#stdin.unref();
  }

  /** Tells it to go on without the host for so long, and lets go of it. */
  async detach(ttlMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#stdin.end(`detach ${Math.ceil(ttlMs / 1000)}\n`, (error?: Error | null) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Ends it, and with it the process that holds the namespaces, without any clean-up of its own. */
  async kill(): Promise<void> {
    if (!this.alive) return;
    const exited = once(this.#child, "exit");
    this.#child.ref();
    try {
      process.kill(-this.identity.pid, "SIGKILL");
    } catch {
      this.#child.kill("SIGKILL");
    }
    await exited;
    this.#stdin.destroy();
  }
}

/** What Node declares as a stream of one direction is a socket for each pipe to a child. */
function asSocket(stream: unknown): Socket | undefined {
  return stream instanceof Socket ? stream : undefined;
}
