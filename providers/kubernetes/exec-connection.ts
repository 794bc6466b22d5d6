import { randomUUID } from "node:crypto";
import {
  type Argv,
  OutputChannel,
  type ProcessExit,
  type RemoteConnection,
  SandboxAgentError,
  arrayField,
  carriedLine,
  carrier,
  objectField,
  parseJson,
  retriedWhenRefused,
  stringField,
} from "../../src/kit.ts";
import { ApiRefusal, apiFailure, providerName, wordsOf } from "./api-errors.ts";
import type { Cluster } from "./cluster.ts";
import { closingProtocol, olderProtocol, openSocket } from "./exec-socket.ts";
import { ExitReportFilter, exitReportStage } from "./exit-report.ts";
import type { Socket } from "./load-client.ts";
import { containerName } from "./pod-manifest.ts";

/** What is read ahead of each stream's reader, before the connection is left alone and the process has to wait. */
const readAheadBytes = 256 * 1024;
/** What is kept of a standard error that nobody has begun to read, before it is given up. */
const unreadErrorBytes = 1024 * 1024;
/** As much as kubectl sends at once. */
const frameBytes = 32 * 1024;
/** Load balancers cut connections on which nothing moves, often after a minute. */
const pingEveryMs = 20_000;
/** Silence for so long, pings unanswered, is a connection that is gone. */
const silenceMs = 60_000;
/** The server closes the connection right after the status. */
const closeTimeoutMs = 1000;

const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

export interface ExecRequest {
  readonly argv: readonly [string, ...string[]];
  readonly stdin: boolean;
  readonly tty?: boolean;
  /** Whether its end is to be told though children hold its outputs; see `exitReportStage`. */
  readonly reportsExit?: boolean;
}

/**
 * Starts a command in a pod. The request is repeated where the API server has too many of them.
 *
 * @throws SandboxAgentError `provider_authentication_failed`, `provider_rate_limited`, `provider_unavailable`; whatever
 * else comes of it in the API server's words.
 */
export async function startExec(
  cluster: Cluster,
  pod: string,
  request: ExecRequest,
): Promise<ExecConnection> {
  return retriedWhenRefused(async () => {
    const connection = new ExecConnection(request);
    try {
      await connection.open(cluster, pod);
      return connection;
    } catch (error) {
      connection.disconnect();
      throw execFailure(error);
    }
  });
}

function execFailure(error: unknown): unknown {
  if (!(error instanceof ApiRefusal)) return error;
  if ([401, 403, 429].includes(error.code)) return apiFailure({ action: "start a process" }, error);
  return new Error(`The API server answered ${error.code}: ${wordsOf(error)}`, { cause: error });
}

/**
 * The WebSocket of one exec: all channels come multiplexed, the input goes the other way.
 *
 * Back-pressure: the socket is read until either output has 256 KiB waiting for its reader. Then it is left alone, the
 * buffers on the way fill, and the process waits in its next write. As long as nobody has begun to read the standard
 * error it is kept up to 1 MiB and then fails for its reader with `output_too_large`, while the standard output goes
 * on; never to read it is too common a mistake to stop the process for.
 */
