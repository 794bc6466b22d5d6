import type { AgentEvent } from "playpen";

/**
 * Prints what an agent does: live on a terminal, where progress rewrites one line and text streams in; one plain line
 * for each finished thing when the output is piped.
 */
export class Reporter {
  readonly #isLive = process.stdout.isTTY;
  readonly #prefix: string;
  #hasOpenText = false;

  constructor(name?: string) {
    this.#prefix = name === undefined ? "" : `[${name}] `;
  }

  progress(message: string): void {
    if (this.#isLive) process.stdout.write(`\r\u001b[2K${this.#prefix}${message} …`);
    else this.line(message);
  }

  line(message: string): void {
    if (this.#hasOpenText) process.stdout.write("\n");
    this.#hasOpenText = false;
    const clear = this.#isLive ? "\r\u001b[2K" : "";
    process.stdout.write(`${clear}${this.#prefix}${message}\n`);
  }

  event(event: AgentEvent): void {
    switch (event.type) {
      case "message.delta":
        if (!this.#isLive || this.#prefix !== "") break;
        if (!this.#hasOpenText) process.stdout.write("\r\u001b[2K");
        this.#hasOpenText = true;
        process.stdout.write(event.text);
        break;
      case "message.completed":
        if (this.#hasOpenText) this.line("");
        else if (!this.#isLive || this.#prefix !== "") this.line(event.text);
        break;
      case "tool.started":
        this.line(`→ ${event.name}: ${event.title}`);
        break;
      case "tool.completed":
        if (event.output.trim() !== "") this.line(`  ${event.output.trim().replaceAll("\n", "\n  ")}`);
        break;
      case "agent.retrying":
        this.line(`retrying after ${event.reason}`);
        break;
      case "agent.notice":
        if (event.level !== "info") this.line(event.message);
        break;
      default:
    }
  }
}
