import { randomUUID } from "node:crypto";
import type { Command, ProcessExit, SandboxProcess } from "../../spec/sandbox.ts";
import { deferred } from "../deferred.ts";
import type { SpawnFunction } from "../run-to-end.ts";
import { undoneWhenAborted } from "../undone-when-aborted.ts";
import { type Argv, stage } from "./launcher.ts";
import type { RemoteMachine, ShortRun, ShortRuns } from "./remote-machine.ts";
import { shortCommand } from "./run-short.ts";

/**
 * Programs that take all of their input before they are started, and give all of their output when they have ended, as
 * operations on files do: by short commands, of which a small one takes a single one. Nothing of them can be heard, or
 * stopped, on the way. `hold` keeps the sandbox alive meanwhile.
 */
export function spawnByRuns(machine: RemoteMachine, runs: ShortRuns, hold: () => () => void): SpawnFunction {
  return async (command, { signal } = {}) => {
    const program = new ShortProgram(machine, runs, command);
    const release = hold();
    if (command.stdin === "ignore") {
      try {
        const ended = await undoneWhenAborted(program.run(), signal, ({ more }) => more.cancel());
        return processOf(Promise.resolve(ended), new WritableStream(), release);
      } catch (error) {
        release();
        throw error;
      }
    }
    const ending = deferred<Ended>();
    const stdin = new WritableStream<Uint8Array>({
      async write(chunk) {
        try {
          await program.take(chunk);
        } catch (error) {
          void program.forget();
          ending.reject(error);
          throw error;
        }
      },
      async close() {
        await program.run().then(ending.resolve, ending.reject);
      },
      async abort(reason) {
        await program.forget();
        ending.reject(reason);
      },
    });
    return processOf(ending.promise, stdin, release);
  };
}

interface Ended {
  readonly code: number;
  readonly stderr: string;
  readonly first: Uint8Array;
  readonly more: MoreOutput;
}

/** The shell commands run as the sandbox's user; what is kept in between is that user's alone. */
class ShortProgram {
  readonly #machine: RemoteMachine;
  readonly #runs: ShortRuns;
  readonly #command: Command;
  readonly #path = `/tmp/.playpen-${randomUUID()}`;
  /** What has not been sent yet. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #hasSent = false;

  constructor(machine: RemoteMachine, runs: ShortRuns, command: Command) {
    this.#machine = machine;
    this.#runs = runs;
    this.#command = command;
  }

  /** Keeps a part of the input, in the sandbox where it gets long. */
  async take(chunk: Uint8Array): Promise<void> {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    while (this.#heldBytes > this.#runs.maxInputBytes) await this.#send();
  }

  /** Takes away what may be kept of it. */
  async forget(): Promise<void> {
    await this.#run(["rm", "-f", "--", this.#path, this.#inputPath]).catch(() => undefined);
  }

  async run(): Promise<Ended> {
    try {
      return await this.#ended();
    } catch (error) {
      // Behind the failure, which may be that the vendor is out of reach.
      void this.forget();
      throw error;
    }
  }

  async #ended(): Promise<Ended> {
    const { maxAnswerBytes } = this.#runs;
    const source = this.#hasSent ? this.#inputPath : this.#heldBytes === 0 ? "/dev/null" : "";
    const argv = stage("run", runScript, this.#path, String(maxAnswerBytes), source, ...this.#command.argv);
    const { code, stdout, stderr } = await (source === "/dev/null" ? this.#run(argv) : this.#feed(argv));
    const [size = "", text = ""] = stdout.split("\n");
    const total = /^\d+$/.test(size) ? Number(size) : 0;
    const first = Buffer.from(text, "base64");
    const more = new MoreOutput({
      path: this.#path,
      run: (inner) => this.#run(inner),
      from: first.length,
      total,
      isKept: total > maxAnswerBytes,
      most: () => this.#runs.maxAnswerBytes,
    });
    // What an answer did not hold of what it should have held is gone.
    if (first.length < total && total <= maxAnswerBytes) throw new Error("The answer was cut short.");
    return { code, stderr, first, more };
  }

  get #inputPath(): string {
    return `${this.#path}-in`;
  }

  async #send(): Promise<void> {
    this.#hasSent = true;
    const { maxInputBytes } = this.#runs;
    const bytes = Buffer.concat(this.#held, this.#heldBytes);
    const rest = bytes.subarray(maxInputBytes);
    [this.#held, this.#heldBytes] = [[rest], rest.length];
    const argv = stage("keep", keepScript, this.#inputPath);
    const { code, stderr } = await this.#withInput(argv, bytes.subarray(0, maxInputBytes));
    if (code !== 0) throw new Error(stderr.trim() || "The input could not be kept in the sandbox.");
  }

  #feed(argv: Argv): Promise<ShortRun> {
    return this.#withInput(argv, Buffer.concat(this.#held, this.#heldBytes));
  }

  #withInput(argv: Argv, input: Uint8Array): Promise<ShortRun> {
    return this.#runs.withInput(shortCommand(this.#machine, argv, this.#facts), input);
  }

  #run(argv: Argv): Promise<ShortRun> {
    return this.#runs.run(shortCommand(this.#machine, argv, this.#facts));
  }

