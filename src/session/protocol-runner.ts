import { errorText } from "../errors/error-text.ts";
import type { Redactor } from "../errors/redactor.ts";
import { deferred, type Deferred } from "../kit/deferred.ts";
import { TextDeltaStep } from "../kit/text-delta-step.ts";
import type { DecodedLine } from "../lines/line-decoder.ts";
import type { AgentProtocol, HostRequest, HostResponse, NativeSession, Step } from "../spec/backend.ts";
import { type AgentEventBody, endsTurn, type TurnErrorInfo } from "../spec/events.ts";
import type { AgentProcess, AgentProcessEnd } from "./agent-process.ts";
import { PendingRequests } from "./pending-requests.ts";
import { startFailure } from "./turn-errors.ts";
import type { TurnLedger } from "./turn-ledger.ts";

export interface ProtocolRunnerOptions {
  readonly protocol: AgentProtocol;
  /** The backend's name. */
  readonly agent: string;
  readonly resume: NativeSession | undefined;
  readonly includeRaw: boolean;
  readonly ledger: TurnLedger;
  readonly redactor: Redactor;
  /** Called for each event of the backend, after it was logged. */
  readonly onEvent: (body: AgentEventBody) => void;
  /** The session to resume turns out to be lost. */
  readonly onResumeLost: () => void;
}

/** Feeds the protocol of a session with what its process says, and carries out the steps that follow. */
export class ProtocolRunner {
  readonly #options: ProtocolRunnerOptions;
  readonly #requests = new PendingRequests();
  /** The process that speaks with the protocol. One that was given up is never heard again. */
  #process: AgentProcess | undefined;
  #nativeSessionId: string | undefined;
  #resume: NativeSession | undefined;
  /** Whether the process was started to take up a session, which it may then not find. */
  #isResuming = false;
  #isResumeLost = false;
  #ready: Deferred<undefined> = deferred();
  #startError: TurnErrorInfo | undefined;
  #tick: NodeJS.Timeout | undefined;
  /** Whether the agent knows of the running turn; until then a terminal event is a late one, of the turn before. */
  isPrompted = false;

  constructor(options: ProtocolRunnerOptions) {
    this.#options = options;
    this.#resume = options.resume;
  }

  get process(): AgentProcess | undefined {
    return this.#process;
  }

  /** The id that the CLI itself gave for its session. */
  get nativeSessionId(): string | undefined {
    return this.#nativeSessionId;
  }

  /** The session a new process takes up. */
  get resume(): NativeSession | undefined {
    return this.#resume;
  }

  get isResumeLost(): boolean {
    return this.#isResumeLost;
  }

  /** Settles when the process can be prompted, or has ended before. */
  get ready(): Promise<unknown> {
    return this.#ready.promise;
  }

  /** Why the process could not start, where the protocol knows. */
  get startError(): TurnErrorInfo | undefined {
    return this.#startError;
  }

  /** Begins the conversation with a process. */
  open(process: AgentProcess): void {
    const resume = this.#resume;
    this.#ready = deferred();
    this.#startError = undefined;
    this.#process = process;
    this.#isResuming = resume !== undefined;
    this.attempt((protocol) => protocol.open(resume === undefined ? {} : { resume }));
  }

  /** Ends the conversation with the process; `failure` is what waits for it to be ready is rejected with. */
  end({ exit, stderr }: AgentProcessEnd, failure: () => unknown): void {
    this.stopTicking();
    this.attempt((protocol) => {
      const step = protocol.end({ code: exit?.code ?? null, signal: exit?.signal ?? null, stderr });
      if (exit !== undefined || step.events === undefined) return step;
      // The protocol knows no better than that its agent is gone; the core knows why.
      return { ...step, events: step.events.filter((body) => !endsTurn(body.type)) };
    });
    this.#process = undefined;
    this.#ready.reject(failure());
    this.#requests.abandon();
  }

  /** The next process starts a fresh session. */
  forgetResume(): void {
    this.#resume = undefined;
    this.#nativeSessionId = undefined;
    this.#isResumeLost = false;
  }

