import {
  exitedFailure,
  isJsonObject,
  objectField,
  parseJson,
  stringField,
  type AgentExit,
  type AgentProtocol,
  type HostRequest,
  type JsonObject,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type TurnErrorInfo,
  type TurnInput,
  StepBuilder,
  unparsedLine,
} from "../../../src/kit.ts";
import { isThreadMissing, retrying, turnError } from "../errors.ts";
import { promptContent } from "../strict-schema.ts";
import { UsageMeter } from "../usage-meter.ts";
import { execItem } from "./items.ts";
import { failedServers } from "./server-failures.ts";

/** Reads the lines of `codex exec --json`: one process for each turn, which ends with the turn. */
export class ExecProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #usage = new UsageMeter();
  #model: string | undefined;
  #process = 0;
  #resume: NativeSession | undefined;
  #threadId: string | undefined;
  #isRunning = false;
  /** The process speaks of another thread than it was asked to resume: nothing of it is told on. */
  #isLost = false;
  readonly #open = new Set<string>();
  #interruptRequested = false;
  #retries = 0;
  /** The last error, for a process that ends without saying how the turn did. */
  #lastError: TurnErrorInfo | undefined;
  /** The MCP servers that were last told to have failed. */
  #toldServers = "";

  constructor(input: ProtocolInput) {
    this.#input = input;
    this.#model = input.model;
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#process += 1;
    this.#resume = start.resume;
    this.#isRunning = false;
    this.#isLost = false;
    this.#open.clear();
    this.#interruptRequested = false;
    this.#retries = 0;
    this.#lastError = undefined;
    return { ready: true };
  }

  prompt(turn: TurnInput): Step {
    this.#isRunning = true;
    this.#usage.startTurn();
    const text = promptContent(turn)
      .map((part) => (part.type === "text" ? part.text : ""))
      .join("\n\n");
    // Codex reads the prompt to the end of its input.
    return { write: [text], closeStdin: true };
  }

  push(line: string): Step {
    const raw = parseJson(line);
    const step = new StepBuilder();
    step.raw = raw;
    step.background = !this.#isRunning;
    const type = stringField(raw, "type");
    if (this.#isLost) return step.build();
    if (!isJsonObject(raw) || type === undefined) step.emit(unparsedLine(line));
    else this.#event(type, raw, step);
    return step.build();
  }

  reply(): Step {
    return {};
  }

  interrupt(): Step {
    this.#interruptRequested = true;
    return {};
  }

  request(request: HostRequest): Step {
    if (request.type === "set_model") {
      this.#model = request.model;
      return { responses: [{ id: request.id }] };
    }
    return { responses: [{ id: request.id, error: "codex exec takes no message while a turn runs." }] };
  }

  tick(): Step {
    return {};
  }

  end(exit: AgentExit): Step {
    const step = new StepBuilder();
    step.background = !this.#isRunning;
    this.#tellServers(exit.stderr, step);
    if (!this.#isRunning) return step.build();
    this.#isRunning = false;
    if (this.#interruptRequested) step.emit({ type: "turn.interrupted", by: "host" });
    else if (this.#resume !== undefined && isThreadMissing(exit.stderr)) {
      step.resumeLost = true;
      step.emit({ type: "turn.failed", error: exitedFailure("Codex", exit) });
    } else step.emit({ type: "turn.failed", error: this.#lastError ?? exitedFailure("Codex", exit) });
    return step.build();
  }

  /** Each process starts the servers anew, and so may fail to each time: that is told once. */
  #tellServers(stderr: string, step: StepBuilder): void {
    const mcpServers = failedServers(stderr);
    const told = JSON.stringify(mcpServers);
    if (mcpServers.length === 0 || told === this.#toldServers) return;
    this.#toldServers = told;
    step.emit({ type: "session.updated", mcpServers });
  }

  #event(type: string, raw: JsonObject, step: StepBuilder): void {
    switch (type) {
      case "thread.started":
        this.#threadStarted(stringField(raw, "thread_id"), step);
        return;
      case "turn.started":
        return;
      case "item.started":
      case "item.updated":
      case "item.completed":
        step.emit(
          ...execItem(objectField(raw, "item"), type === "item.completed", `${this.#process}.`, this.#open),
        );
        return;
      case "error":
        this.#reportedError(raw, step);
        return;
      case "turn.completed":
        this.#completed(raw["usage"], step);
        return;
      case "turn.failed":
        if (!this.#isRunning) return;
        this.#isRunning = false;
        step.emit({ type: "turn.failed", error: turnError(raw["error"]) });
        return;
      default:
        step.emit({ type: "agent.unknown", raw });
    }
  }

  #threadStarted(threadId: string | undefined, step: StepBuilder): void {
    const resume = this.#resume;
    if (resume !== undefined && !resume.fork && threadId !== resume.nativeSessionId) {
      // Where an id is none of Codex's it begins a new thread as if nothing were wrong.
      this.#isLost = true;
      step.resumeLost = true;
      return;
    }
    this.#threadId = threadId;
    if (threadId === undefined) return;
    step.nativeSessionId = threadId;
    if (resume === undefined) this.#usage.startThread(threadId);
    if (this.#process > 1 && resume?.fork === false) return;
    step.emit({
      type: "session.started",
      agent: "codex",
      ...(this.#model === undefined ? {} : { model: this.#model }),
      nativeSessionId: threadId,
      cwd: this.#input.cwd,
      resumed: resume !== undefined,
    });
  }

  #reportedError(raw: JsonObject, step: StepBuilder): void {
    const message = stringField(raw, "message") ?? "";
    const match = /^Reconnecting\.\.\.[^(]*(?:\((.*)\))?$/s.exec(message);
    if (match === null) {
      this.#lastError = turnError({ message });
      return;
    }
    this.#retries += 1;
    step.emit(retrying({ message, additionalDetails: match[1] }, this.#retries));
  }

  #completed(usage: unknown, step: StepBuilder): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    const isKnown = this.#usage.settle(this.#threadId ?? "", usage);
    if (!isKnown) {
      // The figures include the thread's past, and nothing tells how much that was.
      step.notice(
        "info",
        "The usage of this turn is not known: Codex tells only that of the whole resumed thread.",
      );
    }
    step.emit({
      type: "turn.completed",
      stopReason: "end_turn",
      ...(isKnown ? { usage: this.#usage.usage } : {}),
    });
  }
}
