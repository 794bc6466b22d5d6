import { randomUUID } from "node:crypto";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as delay } from "node:timers/promises";
import { booleanField, isJsonObject, objectField, stringField } from "../../../src/kit/json.ts";
import { HttpError } from "../kit/http-server.ts";
import type { MachineProcess, StandInMachine } from "../kit/machines.ts";

interface LogLine {
  readonly stream: "stdout" | "stderr";
  readonly data: string;
}

/** How long output is waited for that a process may have left in its pipes. */
const drainMs = 100;

/** A command of a session. What it says is text to the service; bytes that are none are lost. */
export class VercelProcess {
  readonly id = `cmd_${randomUUID()}`;
  readonly process: MachineProcess;
  /** Resolves when all was said. */
  readonly finished: Promise<void>;
  readonly #facts: object;
  readonly #startedAt = Date.now();
  readonly #listeners = new Set<(line: LogLine) => void>();
  #movedAt = performance.now();
  #exitCode: number | null = null;

  private constructor(process: MachineProcess, facts: object) {
    this.process = process;
    this.#facts = facts;
    const streams = [this.#follow("stdout", process.stdout), this.#follow("stderr", process.stderr)];
    this.finished = process.exited.then(async ({ code, signal }) => {
      this.#movedAt = performance.now();
      const ended = Promise.all(streams).then(() => true);
      while (!(await Promise.race([ended, delay(10, false)]))) {
        if (performance.now() - this.#movedAt >= drainMs) break;
      }
      this.#exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    });
  }

  static async start(machine: StandInMachine, sessionId: string, body: unknown): Promise<VercelProcess> {
    const name = stringField(body, "command");
    const args: unknown = isJsonObject(body) ? body["args"] : undefined;
    if (name === undefined || name === "") throw new HttpError(400, "command is required");
    const words = Array.isArray(args) ? args.map(String) : [];
    const given = objectField(body, "env");
    const env = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, String(value)]));
    // As the vendor has configured `sudo`: all variables stay, but for this one.
    const ofRoot = booleanField(body, "sudo") === true ? { HOME: "/root" } : {};
    const cwd = stringField(body, "cwd") ?? machine.folder;
    const process = await machine.spawn({ argv: [name, ...words], env: { ...env, ...ofRoot }, cwd });
    return new VercelProcess(process, { name, args: words, cwd, sessionId });
  }

  describe(): object {
    return { id: this.id, ...this.#facts, exitCode: this.#exitCode, startedAt: this.#startedAt };
  }

  /** Calls back with what is said from now on. */
  listen(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #follow(stream: LogLine["stream"], source: Readable): Promise<void> {
    const decoder = new StringDecoder("utf8");
    const say = (data: string): void => {
      if (data === "") return;
      this.#movedAt = performance.now();
      const line = { stream, data };
      for (const listener of this.#listeners) listener(line);
    };
    source.on("data", (chunk: Buffer) => {
      say(decoder.write(chunk));
    });
    return new Promise((resolve) => {
      source.once("close", () => {
        say(decoder.end());
        resolve();
      });
    });
  }
}