export class ExecConnection implements RemoteConnection {
  readonly stdin?: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly #request: ExecRequest;
  readonly #filter: ExitReportFilter | undefined;
  readonly #reportId = randomUUID();
  readonly #out = new OutputChannel(() => {
    this.#regulate();
  });
  readonly #err = new OutputChannel(() => {
    this.#regulate();
  });
  #socket: Socket | undefined;
  #settle: (exit: ProcessExit | Error) => void = () => undefined;
  #failInput: (reason: Error) => void = () => undefined;
  #hasStatus = false;
  #hasExit = false;
  #isOver = false;
  #isPaused = false;
  #heardAt = performance.now();
  #pinger: NodeJS.Timeout | undefined;

  constructor(request: ExecRequest) {
    this.#request = request;
    this.#filter = request.reportsExit === true ? new ExitReportFilter(this.#reportId) : undefined;
    this.stdout = this.#out.stream;
    this.stderr = this.#err.stream;
    this.exited = new Promise((resolve, reject) => {
      this.#settle = (exit) => {
        this.#hasExit = true;
        this.#failInput(new Error("The process has ended."));
        if (exit instanceof Error) reject(exit);
        else resolve(exit);
      };
    });
    this.exited.catch(() => undefined);
    if (request.stdin) this.stdin = this.#input();
  }

  async open(cluster: Cluster, pod: string): Promise<void> {
    const { stdin, tty = false } = this.#request;
    const query = new URLSearchParams({
      container: containerName,
      stdin: "true",
      stdout: "true",
      // On a terminal both are one.
      stderr: String(!tty),
      tty: String(tty),
    });
    const { address, line } = this.#command(tty);
    for (const word of address) query.append("command", word);
    const path = `/api/v1/namespaces/${cluster.namespace}/pods/${pod}/exec`;
    const protocols = [closingProtocol, olderProtocol];
    this.#socket = await openSocket(cluster, path, query, protocols, {
      message: (channel, payload) => {
        this.#take(channel, payload);
      },
      closed: () => {
        this.#close();
      },
    });
    if (this.#socket.protocol !== closingProtocol) throw tooOld(this.#socket.protocol);
    this.#watch(this.#socket);
    this.#regulate();
    if (line !== undefined) await this.#send(channels.stdin, Buffer.from(line));
    if (!stdin) await this.#closeInput();
  }

  /**
   * What is in the address, and what comes as the first line of the input: addresses are logged, and cut off at a few
   * thousand bytes by what may stand in front of the API server. On a terminal the line would be shown.
   */
  #command(tty: boolean): { readonly address: Argv; readonly line: string | undefined } {
    const { argv } = this.#request;
    const whole = this.#filter === undefined ? argv : exitReportStage(this.#reportId, argv);
    return tty ? { address: whole, line: undefined } : { address: carrier, line: carriedLine(whole) };
  }

  async resize({ columns, rows }: { readonly columns: number; readonly rows: number }): Promise<void> {
    await this.#send(channels.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows })));
  }

  disconnect(): void {
    this.#close();
    this.#socket?.terminate();
  }

  #take(channel: number, payload: Buffer): void {
    this.#heardAt = performance.now();
    if (channel === channels.stdout) this.#out.push(payload);
    else if (channel === channels.stderr) this.#takeError(payload);
    else if (channel === channels.status) this.#takeStatus(payload);
    this.#regulate();
  }

  #takeError(payload: Buffer): void {
    const filter = this.#filter;
    const rest = filter?.push(payload) ?? payload;
    if (rest.length > 0) this.#err.push(rest);
    if (!this.#err.wasRead && this.#err.bufferedBytes > unreadErrorBytes)
      this.#err.fail(tooMuchUnread(this.#request));
    if (filter?.code !== undefined) this.#settle({ code: filter.code, signal: null });
  }

  #takeStatus(payload: Buffer): void {
    this.#hasStatus = true;
    const exit = exitOfStatus(payload.toString());
    if (!this.#hasExit) this.#settle(exit);
    const timer = setTimeout(() => {
      this.disconnect();
    }, closeTimeoutMs);
    timer.unref();
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#pinger);
    const rest = this.#filter?.end() ?? new Uint8Array();
    if (rest.length > 0) this.#err.push(rest);
    const broken = new Error("The connection to the pod broke off.");
    if (!this.#hasExit) this.#settle(broken);
    for (const output of [this.#out, this.#err]) {
      if (this.#hasStatus) output.end();
      else output.fail(broken);
    }
  }

  /** Lets the socket flow or wait, as the readers have room. */
  #regulate(): void {
    if (this.#isOver || this.#socket === undefined) return;
    const isFull =
      this.#out.bufferedBytes >= readAheadBytes ||
      (this.#err.wasRead && this.#err.bufferedBytes >= readAheadBytes);
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    this.#heardAt = performance.now();
    if (isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  /** A connection whose other end has gone without a word is found by its silence. */
  #watch(socket: Socket): void {
    socket.on("pong", () => {
      this.#heardAt = performance.now();
    });
    this.#pinger = setInterval(() => {
      // Nothing is heard while the readers keep the socket waiting.
      if (this.#isPaused) return;
      if (performance.now() - this.#heardAt > silenceMs) this.disconnect();
      else socket.ping();
    }, pingEveryMs);
    this.#pinger.unref();
  }

  #input(): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#failInput = (reason) => {
          controller.error(reason);
        };
      },
      write: async (chunk) => {
        for (let from = 0; from < chunk.length; from += frameBytes) {
          await this.#send(channels.stdin, chunk.subarray(from, from + frameBytes));
        }
      },
      close: () => this.#closeInput(),
      abort: () => this.#closeInput(),
    });
  }

  async #closeInput(): Promise<void> {
    if (this.#isOver) return;
    await this.#send(channels.close, Uint8Array.of(channels.stdin));
  }

  /** Resolves when the operating system has taken it. */
  async #send(channel: number, payload: Uint8Array): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || this.#isOver) throw new Error("The process has ended.");
    const frame = Buffer.allocUnsafe(payload.length + 1);
    frame.writeUInt8(channel);
    frame.set(payload, 1);
    return new Promise((resolve, reject) => {
      socket.send(frame, (error) => {
        // Answers to pings wait behind what the process does not take.
        this.#heardAt = performance.now();
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
  }
}

/** Reads the object `Status` that ends an exec. */
function exitOfStatus(text: string): ProcessExit | Error {
  const status = parseJson(text);
  if (stringField(status, "status") === "Success") return { code: 0, signal: null };
  for (const cause of arrayField(objectField(status, "details"), "causes")) {
    const code = Number(stringField(cause, "message"));
    if (stringField(cause, "reason") === "ExitCode" && Number.isInteger(code)) return { code, signal: null };
  }
  return new Error(stringField(status, "message") ?? "The API server gave no reason.");
}

function tooOld(protocol: string): SandboxAgentError<"provider_unavailable"> {
  return new SandboxAgentError(
    "provider_unavailable",
    `The API server speaks ${protocol || "no sub-protocol"}, by which standard input cannot be ended without losing the exit code.`,
    { details: { provider: providerName }, remedy: "Use a cluster of Kubernetes 1.30 or later." },
  );
}

function tooMuchUnread({ argv: [command] }: ExecRequest): SandboxAgentError<"output_too_large"> {
  return new SandboxAgentError(
    "output_too_large",
    `Nobody read the standard error of a process; what came after the first ${unreadErrorBytes} bytes was dropped.`,
    {
      details: { command, maxBytes: unreadErrorBytes },
      remedy: "Read `stderr`, or cancel it, while the process runs.",
    },
  );
}
