import { Base64Decoder, toBase64 } from "./base64.ts";
import { commandEvents, outcomeOf } from "./command-events.ts";
import { appendArgv, goneWord, guardedLine, prepareLine, readArgv, readyWord } from "./commands.ts";
import { type SandboxRecord, longestFilePart } from "./protocol.ts";
import { Refusal, refusalOf } from "./refusal.ts";
import { askRegistry, isRecord } from "./registry.ts";
import type { BridgeEnv, GetSandbox, RequestContext, SandboxHandle } from "./runtime.ts";
import type { CommandRequest, CreationRequest, ListRequest } from "./validation.ts";

export interface SandboxesInit {
  readonly getSandbox: GetSandbox;
  readonly env: BridgeEnv;
  readonly context: RequestContext;
}

const binary = { "content-type": "application/octet-stream" };

/** What the bridge does with sandboxes, for one request. */
export class Sandboxes {
  readonly #init: SandboxesInit;

  constructor(init: SandboxesInit) {
    this.#init = init;
  }

  async create(request: CreationRequest): Promise<SandboxRecord> {
    const { id, labels, cwd, user, lifeMs, hasFixedEnd } = request;
    const createdAt = Date.now();
    const expiresAt = createdAt + lifeMs;
    const record = { id, labels, cwd: "", createdAt, expiresAt, hasFixedEnd, state: "creating" as const };
    await this.#ask({ kind: "add", record });
    // Whoever asked may have gone away meanwhile; what was begun is to be finished or undone all the same.
    const made = this.#prepare(id, cwd, user).catch(async (error: unknown) => {
      await this.end(id).catch(() => undefined);
      throw error;
    });
    this.#init.context.waitUntil(made.catch(() => undefined));
    return made;
  }

  async find(id: string): Promise<SandboxRecord> {
    return recordOf(await this.#ask({ kind: "find", id }));
  }

  list(page: ListRequest): Promise<unknown> {
    return this.#ask({ kind: "list", ...page });
  }

  async expire(id: string, lifeMs: number, isRenewal: boolean): Promise<SandboxRecord> {
    return recordOf(await this.#ask({ kind: "expire", id, lifeMs, isRenewal }));
  }

  async end(id: string): Promise<void> {
    const ended = this.#ask({ kind: "end", id });
    this.#init.context.waitUntil(ended.catch(() => undefined));
    await ended;
  }

  /** A line of JSON for each event. */
  async run(id: string, request: CommandRequest): Promise<Response> {
    const secrets = Object.values(request.env);
    const events = commandEvents(await this.#start(id, request));
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const { value: event } = await events.next();
            if (event?.type === "error" && event.status === 404) this.#forget(id);
            if (event === undefined) controller.close();
            else controller.enqueue(encoder.encode(`${JSON.stringify(event)}\n`));
          } catch (error) {
            const { status, message } = refusalOf(error, "follow the command", secrets);
            controller.enqueue(encoder.encode(`${JSON.stringify({ type: "error", status, message })}\n`));
            controller.close();
          }
        },
        cancel: async () => {
          await events.return(undefined);
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
  }

  /** The bytes of a part of a file; fewer than asked for where it ends. */
  async read(id: string, path: string, offset: number, length: number): Promise<Response> {
    const events = commandEvents(await this.#start(id, commandOf(readArgv(path, offset, length))));
    const decoder = new Base64Decoder();
    let [isReady, stderr] = [false, ""];
    // The status has to be known before the first byte.
    let early = "";
    while (!isReady) {
      const { value: event } = await events.next();
      if (event?.type === "stdout") early += event.data;
      if (event?.type === "stderr") stderr += event.data;
      if (event?.type === "error") throw new Refusal(event.status, event.message);
      isReady = early.startsWith(`${readyWord}\n`);
      if (!isReady && (event === undefined || event.type === "exit")) throw unreadable(stderr);
    }
    const first = decoder.push(early.slice(readyWord.length + 1));
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          if (first.length > 0) controller.enqueue(first);
        },
        pull: async (controller) => {
          for (;;) {
            const { value: event } = await events.next();
            const bytes = event?.type === "stdout" ? decoder.push(event.data) : undefined;
            if (bytes !== undefined && bytes.length > 0) {
              controller.enqueue(bytes);
              return;
            }
            if (event?.type === "exit" && event.code === 0) {
              controller.close();
              return;
            }
            if (event === undefined || event.type === "exit" || event.type === "error") {
              controller.error(new Error("The file could not be read to its end."));
              return;
            }
          }
        },
        cancel: async () => {
          await events.return(undefined);
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { headers: binary });
  }

  /** Adds the body to the file, which begins with the offset 0. */
  async append(id: string, path: string, offset: number, request: Request): Promise<void> {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > longestFilePart)
      throw new Refusal(413, `A part has ${longestFilePart} bytes at most.`);
    await this.#usable(id);
    const part = `/tmp/.playpen-part-${crypto.randomUUID()}`;
    const handle = this.#handle(id);
    try {
      await handle.writeFile(part, toBase64(bytes), { encoding: "base64" });
      const line = guardedLine(id, appendArgv(part, path, offset));
      const { code, stdout, stderr } = await outcomeOf(await handle.execStream(line));
      if (stdout.startsWith(goneWord)) throw this.#gone(id);
      if (code !== 0) throw new Refusal(422, stderr.trim() || `Exit code ${code}.`);
    } catch (error) {
      throw refusalOf(error, "write a file");
    }
  }

  async expose(id: string, port: number): Promise<{ readonly url: string }> {
    await this.#usable(id);
    try {
      const { url } = await this.#handle(id).tunnels.get(port);
      return { url };
    } catch (error) {
      throw refusalOf(error, `make port ${port} reachable`);
    }
  }

  async #prepare(id: string, cwd: string, user: string): Promise<SandboxRecord> {
    let outcome;
    try {
      outcome = await outcomeOf(await this.#handle(id).execStream(prepareLine(id, cwd, user)));
    } catch (error) {
      throw refusalOf(error, "start the container");
    }
    const { code, stdout, stderr } = outcome;
    if (code !== 0) throw new Refusal(422, `The working directory cannot be made: ${stderr.trim()}`);
    // It is not there any more where it was destroyed meanwhile, and then it must not come back.
    return recordOf(await this.#ask({ kind: "ready", id, cwd: stdout.replace(/\n$/, "") }));
  }

  async #start(id: string, request: CommandRequest): Promise<ReadableStream<Uint8Array>> {
    await this.#usable(id);
    const { argv, cwd, env, timeoutMs } = request;
    try {
      return await this.#handle(id).execStream(guardedLine(id, argv), {
        env,
        ...(cwd === undefined ? {} : { cwd }),
        ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
      });
    } catch (error) {
      throw refusalOf(error, "run a command", Object.values(env));
    }
  }

  /** A handle alone would start a container for whatever id. */
  async #usable(id: string): Promise<void> {
    const { state } = await this.find(id);
    if (state !== "running") throw new Refusal(409, `The sandbox ${id} is not ready yet.`);
  }

  #gone(id: string): Refusal {
    this.#forget(id);
    return new Refusal(404, `The container of ${id} has ended.`);
  }

  /** What was started in its place is of no use to anybody. */
  #forget(id: string): void {
    this.#init.context.waitUntil(this.end(id).catch(() => undefined));
  }

  #handle(id: string): SandboxHandle {
    return handleOf(this.#init.getSandbox, this.#init.env.Sandbox, id);
  }

  #ask(call: Parameters<typeof askRegistry>[1]): Promise<unknown> {
    return askRegistry(this.#init.env.PlaypenRegistry, call);
  }
}

export function handleOf(getSandbox: GetSandbox, namespace: unknown, id: string): SandboxHandle {
  return getSandbox(namespace as never, id, { keepAlive: true, enableDefaultSession: false });
}

function commandOf(argv: readonly string[]): CommandRequest {
  return { argv, cwd: undefined, env: {}, timeoutMs: undefined };
}

function recordOf(value: unknown): SandboxRecord {
  if (isRecord(value)) return value;
  throw new Refusal(502, "The registry answered what nobody understands.");
}

function unreadable(stderr: string): Refusal {
  return new Refusal(422, stderr.trim() || "The file cannot be read.");
}
