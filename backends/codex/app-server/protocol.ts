import {
  arrayField,
  JsonRpcPeer,
  jsonRpcErrors,
  numberField,
  objectField,
  stringField,
  type AgentContentPart,
  type AgentExit,
  type AgentProtocol,
  type HostAnswer,
  type HostRequest,
  type JsonObject,
  type NativeSession,
  type Step,
  type ToolKind,
  type TurnInput,
} from "../../../src/kit.ts";
import { exitError, isThreadMissing, retrying, turnError } from "../errors.ts";
import { StepBuilder, unparsed } from "../step.ts";
import { refusedTool } from "../tool-gate.ts";
import { UsageMeter } from "../usage-meter.ts";
import { Approvals, type ApprovalRequest } from "./approvals.ts";
import {
  gateIsListed,
  initializeParams,
  threadFacts,
  threadRequest,
  turnParams,
  userInput,
  type AppServerInput,
} from "./handshake.ts";
import { itemCompleted, itemStarted } from "./items.ts";
import { SessionStatus } from "./status.ts";
import { Threads, turnIdOf } from "./threads.ts";

/** The turn that the host waits for. */
interface Turn {
  /** Codex's own id; unknown until it has answered. */
  nativeId?: string;
  interruptRequested: boolean;
  retries: number;
  /** Commands that run, by item: an interrupted turn leaves them running. */
  readonly commands: Set<string>;
}

type Tag =
  | { readonly type: "initialize" | "hooks" | "ignored" }
  | { readonly type: "thread"; readonly resume: NativeSession | undefined }
  | { readonly type: "turn"; readonly turn: Turn }
  | { readonly type: "steer"; readonly id: string }
  | { readonly type: "terminals"; readonly items: ReadonlySet<string> };

/** Notifications about which there is nothing to tell. */
const silent = new Set([
  "thread/started",
  "thread/status/changed",
  "thread/readState/changed",
  "thread/closed",
  "thread/compacted",
  "remoteControl/status/changed",
  "turn/diff/updated",
  "hook/started",
  "item/plan/delta",
  "item/fileChange/outputDelta",
  "item/fileChange/patchUpdated",
  "item/commandExecution/terminalInteraction",
  "item/mcpToolCall/progress",
  "account/updated",
  "skills/changed",
  "turn/moderationMetadata",
  "model/verification",
  "model/safetyBuffering/updated",
  "thread/environment/connected",
  "thread/environment/disconnected",
]);

/** Speaks with one `codex app-server` at a time, for as long as the session lives. */
export class AppServerProtocol implements AgentProtocol {
  readonly #input: AppServerInput;
  readonly #threads = new Threads();
  readonly #approvals = new Approvals();
  readonly #usage = new UsageMeter();
  readonly #status = new SessionStatus();
  #peer = new JsonRpcPeer<Tag>({ versionField: false });
  #resume: NativeSession | undefined;
  #isReady = false;
  #model: string | undefined;
  #turn: Turn | undefined;

