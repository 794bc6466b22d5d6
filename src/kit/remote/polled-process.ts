import { setTimeout as delay } from "node:timers/promises";
import type { ProcessExit } from "../../spec/sandbox.ts";
import { deferred } from "../deferred.ts";
import { OutputChannel } from "../output-channel.ts";
import { retriedWhenRefused } from "../retried-when-refused.ts";
import { processFolder, removeFolderCommand } from "./fifo-input.ts";
import { type NewsRequest, newsCommand, startCommand } from "./polled-scripts.ts";
import type { RemoteCommand, RemoteConnection, ShortRun } from "./remote-machine.ts";

/** What the vendor of a polled process gives, and where its output is kept. */
export interface PolledProcessOptions {
  /** Runs a command to its end, with a small output. */
  readonly run: (command: RemoteCommand) => Promise<ShortRun>;
  /**
   * Runs a command and hands its standard output over as it comes, for a vendor that streams: one command then brings many
   * pieces of news. Resolves to the whole as `run` does; the output need not be in it. A start that was certainly refused
   * (see `refusedSafely`) is tried again, and a failed question anyway: it should not do so by itself.
   */
  readonly follow?: (command: RemoteCommand, onText: (text: string) => void) => Promise<ShortRun>;
  /** Names the folder inside the sandbox where the process's output is kept; a word never used before. */
  readonly processId: string;
  /** Most bytes of output that one answer may bring, for both streams together; default 262,144. */
  readonly maxAnswerBytes?: number;
  /** How long one command may wait for news inside the sandbox, in milliseconds; default 5,000. */
  readonly waitMs?: number;
}

/**
 * Derives a running process from commands that run to their end: it is started in the background with its output going
 * to files, which are asked for piece by piece. The command that starts it brings the first news too, so that a short
 * process takes one command. Back-pressure: what nobody reads stays in the sandbox's file system.
 *
 * Does not wait until the process runs: that it could not be started is told by its streams and its end.
 *
 * The program's SIGINT and SIGQUIT are ignored, as those of any shell's background process, where the sandbox's `env`
 * does not know `--default-signal`.
 */
export function startPolledProcess(
  command: RemoteCommand,
  options: PolledProcessOptions,
): Promise<RemoteConnection> {
  return Promise.resolve(new PolledConnection(command, options));
}

const readAheadBytes = 256 * 1024;
const tickMs = 50;
/** A process begins to speak, and a short one ends, soon after it was started. */
const shortPausesAtStart = 10;
/** How many further looks the first answer is held up for, so that a short process is told by it as a whole. */
const looksForEnd = 2;
/** As many as there is to tell, where each is heard of at once. */
const allRounds = 1_000_000;
/** A vendor's call may fail once; the process goes on meanwhile. */
const attempts = 3;
const retryMs = 500;

/** Of one round. */
interface News {
  readonly state: string;
  /** Whether nothing of the output is left. */
  readonly isAll: boolean;
}

