import {
  isJsonObject,
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type HostAnswer,
  type JsonObject,
  type ProtocolInput,
  type Step,
} from "../../../src/kit.ts";
import { BridgeDesk, type DeskStep } from "./desk.ts";
import { bridgeMethods } from "./plugin.ts";
import { BridgeReader, type ReaderOptions } from "./reader.ts";

/** The library's end of the lines that the plugin writes and reads. */
export class Bridge {
  readonly reader: BridgeReader;
  readonly #desk: BridgeDesk;
  #isArmed = false;

  constructor(input: ProtocolInput, options: Pick<ReaderOptions, "tellsCost">) {
    const deniesAll = input.permissions === "deny-all";
    this.reader = new BridgeReader({ ...options, deniesAll, mcpServers: input.mcpServers });
    this.#desk = new BridgeDesk(this.reader.tools, input.answersQuestions);
  }

  /** Whether the plugin was loaded: without it no tool call would be asked about. */
  get isArmed(): boolean {
    return this.#isArmed;
  }

  startProcess(): void {
    this.#isArmed = false;
    this.reader.startProcess();
    this.#desk.startProcess();
  }

  /** The step of a line of the plugin's; `undefined` for any other. `isOurs`: a turn is running. */
  receive(message: unknown, isOurs: boolean): Step | undefined {
    const method = stringField(message, "method");
    if (!isJsonObject(message) || method?.startsWith("_playpen/") !== true) return undefined;
    const params = objectField(message, "params");
    const events = this.#events(method, params);
    if (events !== undefined) return stepOf({ events }, message, !isOurs);
    const id = stringField(message, "id") ?? numberField(message, "id");
    if (id === undefined || (method !== bridgeMethods.permission && method !== bridgeMethods.question)) {
      return stepOf({ events: [{ type: "agent.unknown", raw: message }] }, message, !isOurs);
    }
    return stepOf(this.#desk.request(id, method, params, isOurs), message, !isOurs);
  }

  reply(answer: HostAnswer): Step {
    return stepOf(this.#desk.reply(answer));
  }

  withdraw(by: "interrupt" | "agent"): Step {
    return stepOf(this.#desk.withdraw(by));
  }

  #events(method: string, params: JsonObject): readonly AgentEventBody[] | undefined {
    switch (method) {
      case bridgeMethods.hello:
        this.#isArmed ||= numberField(params, "version") === 1;
        return [];
      case bridgeMethods.event:
        return this.reader.event(stringField(params, "type") ?? "", objectField(params, "properties"));
      case bridgeMethods.prompt:
        return this.reader.prompted(params);
      default:
        return undefined;
    }
  }
}

function stepOf({ events = [], write = [] }: DeskStep, raw?: unknown, background = false): Step {
  return {
    ...(raw === undefined ? {} : { raw }),
    ...(events.length === 0 ? {} : { events, ...(background ? { background } : {}) }),
    ...(write.length === 0 ? {} : { write }),
  };
}
