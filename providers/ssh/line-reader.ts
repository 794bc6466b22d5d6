import type { ClientChannel } from "ssh2";
import type { SshConnection } from "./connection.ts";
import { answerFailure } from "./failures.ts";

/** Reads what a small script says, line by line, for so long at most. */
export class LineReader {
  readonly #timeoutMs: number;
  readonly #lines: string[] = [];
  #text = "";
  #errors = "";
  #hasEnded = false;
  #wake: () => void = () => undefined;

  constructor(channel: ClientChannel, connection: SshConnection, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    const end = (): void => {
      this.#hasEnded = true;
      this.#wake();
    };
    channel.setEncoding("utf8");
    channel.on("data", (text: string) => {
      this.#take(text);
    });
    channel.stderr.setEncoding("utf8");
    channel.stderr.on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-1000);
    });
    channel.on("error", () => undefined);
    channel.once("close", end);
    connection.whenEnded(end);
  }

  /** @throws SandboxAgentError when nothing comes; `action` says what it was for. */
  async next(action: string): Promise<string> {
    const deadline = performance.now() + this.#timeoutMs;
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#hasEnded) throw answerFailure(action, this.#errors.trim() || "the connection broke.");
      const left = deadline - performance.now();
      if (left <= 0) throw answerFailure(action, `the machine did not answer within ${this.#timeoutMs} ms.`);
      await this.#news(left);
    }
  }

  #news(timeMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #take(text: string): void {
    const parts = (this.#text + text).split("\n");
    this.#text = parts.pop() ?? "";
    this.#lines.push(...parts);
    this.#wake();
  }
}