class PolledConnection implements RemoteConnection {
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exited: Promise<ProcessExit>;
  readonly #folder: string;
  readonly #options: PolledProcessOptions;
  readonly #ending = deferred<ProcessExit>();
  readonly #out = new OutputChannel(() => {
    this.#resume();
  });
  readonly #err = new OutputChannel(() => {
    this.#resume();
  });
  #outOffset = 0;
  #errOffset = 0;
  #wasHeard = false;
  /** How often in a row it was asked while a stream had no room for more. */
  #waitsForRoom = 0;
  #isDisconnected = false;
  #resume: () => void = () => undefined;

  constructor(command: RemoteCommand, options: PolledProcessOptions) {
    this.#folder = processFolder(options.processId);
    this.#options = options;
    this.stdout = this.#out.stream;
    this.stderr = this.#err.stream;
    this.exited = this.#ending.promise;
    void this.#follow(command);
  }

  disconnect(): void {
    if (this.#isDisconnected) return;
    this.#isDisconnected = true;
    this.#resume();
  }

  async #follow(command: RemoteCommand): Promise<void> {
    try {
      let isOver = await this.#start(command);
      while (!this.#isDisconnected && !isOver) isOver = await this.#poll();
      this.#out.end();
      this.#err.end();
    } catch (error) {
      this.#ending.reject(error);
      this.#out.fail(error);
      this.#err.fail(error);
      // What was never heard of is not known to have begun.
      if (!this.#wasHeard) return;
    }
    await this.#remove().catch(() => undefined);
  }

  async #remove(): Promise<void> {
    await this.#options.run({ argv: removeFolderCommand(this.#folder), env: {}, stdin: false });
  }

  /** Whether the process has ended and all of its output was taken, as with `#poll`. */
  async #start(command: RemoteCommand): Promise<boolean> {
    const request = {
      ...this.#request(true, true),
      shortPauses: shortPausesAtStart,
      ...(this.#options.follow === undefined ? { furtherRounds: looksForEnd } : {}),
    };
    const first = startCommand(this.#folder, command, request);
    // It must not be started twice; but once it was heard of it can be asked for the rest.
    const start = async (): Promise<News | undefined> => {
      try {
        return await this.#news(first);
      } catch (error) {
        if (!this.#wasHeard) throw error;
        return undefined;
      }
    };
    const news = await (this.#options.follow === undefined ? start() : retriedWhenRefused(start));
    return news !== undefined && this.#isOver(news);
  }

  /** Whether the process has ended and all of its output was taken. */
  async #poll(): Promise<boolean> {
    const hasRoom = (channel: OutputChannel): boolean => channel.bufferedBytes < readAheadBytes;
    const [out, err] = [hasRoom(this.#out), hasRoom(this.#err)];
    this.#waitsForRoom = out && err ? 0 : this.#waitsForRoom + 1;
    const last = await this.#patiently(() => this.#news(newsCommand(this.#folder, this.#request(out, err))));
    const isOver = this.#isOver(last);
    if (last.state !== "running" && (!out || !err)) await this.#roomAgain();
    return isOver;
  }

  #isOver({ state, isAll }: News): boolean {
    if (state === "running") return false;
    this.#ending.resolve({ code: Number(state), signal: null });
    return isAll;
  }

  #request(wantsOut: boolean, wantsErr: boolean): NewsRequest {
    const { maxAnswerBytes = 262_144, waitMs = 5000, follow } = this.#options;
    // The command is not told when a reader makes room: it waits about as long as that has taken so far.
    const mostMs = wantsOut && wantsErr ? waitMs : Math.min(waitMs, tickMs * 2 ** this.#waitsForRoom);
    return {
      from: { out: this.#outOffset, err: this.#errOffset },
      most: { out: wantsOut ? maxAnswerBytes : 0, err: wantsErr ? maxAnswerBytes : 0 },
      mostBytes: maxAnswerBytes,
      ticks: Math.ceil(mostMs / tickMs),
      furtherRounds: follow === undefined ? 0 : allRounds,
      shortPauses: 0,
    };
  }

  /** Takes what one command says, as it comes; resolves to the last of it. */
  async #news(command: RemoteCommand): Promise<News> {
    const { run, follow } = this.#options;
    let text = "";
    let last: News | undefined;
    const take = (piece: string): void => {
      const lines = (text + piece).split("\n");
      text = lines.splice(lines.length - (lines.length % 3 || 3)).join("\n");
      for (let at = 0; at < lines.length; at += 3) {
        const [head = "", outText = "", errText = ""] = lines.slice(at, at + 3);
        this.#outOffset += this.#take(this.#out, outText);
        this.#errOffset += this.#take(this.#err, errText);
        const [state = "", left] = head.split(" ");
        last = { state, isAll: left === "0" };
        this.#wasHeard = true;
      }
    };
    const { code, stdout, stderr } = await (follow === undefined ? run(command) : follow(command, take));
    if (follow === undefined) take(stdout);
    if (code !== 0 || last === undefined) {
      const failure = this.#wasHeard
        ? "The process cannot be followed any more"
        : "The process could not be put into the background";
      throw new Error(`${failure}: ${stderr.trim()}`);
    }
    return last;
  }

  #take(channel: OutputChannel, text: string): number {
    const bytes = Buffer.from(text, "base64");
    if (bytes.length > 0) channel.push(bytes);
    return bytes.length;
  }

  /** The process has ended, so that nothing is to be heard of until a reader has made room. */
  #roomAgain(): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        const hasRoom = [this.#out, this.#err].every(({ bufferedBytes }) => bufferedBytes < readAheadBytes);
        if (hasRoom || this.#isDisconnected) resolve();
      };
      this.#resume = check;
      check();
    });
  }

  async #patiently(attempt: () => Promise<News>): Promise<News> {
    for (let count = 1; ; count++) {
      try {
        return await attempt();
      } catch (error) {
        if (count === attempts) throw error;
        await delay(retryMs);
      }
    }
  }
}
