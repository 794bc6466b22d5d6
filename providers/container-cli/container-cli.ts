import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { SandboxAgentError } from "../../src/kit.ts";

/** A program that has run to its end. */
export interface CliAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface PipedChild {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** The command-line program of an engine. Each call is a process of this machine. */
export class ContainerCli {
  readonly program: string;
  readonly #provider: string;
  readonly #installation: string;
  readonly #timeoutMs: number;

  /** `installation` says how to get the program. */
  constructor(options: {
    readonly program: string;
    readonly provider: string;
    readonly installation: string;
    readonly timeoutMs: number;
  }) {
    this.program = options.program;
    this.#provider = options.provider;
    this.#installation = options.installation;
    this.#timeoutMs = options.timeoutMs;
  }

  /** Starts the program; its input, and both of its outputs, are pipes. */
  start(args: readonly string[]): PipedChild {
    // In a group of its own, lest the terminal's Ctrl+C ends what the library wants to end in order.
    const child = spawn(this.program, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
    const { stdin, stdout, stderr } = child;
    // A broken pipe shows in the stream that wraps it, and whatever else fails, such as a signal, in the program's end.
    for (const emitter of [child, stdin, stdout, stderr]) emitter.on("error", () => undefined);
    return { child, stdin, stdout, stderr };
  }

  /**
   * Runs the program to its end, whatever that is.
   *
   * @throws SandboxAgentError `provider_unavailable` when it is not there, or does not end.
   */
  async run(args: readonly string[], options: { readonly timeoutMs?: number } = {}): Promise<CliAnswer> {
    const { timeoutMs = this.#timeoutMs } = options;
    return new Promise((resolve, reject) => {
      const { child, stdin, stdout, stderr } = this.start(args);
      const output = { stdout: "", stderr: "" };
      stdin.end();
      stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
      stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        reject(this.#unavailable(`\`${this.#shown(args)}\` did not end within ${String(timeoutMs)} ms`));
      }, timeoutMs);
      child.once("error", (cause) => {
        clearTimeout(timer);
        reject(this.#unavailable(`${this.program} could not be run: ${cause.message}`, cause));
      });
      child.once("close", (code) => {
        clearTimeout(timer);
        resolve({ code: code ?? 255, ...output });
      });
    });
  }

  /** Like `run`, and fails unless it ends with 0. Resolves to its standard output. */
  async ask(args: readonly string[], options: { readonly timeoutMs?: number } = {}): Promise<string> {
    const answer = await this.run(args, options);
    if (answer.code === 0) return answer.stdout;
    throw new CliRefusal(this.#shown(args), answer);
  }

  #shown([command = ""]: readonly string[]): string {
    return `${this.program} ${command}`;
  }

  #unavailable(why: string, cause?: unknown): SandboxAgentError<"provider_unavailable"> {
    return new SandboxAgentError("provider_unavailable", `${this.#provider} cannot be used: ${why}.`, {
      details: { provider: this.#provider },
      cause,
      remedy: this.#installation,
    });
  }
}

/** The program ended with another code than 0; the message is in its own words. */
export class CliRefusal extends Error {
  readonly words: string;

  constructor(command: string, { code, stderr }: CliAnswer) {
    const words =
      stderr
        .trim()
        .split("\n")
        .at(-1)
        ?.replace(/^Error: /, "") ?? "";
    super(`\`${command}\` ended with ${String(code)}: ${words}`);
    this.words = words;
  }

  /** Whether what it was about is not there. */
  get isNotFound(): boolean {
    return /no such|not found|notFound|does not exist|no container/i.test(this.words);
  }
}
