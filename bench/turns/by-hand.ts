import type { AgentBackend, AgentProtocol, Environment } from "playpen/kit";
import type { EndOfTurn, Message } from "./ends-of-turns.ts";
import { lineReader } from "./line-reader.ts";

/** A process whose pipes are driven directly. */
export interface BareProcess {
  readonly write: (text: string) => void;
  /** Called with standard output as it comes. */
  readonly read: (listener: (chunk: string) => void) => void;
}

/**
 * Drives a long-lived CLI with no more than has to be done: write a line, split what comes, parse each line, stop at
 * the one that ends the turn. The lines written are those that the backend writes; working them out, and telling the
 * backend's state machine what came, is not part of the time of a turn.
 */
export class CliByHand {
  readonly #process: BareProcess;
  readonly #protocol: AgentProtocol;
  readonly #isEnd: EndOfTurn;
  #onLine: (line: string) => void = () => undefined;

  constructor(process: BareProcess, protocol: AgentProtocol, isEnd: EndOfTurn) {
    this.#process = process;
    this.#protocol = protocol;
    this.#isEnd = isEnd;
    process.read(lineReader((line) => this.#onLine(line)));
  }

  /** The handshake. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#onLine = (line) => {
        const step = this.#protocol.push(line);
        this.#write(step.write);
        if (step.ready === true) resolve();
      };
      this.#write(this.#protocol.open({}).write);
    });
  }

  /** Resolves to the time until the first line after the prompt, and until the line that ends the turn. */
  async turn(turnId: string, text: string): Promise<{ readonly firstMs: number; readonly wholeMs: number }> {
    const { write } = this.#protocol.prompt({ turnId, content: [{ type: "text", text }] });
    const lines: string[] = [];
    const startedAt = performance.now();
    let firstMs: number | undefined;
    const wholeMs = await new Promise<number>((resolve) => {
      this.#onLine = (line) => {
        firstMs ??= performance.now() - startedAt;
        lines.push(line);
        if (this.#isEnd(JSON.parse(line) as Message)) resolve(performance.now() - startedAt);
      };
      this.#write(write);
    });
    this.#onLine = (line) => void this.#protocol.push(line);
    for (const line of lines) this.#write(this.#protocol.push(line).write);
    return { firstMs: firstMs ?? wholeMs, wholeMs };
  }

  #write(lines: readonly string[] | undefined): void {
    if (lines !== undefined && lines.length > 0) this.#process.write(`${lines.join("\n")}\n`);
  }
}

/** What a backend has to know of a session that is driven by hand. */
export function sessionInput(sessionId: string, cwd: string, stateDirectory: string) {
  return {
    sessionId,
    cwd,
    stateDirectory,
    permissions: "allow-all",
    mcpServers: {},
    answersQuestions: false,
    libraryVersion: "0.0.0",
  } as const;
}

/** The environment of a CLI, as a session would give it. */
export function environmentOf(backend: AgentBackend, launched: Environment): Environment {
  const { PATH = "", HOME = "" } = process.env;
  return { PATH, HOME, ...backend.env, ...launched };
}
