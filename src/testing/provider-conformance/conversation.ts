import type { SandboxProcess } from "../../spec/sandbox.ts";
import type { Conversation } from "./requirement.ts";

type Within = <Value>(promise: Promise<Value>, what: string) => Promise<Value>;

export function converse(process: SandboxProcess, within: Within): Conversation {
  const reader = process.stdout.getReader();
  let writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  let buffered = Buffer.alloc(0);
  const readMore = async (what: string): Promise<boolean> => {
    const { done, value } = await within(reader.read(), what);
    if (!done) buffered = Buffer.concat([buffered, value]);
    return !done;
  };
  const input = (): WritableStreamDefaultWriter<Uint8Array> => (writer ??= process.stdin.getWriter());
  return {
    process,
    async line() {
      for (;;) {
        const end = buffered.indexOf("\n");
        if (end >= 0) {
          const line = buffered.subarray(0, end).toString();
          buffered = buffered.subarray(end + 1);
          return line;
        }
        if (!(await readMore("a line of standard output"))) {
          throw new Error(`Standard output ended where a line was expected, after ${quote(buffered)}.`);
        }
      }
    },
    async rest() {
      const chunks: Buffer[] = [buffered];
      buffered = Buffer.alloc(0);
      for (;;) {
        const { done, value } = await within(reader.read(), "the rest of standard output");
        if (done) return Buffer.concat(chunks);
        chunks.push(Buffer.from(value));
      }
    },
    async send(data) {
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
      await within(input().write(bytes), "a write to standard input");
    },
    async closeInput() {
      await within(input().close(), "the closing of standard input");
    },
  };
}

/** Reads a stream to its end. */
export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function quote(bytes: Buffer): string {
  return JSON.stringify(bytes.toString().slice(-200));
}