  push(lines: readonly DecodedLine[], bytes: number): void {
    const { protocol, ledger, includeRaw } = this.#options;
    // Whole bytes: a fraction would be an object of its own in each place that it passes through.
    const share = lines.length === 0 ? 0 : Math.ceil(bytes / lines.length);
    for (const line of lines) {
      try {
        if (typeof line !== "string") {
          const { prefix, bytes: length } = line;
          ledger.accept({ type: "agent.unparsed", line: prefix, bytes: length, truncated: true });
          continue;
        }
        const step = protocol.push(line);
        const isTaken = step instanceof TextDeltaStep && !includeRaw && ledger.extendText(step, share);
        if (!isTaken) this.#apply(step, share);
      } catch (error) {
        this.#broken(error);
        return;
      }
    }
  }

  /** Carries out what the protocol wants. A protocol that throws, against its contract, may not harm the host. */
  attempt(call: (protocol: AgentProtocol) => Step): Step | undefined {
    try {
      const step = call(this.#options.protocol);
      this.#apply(step);
      return step;
    } catch (error) {
      this.#broken(error);
      return undefined;
    }
  }

  /** Sends a request to the CLI and waits for its answer; rejects with its words if it refuses. */
  async ask(request: HostRequest): Promise<HostResponse> {
    if (this.#process === undefined || this.#options.protocol.request === undefined)
      return { id: request.id };
    return this.#requests.ask(request.id, () => {
      this.attempt((protocol) => protocol.request?.(request) ?? {});
    });
  }

  stopTicking(): void {
    clearTimeout(this.#tick);
  }

  #broken(error: unknown): void {
    const { agent, ledger, redactor } = this.#options;
    const message = redactor.redact(`The adapter of ${agent} failed: ${errorText(error)}`);
    const info: TurnErrorInfo = { code: "protocol_error", message, retryable: false };
    this.#startError ??= info;
    if (ledger.turnId === undefined) ledger.accept({ type: "agent.notice", level: "error", message });
    ledger.agentFailed(info, error);
    // It is not known any more what the process is about.
    void this.#process?.kill("SIGKILL");
  }

  #apply(step: Step, bytes = 0): void {
    if (step.nativeSessionId !== undefined) {
      this.#nativeSessionId = step.nativeSessionId;
      this.#resume = { nativeSessionId: step.nativeSessionId, fork: false };
    }
    if (step.resumeLost === true && this.#isResuming) {
      this.#isResumeLost = true;
      this.#options.onResumeLost();
      this.#ready.resolve(undefined);
    }
    if (step.startError !== undefined) {
      this.#startError = step.startError;
      // Not every CLI that cannot start ends then.
      if (!this.#isResumeLost) this.#ready.reject(startFailure(this.#options.agent, step.startError));
    }
    if (step.events !== undefined) {
      const share = Math.ceil(bytes / step.events.length);
      for (const body of step.events) this.#emit(body, step, share);
    }
    if (step.write !== undefined) this.#process?.write(step.write);
    if (step.closeStdin === true) this.#process?.closeStdin();
    if (step.wakeAfterMs !== undefined) this.#wakeAfter(step.wakeAfterMs);
    if (step.responses !== undefined) for (const response of step.responses) this.#requests.settle(response);
    if (step.ready === true) this.#ready.resolve(undefined);
  }

  #emit(body: AgentEventBody, step: Step, bytes: number): void {
    const { ledger, includeRaw, onEvent } = this.#options;
    // The turn is not over while it can still be sent again to a fresh session.
    if ((this.#isResumeLost || !this.isPrompted) && endsTurn(body.type)) return;
    const isRequest = body.type === "permission.requested" || body.type === "question.requested";
    if (isRequest && ledger.isOpenRequest(body.requestId)) return;
    if (includeRaw && step.raw !== undefined) (body as { raw?: unknown }).raw = step.raw;
    ledger.accept(body, step.background, bytes);
    onEvent(body);
  }

  #wakeAfter(timeMs: number): void {
    clearTimeout(this.#tick);
    if (timeMs <= 0) return;
    this.#tick = setTimeout(() => {
      this.attempt((protocol) => protocol.tick());
    }, timeMs);
  }
}
