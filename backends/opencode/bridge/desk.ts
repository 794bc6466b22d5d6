import {
  arrayField,
  booleanField,
  objectField,
  stringField,
  type AgentEventBody,
  type HostAnswer,
  type JsonObject,
  type JsonRpcId,
  type Question,
} from "../../../src/kit.ts";
import { toolSubject } from "../tools.ts";
import { bridgeMethods } from "./plugin.ts";
import type { ToolParts } from "./tool-parts.ts";

export interface DeskStep {
  readonly events?: readonly AgentEventBody[];
  readonly write?: readonly string[];
}

interface Pending {
  readonly id: JsonRpcId;
  readonly type: "permission" | "question";
  readonly toolCallId: string;
  readonly key: string;
  readonly questions: readonly Question[];
}

const nobodyAnswers = "Nobody is there to answer questions: decide by yourself.";

/** The permissions and questions that the plugin waits for, from the request to the answer. */
export class BridgeDesk {
  readonly #tools: ToolParts;
  readonly #answersQuestions: boolean;
  readonly #pending = new Map<string, Pending>();
  /** Calls the host allowed for the rest of the session. */
  readonly #remembered = new Set<string>();
  #count = 0;

  constructor(tools: ToolParts, answersQuestions: boolean) {
    this.#tools = tools;
    this.#answersQuestions = answersQuestions;
  }

  startProcess(): void {
    this.#pending.clear();
  }

  /** `isOurs`: a turn is running, so that somebody can be asked. */
  request(id: JsonRpcId, method: string, params: JsonObject, isOurs: boolean): DeskStep {
    return method === bridgeMethods.question
      ? this.#question(id, params, isOurs)
      : this.#permission(id, params, isOurs);
  }

  reply(answer: HostAnswer): DeskStep {
    const pending = this.#pending.get(answer.requestId);
    if (pending?.type !== answer.type) return {};
    this.#pending.delete(answer.requestId);
    if (answer.type === "question") {
      if (answer.answers === undefined) return { write: [line(pending.id, {})] };
      const { answers } = answer;
      const given = pending.questions.map(({ id }) =>
        Object.hasOwn(answers, id) ? (answers[id] ?? []) : [],
      );
      const lists = given.map((each) => (typeof each === "string" ? [each] : each));
      return { write: [line(pending.id, { answers: lists })] };
    }
    if (answer.outcome === "deny") return this.#deny(pending.id, pending.toolCallId, answer.message);
    if (answer.remember === true) this.#remembered.add(pending.key);
    const { updatedInput } = answer;
    const args = updatedInput === undefined ? {} : { args: withoutAdditions(updatedInput) };
    return { write: [line(pending.id, { outcome: "allow", ...args })] };
  }

  /** The turn is being stopped, or over: what waits for an answer gets one. */
  withdraw(by: "interrupt" | "agent"): DeskStep {
    const all = [...this.#pending];
    this.#pending.clear();
    return {
      write: all.map(([, { id, type }]) =>
        line(id, type === "question" ? {} : { outcome: "deny", message: "The turn was stopped." }),
      ),
      events: all.map(([requestId]) => ({
        type: "permission.resolved",
        requestId,
        outcome: "cancelled",
        by,
      })),
    };
  }

  #permission(id: JsonRpcId, params: JsonObject, isOurs: boolean): DeskStep {
    const toolCallId = stringField(params, "callID") ?? "";
    const name = stringField(params, "tool") ?? "";
    const input = objectField(params, "args");
    if (!isOurs) return this.#deny(id, toolCallId, "No turn is running.");
    const [tool, started] = this.#tools.asked(
      name,
      toolCallId,
      input,
      stringField(params, "sessionID") ?? "",
    );
    const key = JSON.stringify([name, toolSubject(input) ?? input]);
    if (this.#remembered.has(key)) return { events: started, write: [line(id, { outcome: "allow" })] };
    const requestId = this.#wait({ id, type: "permission", toolCallId, key, questions: [] });
    return { events: [...started, { type: "permission.requested", requestId, tool, canRemember: true }] };
  }

  #question(id: JsonRpcId, params: JsonObject, isOurs: boolean): DeskStep {
    const questions = arrayField(params, "questions").map(toQuestion);
    if (!isOurs || !this.#answersQuestions || questions.length === 0) {
      return { write: [line(id, {})], events: isOurs ? [notice(nobodyAnswers)] : [] };
    }
    const toolCallId = stringField(params, "callID") ?? "";
    const requestId = this.#wait({ id, type: "question", toolCallId, key: "", questions });
    return { events: [{ type: "question.requested", requestId, questions }] };
  }

  #deny(id: JsonRpcId, toolCallId: string, message: string): DeskStep {
    this.#tools.deny(toolCallId);
    return { write: [line(id, { outcome: "deny", message: message || "The call was denied." })] };
  }

  #wait(pending: Pending): string {
    const requestId = `request-${++this.#count}`;
    this.#pending.set(requestId, pending);
    return requestId;
  }
}

function notice(message: string): AgentEventBody {
  return { type: "agent.notice", level: "info", message };
}

function line(id: JsonRpcId, result: JsonObject): string {
  return JSON.stringify({ jsonrpc: "2.0", id, result });
}

/** Without what the library put beside the tool's own arguments. */
function withoutAdditions(input: JsonObject): JsonObject {
  if (stringField(input, "patchText") === undefined) return input;
  const { changes: _changes, ...rest } = input;
  return rest;
}

/** Answers go back in the order of the questions, so that their place is the key. */
function toQuestion(value: unknown, place: number): Question {
  const header = stringField(value, "header");
  return {
    id: String(place),
    ...(header === undefined ? {} : { header }),
    question: stringField(value, "question") ?? "",
    options: arrayField(value, "options").map((option) => {
      const description = stringField(option, "description");
      const label = stringField(option, "label") ?? "";
      return description === undefined ? { label } : { label, description };
    }),
    multiSelect: booleanField(value, "multiple") === true,
  };
}
