import type { AgentEventBody, HostResponse, Step, TurnErrorInfo } from "../../src/kit.ts";

/** A step while it is put together. */
export class StepBuilder {
  readonly events: AgentEventBody[] = [];
  readonly write: string[] = [];
  readonly responses: HostResponse[] = [];
  raw: unknown = undefined;
  background = false;
  ready = false;
  resumeLost = false;
  startError: TurnErrorInfo | undefined;
  nativeSessionId: string | undefined;
  wakeAfterMs: number | undefined;

  build(): Step {
    return {
      ...(this.raw === undefined ? {} : { raw: this.raw }),
      ...(this.events.length === 0 ? {} : { events: this.events }),
      ...(this.background && this.events.length > 0 ? { background: true } : {}),
      ...(this.write.length === 0 ? {} : { write: this.write }),
      ...(this.ready ? { ready: true } : {}),
      ...(this.resumeLost ? { resumeLost: true } : {}),
      // The server would wait for another request.
      ...(this.startError === undefined ? {} : { startError: this.startError, closeStdin: true }),
      ...(this.nativeSessionId === undefined ? {} : { nativeSessionId: this.nativeSessionId }),
      ...(this.wakeAfterMs === undefined ? {} : { wakeAfterMs: this.wakeAfterMs }),
      ...(this.responses.length === 0 ? {} : { responses: this.responses }),
    };
  }
}
