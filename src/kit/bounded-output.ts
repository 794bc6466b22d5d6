import { SandboxAgentError } from "../errors/sandbox-agent-error.ts";
import { OutputChannel } from "./output-channel.ts";

const defaultMaxBytes = 64 * 1024 * 1024;

/**
 * An output stream for a vendor's SDK that hands data over and cannot be made to wait. What nobody reads is held up to
 * `maxBytes` (default 64 MiB); beyond that the stream fails with `output_too_large`, and what comes later is dropped.
 * Declare `backpressure: "none"`.
 */
export function boundedOutput(command: string, maxBytes = defaultMaxBytes): OutputChannel {
  return new BoundedOutput(command, maxBytes);
}

class BoundedOutput extends OutputChannel {
  readonly #command: string;
  readonly #maxBytes: number;

  constructor(command: string, maxBytes: number) {
    super(() => undefined);
    this.#command = command;
    this.#maxBytes = maxBytes;
  }

  override push(payload: Uint8Array): void {
    super.push(payload);
    if (this.bufferedBytes <= this.#maxBytes) return;
    this.fail(
      new SandboxAgentError(
        "output_too_large",
        `More than ${this.#maxBytes} bytes of the output of ${JSON.stringify(this.#command)} waited to be read.`,
        {
          details: { command: this.#command, maxBytes: this.#maxBytes },
          remedy: "Read the output faster, or have the command write to a file in the sandbox.",
        },
      ),
    );
  }
}
