import type { ShortRun } from "./remote-machine.ts";
import type { Argv } from "./launcher.ts";

/**
 * Where a sandbox keeps its remaining time: the second, counted from the start of its machine, at which it ends, and the
 * id of its main process.
 */
const leaseFile = '"${TMPDIR:-/tmp}/.playpen-lease"';

/**
 * A sandbox's main process that is a dead man's switch, for a vendor whose sandboxes end with it. It waits until the
 * time in its file is over, which the host puts off again and again (`Lease`), and then ends. SIGUSR1 makes it read the
 * file again. Orphans are reaped by its `wait`.
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

/** The command of a main process that ends, and its sandbox with it, when it was not renewed for so many milliseconds. */
export function leaseCommand(leaseMs: number): Argv {
  return ["/bin/sh", "-c", mainScript, "playpen-lease", seconds(leaseMs)];
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

/** Has the sandbox end in so much time, counted from now; with `"least"` no sooner than it would have anyway. */
function renewCommand(mode: "least" | "exact", durationMs: number): Argv {
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
export function makeHomeFolderCommand(cwd: string | undefined, owner: string | undefined): Argv {
  return ["/bin/sh", "-c", prepareScript, "playpen-prepare", cwd ?? "", owner ?? ""];
}

/** Of the lease's time: two renewals may fail. */
const renewalsPerLease = 4;

/** Keeps a sandbox alive whose main process is `leaseCommand`, as long as this process lives and has not let go. */
export class Lease {
  readonly everyMs: number;
  readonly #durationMs: number;
  readonly #run: (argv: Argv) => Promise<ShortRun>;
  /** Each waits for the one before it: a renewal that is late must not undo the end given by `letGo`. */
  #requests: Promise<unknown> = Promise.resolve();
  #isLetGo = false;
  #timer: NodeJS.Timeout | undefined;

  /** `run` runs a short command in the sandbox. */
  constructor(durationMs: number, run: (argv: Argv) => Promise<ShortRun>) {
    this.#durationMs = durationMs;
    this.#run = run;
    this.everyMs = durationMs / renewalsPerLease;
  }

  /** Renews again and again, until `letGo` or `end`. */
  begin(): void {
    // A renewal that fails is made up for by the next.
    this.#timer = setInterval(() => void this.renew().catch(() => undefined), this.everyMs);
    // A host that has nothing else to do may end.
    this.#timer.unref();
  }

  /** Puts the sandbox's end off, never forward. */
  renew(): Promise<void> {
    return this.#request(async () => {
      if (!this.#isLetGo) await this.#run(renewCommand("least", this.#durationMs));
    });
  }

  /** Has the sandbox live on for so long without its host. Rejects, and goes on, where it does not take that. */
  async letGo(ttlMs: number): Promise<void> {
    this.#isLetGo = true;
    try {
      await this.#request(async () => {
        const { code, stderr } = await this.#run(renewCommand("exact", ttlMs));
        if (code !== 0) throw new Error(stderr.trim() || "The sandbox took no time to live.");
      });
    } catch (error) {
      this.#isLetGo = false;
      throw error;
    }
    clearInterval(this.#timer);
  }

  end(): void {
    this.#isLetGo = true;
    clearInterval(this.#timer);
  }

  async #request(run: () => Promise<void>): Promise<void> {
    const request = this.#requests.then(run);
    this.#requests = request.catch(() => undefined);
    return request;
  }
}
