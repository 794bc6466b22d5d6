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

// The exit code is looked for first: what was written before it is in the files then.
const pollScript = `
cd "$1" || exit
ticks=$5
while :; do
  state=running
  if [ -e exit ]; then read -r state < exit
  elif read -r supervisor < supervisor && ! kill -0 "$supervisor" 2>/dev/null; then state=137; [ -e exit ] && read -r state < exit
  fi
  out=$(($(wc -c < out) - $2))
  err=$(($(wc -c < err) - $3))
  [ "$state" != running ] && break
  [ "$4" -gt 0 ] && [ "$out" -gt 0 ] && break
  [ "$6" -gt 0 ] && [ "$err" -gt 0 ] && break
  [ "$ticks" -gt 0 ] || break
  ticks=$((ticks - 1))
  sleep 0.05 2>/dev/null || sleep 1
done
[ "$out" -gt "$4" ] && out=$4
[ "$err" -gt "$6" ] && err=$6
echo "$state $out $err"
if [ "$out" -gt 0 ]; then tail -c "+$(($2 + 1))" out | head -c "$out" | base64 | tr -d '\\n'; fi
echo
if [ "$err" -gt 0 ]; then tail -c "+$(($3 + 1))" err | head -c "$err" | base64 | tr -d '\\n'; fi
echo
`;

const readAheadBytes = 256 * 1024;
const tickMs = 50;
/** A vendor's call may fail once; the process goes on meanwhile. */
const attempts = 3;
const retryMs = 500;

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
    const most = Math.floor((this.#options.maxAnswerBytes ?? 262_144) / 2);
    const wanted = (channel: OutputChannel): number => (channel.bufferedBytes < readAheadBytes ? most : 0);
    const [out, err] = [wanted(this.#out), wanted(this.#err)];
    const ticks = Math.ceil((this.#options.waitMs ?? 5000) / tickMs);
    const numbers = [this.#outOffset, this.#errOffset, out, ticks, err].map(String);
    const { code, stdout, stderr } = await this.#patiently(
      stage("poll", pollScript, this.#folder, ...numbers),
    );
    if (code !== 0) throw new Error(`The process cannot be followed any more: ${stderr.trim()}`);
    const [head = "", outText = "", errText = ""] = stdout.split("\n");
    const [state = ""] = head.split(" ");
    this.#outOffset += this.#take(this.#out, outText);
    this.#errOffset += this.#take(this.#err, errText);
    if (state === "running") return false;
    this.#ending.resolve({ code: Number(state), signal: null });
    if (out === 0 || err === 0) await this.#roomAgain();
    const isDrained = (text: string, asked: number): boolean => asked > 0 && text === "";
    return isDrained(outText, out) && isDrained(errText, err);
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

  async #patiently(argv: Argv): Promise<ShortRun> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#run(argv);
      } catch (error) {
        if (attempt === attempts) throw error;
        await delay(retryMs);
      }
    }
  }

  #run(argv: Argv): Promise<ShortRun> {
    return this.#options.run({ argv, env: {}, stdin: false });
  }
}
