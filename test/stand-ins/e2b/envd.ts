import { createReadStream, createWriteStream } from "node:fs";
import { chown, mkdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { arrayField, booleanField, isJsonObject, numberField, objectField, stringField } from "playpen/kit";
import { HttpError, type StandInRequest } from "../kit/http-server.ts";
import {
  type MachineProcess,
  type MachineTerminal,
  type StandInMachine,
  accountOf,
} from "../kit/machines.ts";
import { ConnectFailure, MessageStream, messageOf } from "./connect-protocol.ts";
import { watchTree } from "./watch-tree.ts";

const chunkBytes = 32 * 1024;

/** The daemon that runs in every sandbox, for one machine. */
export class Envd {
  readonly #machine: StandInMachine;
  readonly #processes = new Map<number, MachineProcess | MachineTerminal>();
  readonly #streams = new Set<MessageStream>();

  constructor(machine: StandInMachine) {
    this.#machine = machine;
  }

  /** Cuts whoever listens, as happens when a sandbox ends or is paused. */
  cut(): void {
    for (const stream of this.#streams) stream.cut();
  }

  async answer(request: StandInRequest): Promise<unknown> {
    const { method, path } = request;
    try {
      switch (`${method} ${path}`) {
        case "GET /health":
          return {};
        case "GET /files":
          await this.#read(request);
          return undefined;
        case "POST /files":
          return await this.#write(request);
        case "POST /process.Process/Start":
          await this.#start(request);
          return undefined;
        case "POST /process.Process/SendInput":
          return await this.#sendInput(await request.json());
        case "POST /process.Process/CloseStdin":
          this.#processOf(await request.json()).stdin?.end();
          return {};
        case "POST /process.Process/SendSignal":
          return this.#sendSignal(await request.json());
        case "POST /process.Process/Update":
          return await this.#resize(await request.json());
        case "POST /filesystem.Filesystem/WatchDir":
          await this.#watch(request);
          return undefined;
        default:
          throw new HttpError(404, `There is no ${method} ${path}.`);
      }
    } catch (error) {
      if (error instanceof ConnectFailure) return error.answer();
      throw error;
    }
  }

  async #start(request: StandInRequest): Promise<void> {
    const message = messageOf(await request.body());
    const config = objectField(message, "process");
    const args = arrayField(config, "args").map(String);
    const hasTerminal = isJsonObject(message) && "pty" in message;
    const size = objectField(objectField(message, "pty"), "size");
    const stream = new MessageStream(request.response);
    this.#streams.add(stream);
    stream.onClose(() => this.#streams.delete(stream));
    let process: MachineProcess;
    try {
      const user = userOf(request);
      const command = {
        // The real one sets the score for the killer of processes here, too.
        argv: ["/bin/sh", "-c", 'exec "$@"', "--", stringField(config, "cmd") ?? "", ...args] as const,
        cwd: stringField(config, "cwd") ?? this.#machine.folder,
        env: textsOf(objectField(config, "envs")),
        stdin: booleanField(message, "stdin") === false ? ("ignore" as const) : ("pipe" as const),
        ...(user === undefined ? {} : { user }),
        ownSession: hasTerminal,
      };
      process = hasTerminal
        ? await this.#machine.terminal({
            ...command,
            columns: numberField(size, "cols") ?? 80,
            rows: numberField(size, "rows") ?? 24,
          })
        : await this.#machine.spawn(command);
    } catch (error) {
      stream.end(
        error instanceof ConnectFailure ? error : new ConnectFailure("invalid_argument", String(error)),
      );
      return;
    }
    this.#processes.set(process.pid, process);
    const limitMs = Number(request.headers["connect-timeout-ms"] ?? 0);
    const limit = limitMs > 0 ? setTimeout(() => process.signal("SIGKILL"), limitMs) : undefined;
    const pingSeconds = Number(request.headers["keepalive-ping-interval"] ?? 90);
    const ping = setInterval(() => void stream.send({ event: { keepalive: {} } }), pingSeconds * 1000);
    await stream.send({ event: { start: { pid: process.pid } } });
    const outputs = hasTerminal
      ? [forward(process.stdout, "pty", stream)]
      : [forward(process.stdout, "stdout", stream), forward(process.stderr, "stderr", stream)];
    // The end is told when nobody holds the pipes any more.
    const [exit] = await Promise.all([process.exited, ...outputs]);
    clearTimeout(limit);
    clearInterval(ping);
    this.#processes.delete(process.pid);
    const status = exit.signal === null ? `exit status ${exit.code ?? 0}` : `signal: ${wordsOf(exit.signal)}`;
    const end = { exitCode: exit.code ?? -1, exited: exit.signal === null, status };
    await stream.send({ event: { end } });
    stream.end();
  }

  async #sendInput(message: unknown): Promise<unknown> {
    const { stdin } = this.#processOf(message);
    const input = objectField(message, "input");
    const bytes = Buffer.from(stringField(input, "stdin") ?? stringField(input, "pty") ?? "", "base64");
    if (stdin === undefined || stdin.destroyed || stdin.writableEnded) {
      throw new ConnectFailure("internal", "stdin not enabled or closed");
    }
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => {
        reject(new ConnectFailure("internal", "error writing to stdin of process"));
      };
      stdin.once("close", fail);
      stdin.write(bytes, (error) => {
        stdin.off("close", fail);
        if (error) fail();
        else resolve();
      });
    });
    return {};
  }

  #sendSignal(message: unknown): unknown {
    const signal = stringField(message, "signal");
    this.#processOf(message).signal(signal === "SIGNAL_SIGTERM" ? "SIGTERM" : "SIGKILL");
    return {};
  }

  async #resize(message: unknown): Promise<unknown> {
    const process = this.#processOf(message);
    const size = objectField(objectField(message, "pty"), "size");
    if (!("resize" in process)) throw new ConnectFailure("internal", "tty not assigned to process");
    await process.resize({
      columns: numberField(size, "cols") ?? 0,
      rows: numberField(size, "rows") ?? 0,
    });
    return {};
  }

  #processOf(message: unknown): MachineProcess | MachineTerminal {
    const pid = numberField(objectField(message, "process"), "pid") ?? 0;
    const process = this.#processes.get(pid);
    if (process === undefined) throw new ConnectFailure("not_found", `process with pid ${pid} not found`);
    return process;
  }

  async #watch(request: StandInRequest): Promise<void> {
    const message = messageOf(await request.body());
    const folder = stringField(message, "path") ?? "/";
    const stream = new MessageStream(request.response);
    this.#streams.add(stream);
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory() !== true) {
      stream.end(new ConnectFailure("not_found", `path ${folder} not found`));
      return;
    }
    const stop = await watchTree(folder, booleanField(message, "recursive") === true, (event) => {
      void stream.send({ filesystem: event });
    });
    stream.onClose(() => {
      this.#streams.delete(stream);
      stop();
    });
    await stream.send({ start: {} });
  }

  async #read({ query, response }: StandInRequest): Promise<void> {
    const path = query.get("path") ?? "";
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) throw new HttpError(404, `path '${path}' does not exist`);
    if (found.isDirectory()) throw new HttpError(400, `path '${path}' is a directory`);
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": found.size });
    await pipeline(createReadStream(path), response).catch(() => undefined);
  }

  async #write(request: StandInRequest): Promise<unknown> {
    const path = request.query.get("path") ?? "";
    if (request.headers["content-type"] !== "application/octet-stream") {
      throw new HttpError(400, "The stand-in takes octet streams only.");
    }
    try {
      await mkdir(dirname(path), { recursive: true });
      await pipeline(request.raw, createWriteStream(path, { mode: 0o666 }));
    } catch (error) {
      throw new HttpError(500, String(error));
    }
    const account = accountOf(request.query.get("username") ?? "");
    if (account !== undefined) await chown(path, account.uid, account.gid);
    return [{ name: basename(path), type: "file", path }];
  }
}

