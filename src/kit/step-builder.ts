import type { HostResponse, Step } from "../spec/backend.ts";
import type { AgentEventBody, TurnErrorInfo } from "../spec/events.ts";

/**
 * A step while it is put together. What was not set is left out of it.
 *
 * @example
 * const step = new StepBuilder();
 * step.emit({ type: "message.delta", messageId: "1", text: "Hello" });
 * step.build(); // { events: [{ type: "message.delta", … }] }
 */
export class StepBuilder {
  readonly events: AgentEventBody[] = [];
  readonly write: string[] = [];
  readonly responses: HostResponse[] = [];
  raw: unknown = undefined;
  background = false;
  closeStdin = false;
  ready = false;
  resumeLost = false;
  startError: TurnErrorInfo | undefined;
  nativeSessionId: string | undefined;
  wakeAfterMs: number | undefined;

  emit(...events: readonly AgentEventBody[]): void {
    this.events.push(...events);
  }

  notice(level: "info" | "warning" | "error", message: string): void {
    this.emit({ type: "agent.notice", level, message });
  }

  build(): Step {
    return {
      ...(this.raw === undefined ? {} : { raw: this.raw }),
      ...(this.events.length === 0 ? {} : { events: this.events }),
      ...(this.background ? { background: true } : {}),
      ...(this.write.length === 0 ? {} : { write: this.write }),
      ...(this.closeStdin ? { closeStdin: true } : {}),
      ...(this.ready ? { ready: true } : {}),
      ...(this.resumeLost ? { resumeLost: true } : {}),
      ...(this.startError === undefined ? {} : { startError: this.startError }),
      ...(this.nativeSessionId === undefined ? {} : { nativeSessionId: this.nativeSessionId }),
      ...(this.wakeAfterMs === undefined ? {} : { wakeAfterMs: this.wakeAfterMs }),
      ...(this.responses.length === 0 ? {} : { responses: this.responses }),
    };
  }
}
