import {
  type Argv,
  type Environment,
  LineDecoder,
  type ShortRun,
  SandboxAgentError,
  isJsonObject,
  numberField,
  objectField,
  parseJson,
  stringField,
} from "../../src/kit.ts";
import { type Service, failureOf } from "./service.ts";

export interface VercelCommand {
  readonly argv: Argv;
  readonly env?: Environment;
  /** Whether root runs it. */
  readonly sudo?: boolean;
  /** Takes what it says on standard output as it comes, which is then not in the result. */
  readonly onText?: (text: string) => void;
}

/** More than any command of the library's own brings at once. */
const longestLineBytes = 64 * 1024 * 1024;

/**
 * Runs a command to its end. The service streams what it says, a JSON value a line, the first and the last of which is about
 * the command itself. A command may be silent for as long as it wants; whether it still runs is asked then.
 */
export async function runCommand(
  service: Service,
  sandbox: { readonly id: string; readonly sessionId: string },
  { argv: [command, ...args], env = {}, sudo = false, onText }: VercelCommand,
): Promise<ShortRun> {
  const action = { action: "run a command", id: sandbox.id };
  const path = `/v2/sandboxes/sessions/${encodeURIComponent(sandbox.sessionId)}/cmd`;
  const { HOME: home, ...others } = env;
  // `sudo` keeps all variables but this one.
  const words =
    home === undefined || !sudo ? [command, ...args] : ["/usr/bin/env", `HOME=${home}`, command, ...args];
  const body = {
    command: words[0],
    args: words.slice(1),
    cwd: "/",
    env: sudo ? others : env,
    sudo,
    wait: true,
    logs: true,
  };
  const watch = new SilenceWatch(service.requestTimeoutMs);
  try {
    const response = await service.request("POST", path, { body, signal: watch.signal });
    const reading = new CommandReading((id) => {
      watch.ask = async (signal) => {
        const answer = await service.request("GET", `${path}/${encodeURIComponent(id)}`, { signal });
        return numberField(objectField(await answer.json(), "command"), "exitCode") === undefined;
      };
    }, onText);
    if (response.body === null) throw new Error("The answer has no body.");
    for await (const chunk of response.body) {
      watch.heard();
      reading.push(chunk as Uint8Array);
    }
    return reading.result();
  } catch (error) {
    if (SandboxAgentError.is(error)) throw error;
    throw failureOf(watch.failure ?? error, action);
  } finally {
    watch.end();
  }
}

/** Puts the lines together. */
class CommandReading {
  readonly #decoder = new LineDecoder({ maxLineBytes: longestLineBytes });
  readonly #onStart: (commandId: string) => void;
  readonly #onText: (text: string) => void;
  #stdout = "";
  #stderr = "";
  #code: number | undefined;

  constructor(onStart: (commandId: string) => void, onText?: (text: string) => void) {
    this.#onStart = onStart;
    this.#onText =
      onText ??
      ((text) => {
        this.#stdout += text;
      });
  }

  push(chunk: Uint8Array): void {
    for (const line of this.#decoder.push(chunk)) if (typeof line === "string") this.#take(line);
  }

  result(): ShortRun {
    for (const line of this.#decoder.end()) if (typeof line === "string") this.#take(line);
    if (this.#code === undefined) throw new Error("The answer ended before the command.");
    return { code: this.#code, stdout: this.#stdout, stderr: this.#stderr };
  }

  #take(line: string): void {
    const value = parseJson(line);
    if (!isJsonObject(value)) throw new Error("The service said what is no JSON.");
    if ("command" in value) {
      const command = objectField(value, "command");
      const id = stringField(command, "id");
      this.#code = numberField(command, "exitCode");
      if (id !== undefined && this.#code === undefined) this.#onStart(id);
      return;
    }
    const stream = stringField(value, "stream");
    const data = stringField(value, "data") ?? "";
    if (stream === "stdout") this.#onText(data);
    else if (stream === "stderr") this.#stderr += data;
    else if (stream === "error") {
      throw new Error(stringField(objectField(value, "data"), "message") ?? "The stream broke off.");
    }
  }
}

/** Gives up on a stream that says nothing and of which nobody can tell whether it will. */
class SilenceWatch {
  /** Whether the command runs, once its id is known. */
  ask: ((signal: AbortSignal) => Promise<boolean>) | undefined;
  failure: Error | undefined;
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #timeoutMs: number;
  /** Whether the command had ended when it was asked for the last time. */
  #hadEnded = false;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#timer = setInterval(() => void this.#check(), timeoutMs);
    this.#timer.unref();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  heard(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async #check(): Promise<void> {
    try {
      const runs = (await this.ask?.(AbortSignal.timeout(this.#timeoutMs))) ?? false;
      // What has just ended is still to be told.
      if (runs || (this.ask !== undefined && !this.#hadEnded)) {
        this.#hadEnded = !runs;
        return;
      }
      this.failure = new Error("It did not answer in time.");
    } catch (error) {
      this.failure = error instanceof Error ? error : new Error(String(error));
    }
    this.#abort.abort();
  }
}
