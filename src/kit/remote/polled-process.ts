import { setTimeout as delay } from "node:timers/promises";
import type { ProcessExit } from "../../spec/sandbox.ts";
import { deferred } from "../deferred.ts";
import { OutputChannel } from "../output-channel.ts";
import { processFolder, removeFolderCommand } from "./fifo-input.ts";
import { type Argv, groupStage, stage } from "./launcher.ts";
import type { RemoteCommand, RemoteConnection, ShortRun } from "./remote-machine.ts";

export interface PolledProcessOptions {
  /** Runs a command to its end, with a small output. */
  readonly run: (command: RemoteCommand) => Promise<ShortRun>;
  /**
   * Runs a command and hands its standard output over as it comes, for a vendor that streams: one command then brings many
   * pieces of news. Resolves to the whole as `run` does; the output need not be in it.
   */
  readonly follow?: (command: RemoteCommand, onText: (text: string) => void) => Promise<ShortRun>;
  /** Names the folder inside the sandbox where the process's output is kept; a word never used before. */
  readonly processId: string;
  /** Most bytes of output that one answer may bring, for both streams together; default 262,144. */
  readonly maxAnswerBytes?: number;
  /** How long one command may wait for news inside the sandbox, in milliseconds; default 5,000. */
  readonly waitMs?: number;
}

/**
 * Derives a running process from commands that run to their end: it is started in the background with its output going
 * to files, which are asked for piece by piece. Back-pressure: what nobody reads stays in the sandbox's file system.
 *
 * The program's SIGINT and SIGQUIT are ignored, as those of any shell's background process, where the sandbox's `env`
 * does not know `--default-signal`.
 */
export async function startPolledProcess(
  command: RemoteCommand,
  options: PolledProcessOptions,
): Promise<RemoteConnection> {
  const folder = processFolder(options.processId);
  // The supervisor carries the process's mark, and so must not be in the vendor's own process group.
  const argv = groupStage(stage("start", startScript, folder, ...command.argv));
  const started = await options.run({ ...command, argv });
  if (started.code !== 0) {
    throw new Error(`The process could not be put into the background: ${started.stderr.trim()}`);
  }
  return new PolledConnection(folder, options);
}

// The supervisor survives the signals that ask the program to stop, and tells its exit code.
const startScript = `
folder=$1
shift
umask 077
mkdir -p "$folder" && : > "$folder/out" && : > "$folder/err" || exit
[ -p "$folder/lock" ] || mkfifo "$folder/lock" || exit
( exec /bin/sh -c '
  echo "$$" > "$1/supervisor"
  echo > "$1/lock"
  trap : HUP TERM USR1 USR2
  folder=$1
  shift
  reset=
  env --default-signal=INT,QUIT true 2>/dev/null && reset="env --default-signal=INT,QUIT"
  $reset "$@" > "$folder/out" 2> "$folder/err"
  echo "$?" > "$folder/exit.new"
  mv "$folder/exit.new" "$folder/exit"
' playpen-supervisor "$folder" "$@" </dev/null >/dev/null 2>&1 & )
read -r _ < "$folder/lock"
`;

// The exit code is looked for first: what was written before it is in the files then. Each round of three lines is news,
// and the last is the only one unless `follow` is said.
const pollScript = `
cd "$1" || exit
fromOut=$2 fromErr=$3 mostOut=$4 ticks=$5 mostErr=$6 follow=$7 most=$8
while :; do
  state=running
  if [ -e exit ]; then read -r state < exit
  elif read -r supervisor < supervisor && ! kill -0 "$supervisor" 2>/dev/null; then state=137; [ -e exit ] && read -r state < exit
  fi
  out=$(($(wc -c < out) - fromOut))
  err=$(($(wc -c < err) - fromErr))
  news=
  [ "$state" != running ] && news=yes
  [ "$mostOut" -gt 0 ] && [ "$out" -gt 0 ] && news=yes
  [ "$mostErr" -gt 0 ] && [ "$err" -gt 0 ] && news=yes
  if [ -z "$news" ] && [ "$ticks" -gt 0 ]; then
    ticks=$((ticks - 1))
    sleep 0.05 2>/dev/null || sleep 1
    continue
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
  echo "$state $left"
  if [ "$out" -gt 0 ]; then tail -c "+$((fromOut + 1))" out | head -c "$out" | base64 | tr -d '\\n'; fi
  echo
  if [ "$err" -gt 0 ]; then tail -c "+$((fromErr + 1))" err | head -c "$err" | base64 | tr -d '\\n'; fi
  echo
  [ "$follow" = follow ] && [ -n "$news" ] && [ "$state" = running ] || break
  fromOut=$((fromOut + out)) fromErr=$((fromErr + err)) most=$((most - out - err))
  [ "$most" -gt 1 ] || break
  sleep 0.05 2>/dev/null || sleep 1
done
`;

