import { type Argv, stage } from "./launcher.ts";

/** An argument may hold 128 KiB less one byte, and base64 takes four bytes for three. */
const pieceBytes = 96_000;

export interface FifoInputOptions {
  /** Runs a short command in the sandbox to its end; resolves to its exit code. */
  readonly run: (argv: Argv) => Promise<number>;
  /** The same with standard input, which then carries what an argument cannot hold. */
  readonly runWithInput?: ((argv: Argv, input: Uint8Array) => Promise<number>) | undefined;
  /** How much input one command may carry; default 96,000. */
  readonly chunkBytes?: number | undefined;
}

/** Where the launcher keeps what belongs to one process. No secret is in the name. */
export function processFolder(processId: string): string {
  return `/tmp/.playpen-${processId}`;
}

/**
 * A standard input for a vendor that has none: a FIFO which the program reads, and which one process holds open until
 * the input is closed. Every write is a further command.
 */
export function fifoStage(folder: string, inner: Argv): Argv {
  return stage("fifo", fifoScript, folder, ...inner);
}

// The folder keeps others out, since the program would inherit a mask for files. Twice forked, the holder is no child of
// the program. It is found by its mark when the program is killed, and survives the signals that ask the program to stop.
const fifoScript = `
playpen_folder=$1
shift
mkdir -p -m 700 -- "$playpen_folder" && mkfifo "$playpen_folder/in" "$playpen_folder/end" || { echo "playpen fifo"; exit 125; }
( (
  trap '' HUP INT QUIT TERM USR1 USR2
  exec 3> "$playpen_folder/in"
  read -r _ < "$playpen_folder/end"
) </dev/null >/dev/null 2>&1 & )
exec "$@" < "$playpen_folder/in"
`;

/** The exit code of a write that nobody will read. */
const brokenPipe = 32;

// Nobody reads when the program has ended or has put something else in the place of its standard input; opening the FIFO
// would wait for ever then.
const writeScript = `
[ -p "$1/in" ] || exit ${brokenPipe}
chunk=$1/chunk.$$
folder=$1 pid=$2
shift 2
if [ "$#" = 0 ]; then cat > "$chunk"; else printf %s "$@" | base64 -d > "$chunk"; fi || exit
( exec cat "$chunk" > "$folder/in" ) 2>/dev/null & writer=$!
{
  while sleep 1; do
    [ -d "/proc/$pid" ] || break
    link=$(readlink "/proc/$pid/fd/0") && [ "$link" != "$folder/in" ] && break
  done
  kill "$writer"
} </dev/null >/dev/null 2>&1 & watch=$!
wait "$writer"; status=$?
kill "$watch" 2>/dev/null
rm -f "$chunk"
[ "$status" = 0 ] || exit ${brokenPipe}
`;

// Opened for both, it never waits; the holder sees either the line or the end of the file.
const closeScript = `[ -p "$1/end" ] || exit 0; exec 3<> "$1/end"; echo >&3`;

const removeScript = `[ -p "$1/end" ] && { exec 3<> "$1/end"; echo >&3; }; rm -rf -- "$1"`;

/**
 * The writing side of a FIFO. Writes are made one after the other, `chunkBytes` with each command, and each resolves when
 * the program can read it.
 */
export function fifoInput(
  folder: string,
  pid: number,
  { run, runWithInput, chunkBytes = pieceBytes }: FifoInputOptions,
): WritableStream<Uint8Array> {
  const write = async (piece: Uint8Array): Promise<number> => {
    const parameters = [folder, String(pid)];
    return runWithInput === undefined || piece.length <= pieceBytes
      ? run(stage("write", writeScript, ...parameters, ...piecesOf(piece)))
      : runWithInput(stage("write", writeScript, ...parameters), piece);
  };
  return new WritableStream<Uint8Array>({
    async write(chunk) {
      for (let from = 0; from < chunk.length; from += chunkBytes) {
        const code = await write(chunk.subarray(from, from + chunkBytes));
        if (code !== 0) throw new Error("The process has ended, or closed its standard input.");
      }
    },
    async close() {
      await run(stage("close", closeScript, folder));
    },
    async abort() {
      await run(stage("close", closeScript, folder));
    },
  });
}

/** Takes away what `fifoStage` made. */
export function removeFolderCommand(folder: string): Argv {
  return stage("remove", removeScript, folder);
}

/** Each but the last holds a multiple of three bytes, so that their texts can be put together. */
function piecesOf(bytes: Uint8Array): readonly string[] {
  const texts: string[] = [];
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    texts.push(Buffer.from(bytes.subarray(from, from + pieceBytes)).toString("base64"));
  }
  return texts;
}