  constructor(input: AppServerInput) {
    this.#input = input;
    this.#model = input.model;
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#peer = new JsonRpcPeer<Tag>({ versionField: false });
    this.#threads.startProcess();
    this.#approvals.startProcess();
    this.#resume = start.resume;
    this.#isReady = false;
    this.#turn = undefined;
    const params = initializeParams(this.#input.libraryVersion);
    return { write: [this.#peer.request("initialize", params, { type: "initialize" })] };
  }

  prompt(input: TurnInput): Step {
    const threadId = this.#threads.main;
    const step = new StepBuilder();
    if (!this.#isReady || threadId === undefined) {
      const message = "Codex was prompted before its thread was there.";
      step.emit({ type: "turn.failed", error: { code: "protocol_error", message, retryable: true } });
      return step.build();
    }
    const turn: Turn = { interruptRequested: false, retries: 0, commands: new Set() };
    this.#turn = turn;
    this.#usage.startTurn();
    const params = turnParams(this.#input, threadId, input.content, this.#model);
    step.write.push(this.#peer.request("turn/start", params, { type: "turn", turn }));
    return step.build();
  }

  push(line: string): Step {
    const message = this.#peer.receive(line);
    const step = new StepBuilder();
    step.raw = message.raw;
    step.background = this.#turn === undefined;
    switch (message.kind) {
      case "unparsed":
      case "invalid":
        step.emit(unparsed(line));
        break;
      case "stray":
        step.emit({ type: "agent.unknown", raw: message.raw });
        break;
      case "notification":
        this.#notification(message.method, message.params, message.raw, step);
        break;
      case "request":
        this.#serverRequest(message, step);
        break;
      case "result":
        this.#result(message.tag, message.result, step);
        break;
      case "error":
        this.#error(message.tag, message.error.message, step);
        break;
    }
    return step.build();
  }

  reply(answer: HostAnswer): Step {
    const reply = this.#approvals.reply(answer);
    return reply === undefined ? {} : { write: [this.#peer.respond(reply.id, reply.result)] };
  }

  interrupt(): Step {
    if (this.#turn === undefined) return {};
    this.#turn.interruptRequested = true;
    return { write: [this.#interruptLine(this.#turn)] };
  }

  request(request: HostRequest): Step {
    if (request.type === "set_model") {
      this.#model = request.model;
      return { responses: [{ id: request.id }] };
    }
    return this.#steer(request.id, request.content);
  }

  tick(): Step {
    return {};
  }

  end(exit: AgentExit): Step {
    const step = new StepBuilder();
    for (const tag of this.#peer.abandon()) {
      if (tag.type === "steer") step.responses.push({ id: tag.id, error: "Codex ended before it answered." });
    }
    if (!this.#isReady) {
      const stderr = exit.stderr === "" ? "" : `: ${exit.stderr.trim()}`;
      const message = `Codex ended before its session was ready${stderr}`;
      step.startError = { ...exitError(exit), code: "session_start_failed", message, retryable: false };
    }
    if (this.#turn?.interruptRequested === true) step.emit({ type: "turn.interrupted", by: "host" });
    else if (this.#turn !== undefined) step.emit({ type: "turn.failed", error: exitError(exit) });
    this.#turn = undefined;
    this.#isReady = false;
    return step.build();
  }

  #result(tag: Tag, result: unknown, step: StepBuilder): void {
    switch (tag.type) {
      case "initialize":
        step.write.push(this.#peer.notify("initialized"));
        if (this.#input.permissions === "allow-all") this.#requestThread(step);
        else
          step.write.push(this.#peer.request("hooks/list", { cwds: [this.#input.cwd] }, { type: "hooks" }));
        return;
      case "hooks":
        if (gateIsListed(this.#input, result)) this.#requestThread(step);
        else {
          const message =
            "This Codex does not take the hook by which tool calls are held back, so permissions cannot be enforced. Use the version that the backend pins.";
          step.startError = { code: "session_start_failed", message, retryable: false };
        }
        return;
      case "thread":
        this.#threadReady(tag.resume, result, step);
        return;
      case "turn":
        this.#turnAccepted(tag.turn, turnIdOf(result), step);
        return;
      case "steer":
        step.responses.push({ id: tag.id });
        return;
      case "terminals":
        this.#terminate(tag.items, result, step);
        return;
      case "ignored":
        return;
    }
  }

  #error(tag: Tag, message: string, step: StepBuilder): void {
    switch (tag.type) {
      case "initialize":
      case "hooks":
      case "thread":
        if (tag.type === "thread" && tag.resume !== undefined && isThreadMissing(message))
          step.resumeLost = true;
        else step.startError = { ...turnError({ message }), code: "session_start_failed", retryable: false };
        return;
      case "turn":
        if (this.#turn !== tag.turn) return;
        this.#turn = undefined;
        step.emit(
          tag.turn.interruptRequested
            ? { type: "turn.interrupted", by: "host" }
            : { type: "turn.failed", error: turnError({ message }) },
        );
        return;
      case "steer":
        step.responses.push({ id: tag.id, error: message });
        return;
      case "terminals":
      case "ignored":
        // An interrupt that came too late, or a command that has ended by itself.
        return;
    }
  }

  #requestThread(step: StepBuilder): void {
    const { method, params } = threadRequest(this.#input, this.#model, this.#resume);
    step.write.push(this.#peer.request(method, params, { type: "thread", resume: this.#resume }));
  }

  #threadReady(resume: NativeSession | undefined, result: unknown, step: StepBuilder): void {
    const { id, model } = threadFacts(result);
    if (id === undefined) {
      const message = "Codex gave its thread no id.";
      step.startError = { code: "session_start_failed", message, retryable: false };
      return;
    }
    if (resume !== undefined && !resume.fork && id !== resume.nativeSessionId) {
      step.resumeLost = true;
      return;
    }
    this.#threads.mainStarted(id);
    this.#status.startProcess(model);
    this.#isReady = true;
    step.ready = true;
    step.nativeSessionId = id;
    step.emit({
      type: "session.started",
      agent: "codex",
      ...(model === undefined ? {} : { model }),
      nativeSessionId: id,
      cwd: this.#input.cwd,
      resumed: resume !== undefined,
    });
  }

  #turnAccepted(turn: Turn, nativeId: string | undefined, step: StepBuilder): void {
    if (nativeId !== undefined) turn.nativeId ??= nativeId;
    // The interrupt that was sent without an id may have come too early to find the turn.
    if (this.#turn === turn && turn.interruptRequested) step.write.push(this.#interruptLine(turn));
  }

  #interruptLine(turn: Turn): string {
    const params = { threadId: this.#threads.main, turnId: turn.nativeId ?? "" };
    return this.#peer.request("turn/interrupt", params, { type: "ignored" });
  }

  #steer(id: string, content: readonly AgentContentPart[]): Step {
    const turnId = this.#turn?.nativeId;
    const threadId = this.#threads.main;
    if (turnId === undefined || threadId === undefined) {
      return { responses: [{ id, error: "Codex runs no turn that could be steered." }] };
    }
    const params = { threadId, input: content.map(userInput), expectedTurnId: turnId };
    return { write: [this.#peer.request("turn/steer", params, { type: "steer", id })] };
  }

  #serverRequest(request: ApprovalRequest, step: StepBuilder): void {
    const { permissions } = this.#input;
    // Nobody is there to ask for a turn that is over.
    const isOurs = this.#turn !== undefined && this.#threads.belongsTo(this.#turn.nativeId, request.params);
    const decide =
      permissions === "allow-all" ? "allow" : permissions === "ask" && isOurs ? undefined : "deny";
    const outcome = this.#approvals.request(request, decide);
    step.background = !isOurs;
    switch (outcome.type) {
      case "asked":
        step.emit(outcome.event);
        return;
      case "answered":
        step.write.push(this.#peer.respond(request.id, outcome.result));
        if (outcome.notice !== undefined) step.notice("warning", outcome.notice);
        return;
      case "unknown": {
        const error = {
          code: jsonRpcErrors.methodNotFound,
          message: `playpen does not know ${request.method}.`,
        };
        step.write.push(this.#peer.reject(request.id, error));
        step.emit({ type: "agent.unknown", raw: step.raw });
        return;
      }
    }
  }

  #notification(method: string, params: JsonObject, raw: unknown, step: StepBuilder): void {
    const turn = this.#turn;
    if (method === "turn/started") {
      this.#turnStarted(params, step);
      return;
    }
    const belongs = turn !== undefined && this.#threads.belongsTo(turn.nativeId, params);
    step.background = !belongs;
    switch (method) {
      case "turn/completed":
        if (belongs && this.#threads.isMain(params)) this.#turnCompleted(turn, params, step);
        return;
      case "thread/tokenUsage/updated":
        this.#tokenUsage(params, belongs, step);
        return;
      case "error":
        if (belongs && params["willRetry"] === true) {
          turn.retries += 1;
          step.emit(retrying(objectField(params, "error"), turn.retries));
        }
        return;
      case "serverRequest/resolved": {
        const requestId = this.#approvals.resolved(params["requestId"]);
        if (requestId !== undefined) {
          step.emit({ type: "permission.resolved", requestId, outcome: "cancelled", by: "agent" });
        }
        return;
      }
      case "hook/completed":
        this.#hookCompleted(objectField(params, "run"), step);
        return;
      default:
        if (method.startsWith("item/") && this.#item(method, params, step)) return;
        if (silent.has(method)) return;
        step.emit(...(this.#status.events(method, params) ?? [{ type: "agent.unknown" as const, raw }]));
    }
  }

  /** Returns whether the notification is about an item. */
  #item(method: string, params: JsonObject, step: StepBuilder): boolean {
    const item = objectField(params, "item");
    const itemId = stringField(params, "itemId") ?? "";
    const text = stringField(params, "delta") ?? "";
    const origin = this.#threads.origin(params);
    switch (method) {
      case "item/started":
        this.#approvals.itemStarted(item);
        this.#threads.item(item, this.#turn?.nativeId);
        if (item["type"] === "commandExecution") this.#turn?.commands.add(stringField(item, "id") ?? "");
        step.emit(...itemStarted(item, origin));
        return true;
      case "item/completed": {
        const wasStarted = this.#approvals.itemCompleted(item);
        this.#turn?.commands.delete(stringField(item, "id") ?? "");
        const ended = this.#threads.item(item, this.#turn?.nativeId);
        step.emit(...itemCompleted(item, origin, wasStarted));
        if (ended !== undefined) {
          const status = item["kind"] === "interrupted" ? "interrupted" : "ok";
          step.emit({ type: "tool.completed", toolCallId: ended, status, output: "" });
        }
        return true;
      }
      case "item/agentMessage/delta":
        step.emit({ type: "message.delta", messageId: itemId, text, ...origin });
        return true;
      case "item/reasoning/summaryTextDelta":
      case "item/reasoning/textDelta":
        step.emit({ type: "reasoning.delta", messageId: itemId, text, ...origin });
        return true;
      case "item/reasoning/summaryPartAdded":
        if ((numberField(params, "summaryIndex") ?? 0) > 0) {
          step.emit({ type: "reasoning.delta", messageId: itemId, text: "\n\n", ...origin });
        }
        return true;
      case "item/commandExecution/outputDelta":
        step.emit({ type: "tool.delta", toolCallId: itemId, output: text });
        return true;
      default:
        return false;
    }
  }

  #turnStarted(params: JsonObject, step: StepBuilder): void {
    this.#threads.turnStarted(params);
    const nativeId = stringField(params["turn"], "id");
    if (!this.#threads.isMain(params) || nativeId === undefined) return;
    if (this.#turn === undefined) {
      step.notice("warning", "Codex began a turn that no prompt asked for.");
    } else {
      this.#turn.nativeId ??= nativeId;
    }
  }

  #turnCompleted(turn: Turn, params: JsonObject, step: StepBuilder): void {
    const completed = objectField(params, "turn");
    this.#turn = undefined;
    const usage = { usage: this.#usage.usage };
    switch (stringField(completed, "status")) {
      case "failed":
        step.emit({ type: "turn.failed", error: turnError(completed["error"]), ...usage });
        return;
      case "interrupted": {
        step.emit({ type: "turn.interrupted", by: turn.interruptRequested ? "host" : "agent", ...usage });
        if (turn.commands.size === 0) return;
        const tag: Tag = { type: "terminals", items: turn.commands };
        step.write.push(
          this.#peer.request("thread/backgroundTerminals/list", { threadId: this.#threads.main }, tag),
        );
        return;
      }
      default: {
        const { requests } = this.#usage;
        step.emit({
          type: "turn.completed",
          stopReason: "end_turn",
          ...usage,
          ...(requests === 0 ? {} : { numTurns: requests }),
        });
      }
    }
  }

  /** Ends the commands that an interrupted turn left behind, and no others. */
  #terminate(items: ReadonlySet<string>, result: unknown, step: StepBuilder): void {
    for (const terminal of arrayField(result, "data")) {
      const processId = stringField(terminal, "processId");
      if (processId === undefined || !items.has(stringField(terminal, "itemId") ?? "")) continue;
      const params = { threadId: this.#threads.main, processId };
      step.write.push(
        this.#peer.request("thread/backgroundTerminals/terminate", params, { type: "ignored" }),
      );
    }
  }

  #tokenUsage(params: JsonObject, belongs: boolean, step: StepBuilder): void {
    const tokenUsage = objectField(params, "tokenUsage");
    this.#usage.update(stringField(params, "threadId") ?? "", tokenUsage, belongs);
    if (!belongs) return;
    const contextWindow = this.#threads.isMain(params)
      ? numberField(tokenUsage, "modelContextWindow")
      : undefined;
    step.emit({
      type: "usage.updated",
      usage: this.#usage.usage,
      ...(contextWindow === undefined ? {} : { contextWindow }),
    });
  }

  #hookCompleted(run: JsonObject, step: StepBuilder): void {
    if (stringField(run, "status") !== "blocked") return;
    const feedback = arrayField(run, "entries").flatMap((entry) => stringField(entry, "text") ?? []);
    const name = feedback.map(refusedTool).find((tool) => tool !== undefined);
    const toolCallId = /:([^:/]+)$/.exec(stringField(run, "id") ?? "")?.[1];
    if (name === undefined || toolCallId === undefined) {
      step.notice("warning", `A hook blocked a tool call: ${feedback.join(" ")}`);
      return;
    }
    step.emit(
      { type: "tool.started", toolCallId, ...refusedCall(name), title: name, input: {} },
      { type: "tool.completed", toolCallId, status: "denied", output: "Not permitted in this session." },
    );
  }
}

/** The tool that the hook refused, named as its calls are elsewhere. */
function refusedCall(name: string): { readonly name: string; readonly kind: ToolKind } {
  if (name === "Bash") return { name: "shell", kind: "execute" };
  if (name === "apply_patch") return { name, kind: "edit" };
  return { name, kind: name.startsWith("mcp__") ? "mcp" : "other" };
}