const readAheadBytes = 256 * 1024;
const tickMs = 50;
/** A vendor's call may fail once; the process goes on meanwhile. */
const attempts = 3;
const retryMs = 500;

/** Of one round. */
interface News {
  readonly state: string;
  /** Whether nothing of the output is left. */
  readonly isAll: boolean;
}

class PolledConnection implements RemoteConnection {
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly #folder: string;
  readonly #options: PolledProcessOptions;
  readonly #ending = deferred<ProcessExit>();
  readonly #out = new OutputChannel(() => {
    this.#resume();
  });
  readonly #err = new OutputChannel(() => {
    this.#resume();
  });
  #outOffset = 0;
  #errOffset = 0;
  #isDisconnected = false;
  #resume: () => void = () => undefined;

  constructor(folder: string, options: PolledProcessOptions) {
    this.#folder = folder;
    this.#options = options;
    this.stdout = this.#out.stream;
    this.stderr = this.#err.stream;
    this.exited = this.#ending.promise;
    void this.#follow();
  }

  disconnect(): void {
    if (this.#isDisconnected) return;
    this.#isDisconnected = true;
    this.#resume();
  }

  async #follow(): Promise<void> {
    try {
      while (!this.#isDisconnected && !(await this.#poll()));
      this.#out.end();
      this.#err.end();
    } catch (error) {
      this.#ending.reject(error);
      this.#out.fail(error);
      this.#err.fail(error);
    }
    await this.#run(removeFolderCommand(this.#folder)).catch(() => undefined);
  }

  /** Whether the process has ended and all of its output was taken. */
  async #poll(): Promise<boolean> {
    const most = this.#options.maxAnswerBytes ?? 262_144;
    const wanted = (channel: OutputChannel): number => (channel.bufferedBytes < readAheadBytes ? most : 0);
    const [out, err] = [wanted(this.#out), wanted(this.#err)];
    const last = await this.#patiently(() => this.#news(out, err, most));
    if (last.state === "running") return false;
    this.#ending.resolve({ code: Number(last.state), signal: null });
    if (out === 0 || err === 0) await this.#roomAgain();
    return last.isAll;
  }

  /** Takes what one command says, as it comes; resolves to the last of it. */
  async #news(out: number, err: number, most: number): Promise<News> {
    const { run, follow } = this.#options;
    const ticks = Math.ceil((this.#options.waitMs ?? 5000) / tickMs);
    const numbers = [this.#outOffset, this.#errOffset, out, ticks, err].map(String);
    const how = follow === undefined ? "once" : "follow";
    const argv = stage("poll", pollScript, this.#folder, ...numbers, how, String(most));
    const command = { argv, env: {}, stdin: false };
    let text = "";
    let last: News | undefined;
    const take = (piece: string): void => {
      const lines = (text + piece).split("\n");
      text = lines.splice(lines.length - (lines.length % 3 || 3)).join("\n");
      for (let at = 0; at < lines.length; at += 3) {
        const [head = "", outText = "", errText = ""] = lines.slice(at, at + 3);
        this.#outOffset += this.#take(this.#out, outText);
        this.#errOffset += this.#take(this.#err, errText);
        const [state = "", left] = head.split(" ");
        last = { state, isAll: left === "0" };
      }
    };
    const { code, stdout, stderr } = await (follow === undefined ? run(command) : follow(command, take));
    if (follow === undefined) take(stdout);
    if (code !== 0 || last === undefined) {
      throw new Error(`The process cannot be followed any more: ${stderr.trim()}`);
    }
    return last;
  }

  #take(channel: OutputChannel, text: string): number {
    const bytes = Buffer.from(text, "base64");
    if (bytes.length > 0) channel.push(bytes);
    return bytes.length;
  }

  /** The process has ended, so that nothing is to be heard of until a reader has made room. */
  #roomAgain(): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        const hasRoom = [this.#out, this.#err].every(({ bufferedBytes }) => bufferedBytes < readAheadBytes);
        if (hasRoom || this.#isDisconnected) resolve();
      };
      this.#resume = check;
      check();
    });
  }

  async #patiently(attempt: () => Promise<News>): Promise<News> {
    for (let count = 1; ; count++) {
      try {
        return await attempt();
      } catch (error) {
        if (count === attempts) throw error;
        await delay(retryMs);
      }
    }
  }

  async #run(argv: Argv): Promise<ShortRun> {
    return this.#options.run({ argv, env: {}, stdin: false });
  }
}
