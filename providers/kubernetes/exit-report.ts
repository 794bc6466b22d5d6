import type { Argv } from "../../src/kit.ts";

const control = 0x16;

/**
 * Runs a program as its child and says on standard error how it ended. Without that word an exec does not end before
 * everybody has closed the program's outputs: container runtimes wait for children in the background, too.
 *
 * The program leads a group of its own (the launcher's `setsid`), so that no signal for it reaches this script; and what
 * a shell says of a killed child must not be in the program's standard error.
 */
export function exitReportStage(id: string, inner: Argv): Argv {
  return ["/bin/sh", "-c", script, "playpen-exit", id, ...inner];
}

const script = `
playpen_id=$1
shift
exec 3>&2 2>/dev/null
( exec "$@" 2>&3 3>&- )
playpen_code=$?
printf '\\026playpen-exit %s %d\\026\\n' "$playpen_id" "$playpen_code" >&3
exit "$playpen_code"
`;

/** Takes the report out of standard error, wherever its chunks are cut; everything else stays as it was. */
export class ExitReportFilter {
  readonly #begin: Buffer;
  /** What may be the beginning of the report. */
  #held: Buffer = Buffer.alloc(0);
  #code: number | undefined;

  constructor(id: string) {
    this.#begin = Buffer.from(`\u0016playpen-exit ${id} `);
  }

  /** The program's exit code, once the report has come. */
  get code(): number | undefined {
    return this.#code;
  }

  /** Returns what is left of a chunk, which may be nothing. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#code !== undefined || (this.#held.length === 0 && !chunk.includes(control))) return chunk;
    const bytes = Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    for (let from = bytes.indexOf(control); from !== -1; from = bytes.indexOf(control, from + 1)) {
      const length = this.#matched(bytes.subarray(from));
      if (length === undefined) {
        this.#held = bytes.subarray(from);
        return bytes.subarray(0, from);
      }
      if (length > 0) return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
    }
    return bytes;
  }

  /** What was held back, when the stream has ended. */
  end(): Uint8Array {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }

  /** How long the report is that stands here: 0 where there is none, `undefined` where more is needed to tell. */
  #matched(bytes: Buffer): number | undefined {
    const begin = bytes.subarray(0, this.#begin.length);
    if (!this.#begin.subarray(0, begin.length).equals(begin)) return 0;
    if (bytes.length < this.#begin.length) return undefined;
    const rest = bytes.toString("latin1", begin.length, begin.length + 6);
    const [report, code] = /^(\d{1,3})\u0016\n/.exec(rest) ?? [];
    if (report !== undefined) {
      this.#code = Number(code);
      return begin.length + report.length;
    }
    return /^\d{0,3}(\u0016)?$/.test(rest) ? undefined : 0;
  }
}
