import { type FileChange, abortable, parseJson, stringField } from "../../src/kit.ts";
import { pathOf } from "./machine.ts";
import { type Service, failureOf } from "./service.ts";
import { openSocket, watchSocket } from "./sockets.ts";

const changes: { readonly [event: string]: FileChange["type"] | undefined } = {
  create: "created",
  write: "changed",
  chmod: "changed",
  remove: "removed",
  rename: "removed",
};

/** Tells of changes below a folder until the signal is aborted or the loop is left. */
export async function* watchFiles(
  service: Service,
  id: string,
  folder: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FileChange> {
  signal?.throwIfAborted();
  const action = { action: `watch ${folder} in a sprite`, id };
  const socket = await openSocket(service, `${pathOf(id)}/fs/watch`, new URLSearchParams(), action);
  const queue: FileChange[] = [];
  let ending: { readonly failure: Error } | undefined;
  let wake = (): void => undefined;
  const end = (why: string): void => {
    ending ??= { failure: new Error(why) };
    wake();
  };
  const over = (): typeof ending => ending;
  socket.once("close", (code) => {
    end(`The connection ended (${code}).`);
  });
  socket.on("message", (data) => {
    const event = parseJson(Buffer.isBuffer(data) ? data.toString() : "");
    const path = stringField(event, "path");
    const type = changes[stringField(event, "event") ?? ""];
    if (stringField(event, "type") === "error") {
      end(stringField(event, "message") ?? "The service cannot watch it.");
    } else if (path !== undefined && type !== undefined) {
      queue.push({ type, path });
      wake();
    }
  });
  watchSocket(socket);
  socket.resume();
  socket.send(JSON.stringify({ type: "subscribe", paths: [folder], recursive: true, workingDir: "/" }));
  try {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) {
        yield next;
        continue;
      }
      const ended = over();
      if (ended !== undefined) throw failureOf(ended.failure, action);
      const news = new Promise<void>((resolve) => {
        wake = resolve;
      });
      try {
        await abortable(news, signal);
      } catch {
        return;
      }
    }
  } finally {
    socket.terminate();
  }
}
