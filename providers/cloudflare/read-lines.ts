/** The lines of an answer as they come. Rejects when it has said nothing for too long. */
export async function* readLines(answer: Response, silentMs: number): AsyncGenerator<string> {
  if (answer.body === null) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await within(reader.read(), silentMs);
      text += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = text.split("\n");
      text = done ? "" : (lines.pop() ?? "");
      for (const line of lines) if (line !== "") yield line;
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function within<Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`nothing came for ${timeoutMs} ms.`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
