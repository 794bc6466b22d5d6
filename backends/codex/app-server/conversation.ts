import {
  numberField,
  objectField,
  stringField,
  type JsonObject,
  type StepBuilder,
} from "../../../src/kit.ts";
import { retrying, turnError } from "../errors.ts";
import { UsageMeter } from "../usage-meter.ts";
import { Approvals } from "./approvals.ts";
import { Commands } from "./commands.ts";
import { blockedCall, itemEvents } from "./item-events.ts";
import { silentNotifications, SessionStatus } from "./status.ts";
import { Threads } from "./threads.ts";
import type { ThreadState } from "./turn-params.ts";

/** The turn that the host waits for. */
export interface Turn {
  /** Codex's own id; unknown until it has answered. */
  nativeId?: string;
  interruptRequested: boolean;
  retries: number;
}

const noCommands: ReadonlySet<string> = new Set();

/** What Codex tells of the session by itself, and which turn it belongs to. */
export class Conversation {
  readonly threads = new Threads();
  readonly approvals = new Approvals();
  readonly #usage = new UsageMeter();
  readonly #status = new SessionStatus();
  readonly #commands = new Commands();
  #turn: Turn | undefined;

  /** The turn that runs. */
  get turn(): Turn | undefined {
    return this.#turn;
  }

  startProcess(): void {
    this.threads.startProcess();
    this.approvals.startProcess();
    this.#commands.startProcess();
    this.#turn = undefined;
  }

  threadReady(threadId: string, model: string | undefined, agentMode: string | undefined): void {
    this.threads.mainStarted(threadId);
    this.#status.startProcess(model, agentMode);
  }

  /** The session's own thread, once it is there. */
  get thread(): ThreadState | undefined {
    const threadId = this.threads.main;
    const { model, agentMode } = this.#status;
    return threadId === undefined ? undefined : { threadId, model, agentMode };
  }

  beginTurn(): Turn {
    this.#usage.startTurn();
    this.#turn = { interruptRequested: false, retries: 0 };
    return this.#turn;
  }

  /** Lets go of the turn without a word from Codex about its end. */
  dropTurn(): Turn | undefined {
    const turn = this.#turn;
    this.#turn = undefined;
    return turn;
  }

  /** Whether a message is of the running turn, or of a sub-agent that works for it. */
  belongs(params: JsonObject): boolean {
    return this.#turn !== undefined && this.threads.belongsTo(this.#turn.nativeId, params);
  }

  /** Returns the commands that run on although their turn did not end by itself, by item. */
  notification(method: string, params: JsonObject, step: StepBuilder): ReadonlySet<string> {
    if (method === "turn/started") {
      this.#turnStarted(params, step);
      return noCommands;
    }
    const turn = this.#turn;
    const belongs = this.belongs(params);
    step.background = !belongs;
    switch (method) {
      case "turn/completed":
        if (turn === undefined || !belongs || !this.threads.isMain(params)) return noCommands;
        return this.#turnCompleted(turn, objectField(params, "turn"), step);
      case "thread/tokenUsage/updated":
        this.#tokenUsage(params, belongs, step);
        break;
      case "error":
        if (turn === undefined || !belongs || params["willRetry"] !== true) break;
        turn.retries += 1;
        step.emit(retrying(objectField(params, "error"), turn.retries));
        break;
      case "serverRequest/resolved": {
        const requestId = this.approvals.resolved(params["requestId"]);
        if (requestId === undefined) break;
        step.emit({ type: "permission.resolved", requestId, outcome: "cancelled", by: "agent" });
        break;
      }
      case "hook/completed":
        step.emit(...blockedCall(objectField(params, "run")));
        break;
      default:
        this.#other(method, params, belongs, step);
    }
    return noCommands;
  }

  #other(method: string, params: JsonObject, belongs: boolean, step: StepBuilder): void {
    if (silentNotifications.has(method)) return;
    if (method === "thread/settings/updated" && !this.threads.isMain(params)) return;
    const context = {
      threads: this.threads,
      approvals: this.approvals,
      commands: this.#commands,
      turnId: this.#turn?.nativeId,
      belongs,
    };
    const events = itemEvents(method, params, context) ?? this.#status.events(method, params);
    step.emit(...(events ?? [{ type: "agent.unknown" as const, raw: step.raw }]));
  }

  #turnStarted(params: JsonObject, step: StepBuilder): void {
    this.threads.turnStarted(params);
    const nativeId = stringField(params["turn"], "id");
    if (!this.threads.isMain(params) || nativeId === undefined) return;
    if (this.#turn === undefined) step.notice("warning", "Codex began a turn that no prompt asked for.");
    else this.#turn.nativeId ??= nativeId;
  }

  #turnCompleted(turn: Turn, completed: JsonObject, step: StepBuilder): ReadonlySet<string> {
    this.#turn = undefined;
    this.approvals.turnEnded();
    const usage = { usage: this.#usage.usage };
    switch (stringField(completed, "status")) {
      case "failed":
        step.emit({ type: "turn.failed", error: turnError(completed["error"]), ...usage });
        return new Set(this.#commands.turnEnded("interrupt"));
      case "interrupted":
        step.emit({ type: "turn.interrupted", by: turn.interruptRequested ? "host" : "agent", ...usage });
        return new Set(this.#commands.turnEnded("interrupt"));
      default: {
        const output = "Still running in the background.";
        // The call itself has succeeded: what it started goes on by the agent's own will.
        for (const toolCallId of this.#commands.turnEnded("background")) {
          step.emit({ type: "tool.completed", toolCallId, status: "ok", output });
        }
        const numTurns = this.#usage.requests;
        step.emit({
          type: "turn.completed",
          stopReason: "end_turn",
          ...usage,
          ...(numTurns === 0 ? {} : { numTurns }),
        });
        return noCommands;
      }
    }
  }

  #tokenUsage(params: JsonObject, belongs: boolean, step: StepBuilder): void {
    const tokenUsage = objectField(params, "tokenUsage");
    this.#usage.update(stringField(params, "threadId") ?? "", tokenUsage, belongs);
    if (!belongs) return;
    // A sub-agent's model may have another window.
    const isMain = this.threads.isMain(params);
    const contextWindow = isMain ? numberField(tokenUsage, "modelContextWindow") : undefined;
    step.emit({
      type: "usage.updated",
      usage: this.#usage.usage,
      ...(contextWindow === undefined ? {} : { contextWindow }),
    });
  }
}