/** `undefined`: the template's user, or root, which are both this process's. */
function userOf({ headers }: StandInRequest): string | undefined {
  const encoded = /^Basic (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
  const [name = ""] = Buffer.from(encoded, "base64").toString().split(":");
  if (name === "" || name === "user" || name === "root") return undefined;
  if (accountOf(name) !== undefined) return name;
  throw new ConnectFailure("unauthenticated", `invalid username: '${name}'`);
}

async function forward(source: Readable, name: string, stream: MessageStream): Promise<void> {
  try {
    for await (const chunk of source) {
      const bytes = Buffer.from(chunk as Uint8Array);
      for (let from = 0; from < bytes.length; from += chunkBytes) {
        const text = bytes.subarray(from, from + chunkBytes).toString("base64");
        await stream.send({ event: { data: { [name]: text } } });
      }
    }
  } catch {
    // The process was ended with its machine.
  }
}

function textsOf(value: object): { readonly [name: string]: string } {
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}

function wordsOf(signal: NodeJS.Signals): string {
  const words: { readonly [name: string]: string } = {
    SIGKILL: "killed",
    SIGTERM: "terminated",
    SIGINT: "interrupt",
    SIGHUP: "hangup",
    SIGQUIT: "quit",
  };
  return words[signal] ?? signal;
}
