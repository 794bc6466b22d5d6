import {
  AcpProtocol,
  arrayField,
  objectField,
  parseJson,
  stringField,
  type AgentEventBody,
  type AgentExit,
  type AgentProtocol,
  type HostAnswer,
  type HostRequest,
  type NativeSession,
  type ProtocolInput,
  type Step,
  type TurnErrorInfo,
  type TurnInput,
} from "../../src/kit.ts";
import { Bridge } from "./bridge/bridge.ts";
import { effortRequest, effortRequestId } from "./effort.ts";
import { isSessionMissing, namedFailure, quietExit } from "./failures.ts";
import type { ModelNames } from "./models.ts";
import { promptOf } from "./slash-commands.ts";

const updatePrefix = '{"jsonrpc":"2.0","method":"session/update"';
const notArmed: TurnErrorInfo = {
  code: "session_start_failed",
  message:
    "OpenCode did not load the library's plugin, so that nothing would hold its tools back. Use the version that the library was tested with, without --pure and OPENCODE_PURE.",
  retryable: false,
};

/**
 * Speaks with one `opencode acp` at a time: by the Agent Client Protocol sessions are opened, prompted and stopped,
 * settings made; what the agent says and does comes from the plugin, which tells more, earlier and in order.
 */
export class SessionProtocol implements AgentProtocol {
  readonly #input: ProtocolInput;
  readonly #models: ModelNames;
  readonly #acp: AcpProtocol;
  readonly #bridge: Bridge;
  readonly #commands = new Set<string>();
  #isRunning = false;
  /** The process has no such session, and is of no use any more. */
  #isLost = false;
  #held: Step | undefined;