  get #facts(): { readonly user: string | undefined; readonly env: RemoteMachine["env"] } {
    const { env, user } = this.#machine;
    return { user, env: { ...env, ...this.#command.env } };
  }
}

const keepScript = `umask 077; cat >> "$1"`;

// The answer is text, and so the output comes as base64. Arguments: where the output is kept, how much of it is told at
// once, and where the beginning of the input is, if it is in a file.
const runScript = `
playpen_output=$1 playpen_most=$2 playpen_input=$3
shift 3
(umask 077; : > "$playpen_output") || exit
umask 022
case $playpen_input in
'') "$@" > "$playpen_output" ;;
/dev/null) "$@" < /dev/null > "$playpen_output" ;;
*) (umask 077; cat >> "$playpen_input") && "$@" < "$playpen_input" > "$playpen_output" ;;
esac
playpen_code=$?
[ -f "$playpen_input" ] && rm -f "$playpen_input"
size=$(($(wc -c < "$playpen_output")))
echo "$size"
[ "$size" = 0 ] || head -c "$playpen_most" "$playpen_output" | base64 | tr -d '\\n'
echo
[ "$size" -gt "$playpen_most" ] || rm -f "$playpen_output"
exit "$playpen_code"
`;

const moreScript = `tail -c "+$(($2 + 1))" "$1" | head -c "$3" | base64 | tr -d '\\n'; echo`;

interface MoreOutputInit {
  readonly path: string;
  readonly run: (argv: Argv) => Promise<ShortRun>;
  readonly from: number;
  readonly total: number;
  /** Whether the sandbox still has it. */
  readonly isKept: boolean;
  readonly most: () => number;
}

/** What the first answer did not bring of the output. */
class MoreOutput {
  readonly #init: MoreOutputInit;
  #offset: number;
  #isKept: boolean;

  constructor(init: MoreOutputInit) {
    this.#init = init;
    this.#offset = init.from;
    this.#isKept = init.isKept;
  }

  /** `undefined` at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const { path, run, total, most } = this.#init;
    if (this.#offset >= total) {
      await this.cancel();
      return undefined;
    }
    const numbers = [this.#offset, Math.min(most(), total - this.#offset)].map(String);
    const { stdout, stderr } = await run(stage("more", moreScript, path, ...numbers));
    const bytes = Buffer.from(stdout, "base64");
    if (bytes.length === 0) throw new Error(`The output is gone: ${stderr.trim()}`);
    this.#offset += bytes.length;
    return bytes;
  }

  async cancel(): Promise<void> {
    if (!this.#isKept) return;
    this.#isKept = false;
    await this.#init.run(["rm", "-f", "--", this.#init.path]).catch(() => undefined);
  }
}

function processOf(
  ending: Promise<Ended>,
  stdin: WritableStream<Uint8Array>,
  release: () => void,
): SandboxProcess {
  const exited = ending.then(({ code }): ProcessExit => ({ code, signal: null }));
  exited.catch(release);
  return {
    stdin,
    stdout: outputOf(ending, release),
    stderr: errorsOf(ending),
    exited,
    kill: () => Promise.resolve(),
  };
}

function outputOf(ending: Promise<Ended>, release: () => void): ReadableStream<Uint8Array> {
  let hasBegun = false;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { first, more } = await ending;
          const bytes = hasBegun || first.length === 0 ? await more.next() : first;
          hasBegun = true;
          if (bytes !== undefined) {
            controller.enqueue(bytes);
            return;
          }
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        release();
      },
      async cancel() {
        release();
        await (await ending).more.cancel();
      },
    },
    { highWaterMark: 0 },
  );
}

function errorsOf(ending: Promise<Ended>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { stderr } = await ending;
        if (stderr !== "") controller.enqueue(new TextEncoder().encode(stderr));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
