import { groupStage } from "../../src/kit.ts";

type Argv = readonly [string, ...string[]];

/**
 * Has the exit code of a program told as soon as it has ended. envd tells the end of a process only when nobody holds
 * its pipes any more, which a child in the background may do for hours. A shell waits for the program and writes a note
 * to the standard error, from which `ExitNoteFilter` takes it out again.
 *
 * The shell is in a group of its own, so that what signals the processes of this mark does not signal envd's, and lets
 * the signals pass that ask the program to stop.
 */
export function notingExit(noteId: string, inner: Argv): Argv {
  return groupStage(["/bin/sh", "-c", script, "playpen-exit", noteId, ...inner]);
}

// A signal that is trapped, and not ignored, is back at its default in the program.
const script = `
playpen_note=$1
shift
trap : HUP INT QUIT TERM USR1 USR2
"$@"
set -- "$?"
printf '\\026playpen %s %s\\026\\n' "$playpen_note" "$1" >&2
exit "$1"
`;

/** Three digits, and what ends the note. */
const longestRest = 5;

/** Takes the note out of a standard error, wherever its chunks are cut; everything else stays as it was. */
export class ExitNoteFilter {
  readonly #onCode: (code: number) => void;
  readonly #mark: Buffer;
  #held: Buffer = Buffer.alloc(0);

  constructor(noteId: string, onCode: (code: number) => void) {
    this.#mark = Buffer.from(`\u0016playpen ${noteId} `);
    this.#onCode = onCode;
  }

  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#held.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    const at = bytes.indexOf(this.#mark);
    if (at === -1) return this.#hold(bytes, bytes.length - beginningAtEnd(bytes, this.#mark));
    const rest = bytes.toString("latin1", at + this.#mark.length, at + this.#mark.length + longestRest);
    const [whole, code] = /^(\d{1,3})\x16\n/.exec(rest) ?? [];
    if (whole === undefined) return /^\d{0,3}\x16?$/.test(rest) ? this.#hold(bytes, at) : bytes;
    this.#onCode(Number(code));
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + this.#mark.length + whole.length)]);
  }

  end(): Uint8Array {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }

  #hold(bytes: Buffer, from: number): Uint8Array {
    this.#held = bytes.subarray(from);
    return bytes.subarray(0, from);
  }
}

/** How many of the last bytes could be the beginning of a mark. */
function beginningAtEnd(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(mark.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) return length;
  }
  return 0;
}