  constructor(input: ProtocolInput, models: ModelNames) {
    this.#input = input;
    this.#models = models;
    this.#bridge = new Bridge(input, { tellsCost: models.isPriced });
    const { model, ...rest } = input;
    // The servers are in the configuration: there OpenCode tells which could not be started.
    const own = { ...rest, mcpServers: {}, ...(model === undefined ? {} : { model: models.own(model) }) };
    this.#acp = new AcpProtocol(own, {
      agent: "opencode",
      product: "OpenCode",
      resumeBy: "resume",
      isSessionMissing: (error) => isSessionMissing(error.message),
      failureOf: (error) =>
        namedFailure({ data: { message: error.message.replace(/^Internal error: /, "") } }),
    });
  }

  open(start: { readonly resume?: NativeSession }): Step {
    this.#isRunning = false;
    this.#isLost = false;
    this.#held = undefined;
    this.#commands.clear();
    this.#bridge.startProcess();
    return this.#acp.open(start);
  }

  prompt(turn: TurnInput): Step {
    this.#isRunning = true;
    this.#bridge.reader.beginTurn();
    return this.#told(this.#acp.prompt({ ...turn, content: promptOf(turn.content, this.#commands) }));
  }

  push(line: string): Step {
    if (line.startsWith(updatePrefix)) return this.#update(line);
    const message = parseJson(line);
    const step = this.#bridge.receive(message, this.#isRunning);
    if (step !== undefined) return step;
    // What OpenCode's own permissions ask for, the plugin answers.
    if (stringField(message, "method") === "session/request_permission") return { raw: message };
    if (stringField(message, "id") === effortRequestId) return this.#released();
    return this.#withEffort(this.#told(this.#acp.push(line)), message);
  }

  reply(answer: HostAnswer): Step {
    return this.#bridge.reply(answer);
  }

  interrupt(): Step {
    this.#bridge.reader.isInterrupting = true;
    const withdrawn = this.#bridge.withdraw("interrupt");
    const step = this.#told(this.#acp.interrupt());
    // The cancellation goes first: a denied call would have the agent go on.
    return {
      ...step,
      events: [...(withdrawn.events ?? []), ...(step.events ?? [])],
      write: [...(step.write ?? []), ...(withdrawn.write ?? [])],
    };
  }

  request(request: HostRequest): Step {
    if (request.type !== "set_model") return this.#told(this.#acp.request(request));
    const step = this.#told(this.#acp.request({ ...request, model: this.#models.own(request.model) }));
    const responses = step.responses?.map(({ error, ...response }) => ({
      ...response,
      ...(error === undefined ? {} : { error: this.#models.toldIn(error) }),
    }));
    return { ...step, ...(responses === undefined ? {} : { responses }) };
  }

  tick(): Step {
    return this.#told(this.#acp.tick());
  }

  end(exit: AgentExit): Step {
    const step = this.#told(this.#acp.end(quietExit(exit)));
    return this.#isLost ? {} : step;
  }

  /** Of these, only what the plugin does not tell. */
  #update(line: string): Step {
    if (line.includes('"sessionUpdate":"config_option_update"')) return this.#told(this.#acp.push(line));
    if (line.includes('"sessionUpdate":"available_commands_update"')) {
      const update = objectField(objectField(parseJson(line), "params"), "update");
      for (const command of arrayField(update, "availableCommands")) {
        this.#commands.add(stringField(command, "name") ?? "");
      }
    }
    return {};
  }

  /** Holds a step back in which OpenCode has chosen a level of thinking of its own, until it is set right. */
  #withEffort(step: Step, message: unknown): Step {
    const sessionId = this.#bridge.reader.mainSessionId;
    if ((step.ready !== true && step.responses === undefined) || sessionId === undefined) return step;
    const result = objectField(message, "result");
    const request = effortRequest(result, sessionId, this.#input.thinking ?? "default");
    if (request === undefined) return step;
    this.#held = step;
    return { raw: message, write: [request] };
  }

  #released(): Step {
    const held = this.#held ?? {};
    this.#held = undefined;
    return held;
  }

  /** A step of the protocol's, with what the plugin knows better. */
  #told(step: Step): Step {
    if (step.ready === true && !this.#bridge.isArmed) return { startError: notArmed, closeStdin: true };
    if (step.resumeLost === true) this.#isLost = true;
    // It would wait for a better request.
    if (step.startError !== undefined) return { ...step, closeStdin: true };
    if (step.nativeSessionId !== undefined) this.#bridge.reader.sessionOpened(step.nativeSessionId);
    const responses = step.responses?.map((response) =>
      response.models === undefined
        ? response
        : {
            ...response,
            models: response.models.map((model) => ({ ...model, id: this.#models.told(model.id) })),
          },
    );
    const events = step.events?.flatMap((event) => this.#event(event));
    // A turn may have ended with a permission that nobody waits for any more.
    const withdrawn = this.#isRunning ? {} : this.#bridge.withdraw("agent");
    return {
      ...step,
      ...(events === undefined ? {} : { events: [...(withdrawn.events ?? []), ...events] }),
      ...(responses === undefined ? {} : { responses }),
      ...(withdrawn.write === undefined ? {} : { write: [...(step.write ?? []), ...withdrawn.write] }),
    };
  }

  #event(event: AgentEventBody): readonly AgentEventBody[] {
    const { figures, failure, stopReason } = this.#bridge.reader;
    const { usage, costUsd } = figures;
    const spent = {
      ...(usage === undefined ? {} : { usage }),
      ...(costUsd === undefined ? {} : { costUsd }),
    };
    switch (event.type) {
      case "session.started":
      case "session.updated": {
        const { model } = event;
        return [model === undefined ? event : { ...event, model: this.#models.told(model) }];
      }
      case "turn.completed":
        this.#isRunning = false;
        return [
          {
            type: "turn.completed",
            stopReason: stopReason === "end_turn" ? event.stopReason : stopReason,
            ...figures,
          },
        ];
      case "turn.failed": {
        this.#isRunning = false;
        const isOfProcess = event.error.code === "agent_exited";
        return [
          { type: "turn.failed", error: isOfProcess ? event.error : (failure ?? event.error), ...spent },
        ];
      }
      case "turn.interrupted":
        this.#isRunning = false;
        return [{ type: "turn.interrupted", by: event.by, ...spent }];
      default:
        return [event];
    }
  }
}
