import {
  AcpProtocol,
  acpTokens,
  isJsonObject,
  numberField,
  objectField,
  parseJson,
  stringField,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostAnswer,
  type HostRequest,
  type JsonObject,
  type JsonRpcId,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type TurnErrorInfo,
  type TurnInput,
} from "../../../src/kit.ts";
import { failureInText, quietExit, toldFailure } from "../failures.ts";
import { isUsable, ownModel, toldModel } from "../models.ts";
import { isRefusal, questionTool, shellResult, toolKind } from "../tools.ts";
import { declined, onceOnly, QuestionDesk, requestedTool } from "./desk.ts";
import { RememberedCalls } from "./remembered.ts";
import { SubAgents } from "./sub-agents.ts";
import { CallUpdates, compacted, isCompaction, parentCall } from "./updates.ts";

const updatePrefix = '{"jsonrpc":"2.0","method":"session/update"';

/**
 * Speaks with one `qwen --acp` at a time. What is peculiar to it, the protocol's client does not see: lines are brought
 * into the protocol's own form before, and events completed after.
 */
export class SessionProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #acp: AcpProtocol;
  readonly #servers: readonly string[];
  readonly #updates = new CallUpdates();
  readonly #subAgents = new SubAgents();
  readonly #questions = new QuestionDesk();
  readonly #remembered = new RememberedCalls();
  /** Calls that a permission was asked for. */
  readonly #asked = new Set<string>();
  #isResuming = false;
  #hasHistory = false;
  /** The turn is the command to compact. */
  #isCompaction = false;
  /** Why the library stops the turn. */
  #failure: TurnErrorInfo | undefined;

  constructor(input: ProtocolInput) {
    this.#input = input;
    this.#servers = Object.keys(input.mcpServers);
    // Servers, mode and level of thinking were given at the start: by its protocol Qwen Code takes less of them.
    const { thinking: _thinking, agentMode: _agentMode, ...rest } = input;
    this.#acp = new AcpProtocol(
      { ...rest, mcpServers: {} },
      {
        agent: "qwen",
        product: "Qwen Code",
        modelBy: "launch",
        // It declares session/resume, and does not know it.
        resumeBy: "load",
        // The history is told whole before the answer.
        replayQuietMs: 10,
        usage: {
          covers: "request",
          fromUpdate: (update) => acpTokens(objectField(objectField(update, "_meta"), "usage")),
        },
        describeTool: ({ fields }) => {
          const name = stringField(objectField(fields, "_meta"), "toolName");
          const parent = parentCall(fields);
          return {
            ...(name === undefined ? {} : { name, kind: toolKind(name) }),
            ...(parent === undefined ? {} : { parentToolCallId: parent }),
          };
        },
        failureInText,
        failureOf: ({ message, data }) =>
          toldFailure(stringField(data, "details") ?? stringField(data, "message") ?? message),
      },
    );
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#isResuming = start.resume !== undefined;
    this.#hasHistory = false;
    this.#failure = undefined;
    this.#updates.clear();
    this.#subAgents.clear();
    this.#questions.clear();
    this.#remembered.clear();
    this.#asked.clear();
    return this.#told(this.#acp.open(start));
  }

  prompt(turn: TurnInput): Step {
    this.#isCompaction = isCompaction(turn.content);
    this.#subAgents.clear();
    this.#failure = undefined;
    return this.#told(this.#acp.prompt(turn));
  }

  push(line: string): Step {
    if (line.startsWith(updatePrefix)) return this.#update(line);
    const message = parseJson(line);
    const params = objectField(message, "params");
    const id = stringField(message, "id") ?? numberField(message, "id");
    if (isJsonObject(message) && message["method"] === "session/request_permission" && id !== undefined) {
      return this.#permission(message, id, params);
    }
    return this.#told(this.#acp.push(line));
  }

  reply(answer: HostAnswer): Step {
    if (answer.type === "permission") return this.#told(this.#acp.reply(this.#remembered.answered(answer)));
    const line = this.#questions.reply(answer);
    return line === undefined ? {} : { write: [line] };
  }

  interrupt(): Step {
    const { events, write } = this.#questions.withdraw();
    const step = this.#told(this.#acp.interrupt());
    // The cancellation goes first: an answer would have the agent go on.
    return {
      ...step,
      events: [...events, ...(step.events ?? [])],
      write: [...(step.write ?? []), ...write],
    };
  }

  request(request: HostRequest): Step {
    if (request.type !== "set_model") return this.#told(this.#acp.request(request));
    return this.#told(this.#acp.request({ ...request, model: ownModel(request.model) }));
  }

  tick(): Step {
    return this.#told(this.#acp.tick());
  }

  end(exit: AgentExit): Step {
    return this.#told(this.#acp.end(quietExit(exit)));
  }

  #update(line: string): Step {
    const message = parseJson(line);
    const params = objectField(message, "params");
    const update = objectField(params, "update");
    if (update["sessionUpdate"] === "user_message_chunk") this.#hasHistory = true;
    const below = this.#acp.isPrompted ? this.#subAgents.text(update) : undefined;
    if (below !== undefined) return { raw: message, events: below };
    const before = this.#acp.isPrompted ? this.#subAgents.other(update) : [];
    const step = this.#ownUpdate(line, message, params, update);
    return before.length === 0 ? step : { ...step, events: [...before, ...(step.events ?? [])] };
  }

  #ownUpdate(line: string, message: unknown, params: JsonObject, update: JsonObject): Step {
    const event = compacted(update, this.#isCompaction);
    if (event !== undefined) {
      // What the user asked for, the user is told as well.
      const told = event.trigger === "manual" ? this.#told(this.#acp.push(line)) : { raw: message };
      const events = [...(told.events ?? []), event];
      return { ...told, events, ...(this.#acp.isPrompted ? {} : { background: true }) };
    }
    const kind = update["sessionUpdate"];
    if (kind !== "tool_call" && kind !== "tool_call_update") return this.#told(this.#acp.push(line));
    const step = this.#passedOn(message, { ...params, update: this.#updates.update(update) });
    if (!this.#isUnasked(update)) return step;
    const name = stringField(objectField(update, "_meta"), "toolName") ?? "a tool";
    this.#failure = {
      code: "agent_error",
      message: `Qwen Code made a call of ${name} although nobody was asked. The turn was stopped.`,
      retryable: false,
    };
    const stop = this.interrupt();
    return {
      ...step,
      events: [...(step.events ?? []), ...(stop.events ?? [])],
      write: [...(step.write ?? []), ...(stop.write ?? [])],
    };
  }

  /** Whether a call begins that should have been asked about. It is too late for that one, and in time for the next. */
  #isUnasked(update: JsonObject): boolean {
    if (this.#input.permissions === "allow-all" || !this.#acp.isPrompted || this.#failure !== undefined)
      return false;
    const isBegun = update["sessionUpdate"] === "tool_call" && update["status"] === "in_progress";
    return isBegun && !this.#asked.has(stringField(update, "toolCallId") ?? "");
  }

  #permission(message: JsonObject, id: JsonRpcId, params: JsonObject): Step {
    const call = objectField(params, "toolCall");
    this.#asked.add(stringField(call, "toolCallId") ?? "");
    if (this.#questions.isQuestion(params)) return this.#question(message, id, params);
    const name = requestedTool(params, this.#servers);
    const isPlan = call["kind"] === "switch_mode";
    const known = { ...params, toolCall: this.#updates.asked(call, name) };
    return this.#passedOn(message, isPlan ? known : onceOnly(known));
  }

  #question(message: JsonObject, id: JsonRpcId, params: JsonObject): Step {
    if (!this.#acp.isPrompted || !this.#input.answersQuestions || this.#input.permissions === "deny-all") {
      return { raw: message, write: [declined(id)] };
    }
    this.#updates.asked(objectField(params, "toolCall"), questionTool);
    return { raw: message, events: [this.#questions.ask(id, params)] };
  }

  #passedOn(message: unknown, params: JsonObject): Step {
    const known = isJsonObject(message) ? message : {};
    return { ...this.#told(this.#acp.push(JSON.stringify({ ...known, params }))), raw: message };
  }

  #told(step: Step): Step {
    // A session that is not there is begun anew under the same id, without a word.
    if (step.ready === true && this.#isResuming && !this.#hasHistory) return { resumeLost: true };
    if (step.startError !== undefined) return { ...step, closeStdin: true };
    const write = [...(step.write ?? [])];
    const events = step.events?.flatMap((event) => this.#event(event, write));
    const responses = step.responses?.map((response) => {
      if (response.models === undefined) return response;
      const usable = response.models.filter(({ id }) => isUsable(id));
      return {
        ...response,
        models: usable.map((model) => ({
          ...model,
          id: toldModel(model.id),
          name: toldModel(model.name ?? model.id),
        })),
      };
    });
    return {
      ...step,
      ...(events === undefined ? {} : { events }),
      ...(write.length === 0 ? {} : { write }),
      ...(responses === undefined ? {} : { responses }),
    };
  }

  #event(event: AgentEventBody, write: string[]): readonly AgentEventBody[] {
    switch (event.type) {
      case "session.started":
      case "session.updated":
        return [event.model === undefined ? event : { ...event, model: toldModel(event.model) }];
      case "permission.requested":
        return this.#requested(event, write);
      case "tool.completed":
        return [callResult(event, this.#input.permissions === "deny-all")];
      case "turn.completed":
      case "turn.failed":
      case "turn.interrupted":
        return [this.#ended(event)];
      default:
        return [event];
    }
  }

  #ended(event: Ended): Ended {
    const error = this.#failure;
    this.#failure = undefined;
    if (error === undefined) return event;
    return { type: "turn.failed", error, ...(event.usage === undefined ? {} : { usage: event.usage }) };
  }

  #requested(
    event: Extract<AgentEventBody, { type: "permission.requested" }>,
    write: string[],
  ): readonly AgentEventBody[] {
    if (!this.#remembered.knows(event)) return [{ ...event, canRemember: true }];
    const answer = this.#acp.reply({ type: "permission", requestId: event.requestId, outcome: "allow" });
    write.push(...(answer.write ?? []));
    return [];
  }
}

type Ended = Extract<AgentEventBody, { type: "turn.completed" | "turn.failed" | "turn.interrupted" }>;
type Completed = Extract<AgentEventBody, { type: "tool.completed" }>;

/** What a command printed, and its exit code, stand in one text; and a refused call looks like one that failed. */
function callResult(event: Completed, deniesAll: boolean): Completed {
  if (event.status === "error" && (deniesAll || isRefusal(event.output)))
    return { ...event, status: "denied" };
  const result = shellResult(event.output);
  if (result === undefined) return event;
  const failed = event.status === "ok" && result.exitCode !== undefined && result.exitCode !== 0;
  return { ...event, ...result, ...(failed ? { status: "error" } : {}) };
}
