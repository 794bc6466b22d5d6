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
import { serverMark } from "../mcp-gate.ts";
import { askedTool, questionTool } from "../tools.ts";

const alwaysLabel = /^Always Allow in project: ([\s\S]+)$/;

/**
 * The tool that a permission is asked for. Those of MCP servers are known by what the option to allow them for good is
 * called: the gate has put marks behind the name, by which the server is known.
 */
export function requestedTool(params: JsonObject, servers: readonly string[]): string | undefined {
  const call = objectField(params, "toolCall");
  const told = stringField(objectField(call, "_meta"), "toolName");
  if (told !== undefined) return told;
  const kind = stringField(call, "kind");
  const input = objectField(call, "rawInput");
  const isMcp = kind === "other" && stringField(call, "title") === JSON.stringify(input);
  return isMcp ? mcpTool(params, servers) : askedTool(kind, input);
}

function mcpTool(params: JsonObject, servers: readonly string[]): string {
  const labels = arrayField(params, "options").map(
    (option) => alwaysLabel.exec(stringField(option, "name") ?? "")?.[1],
  );
  const marked = labels.find((label) => label !== undefined);
  if (marked === undefined) return "mcp__unknown";
  const name = marked.replace(new RegExp(`${serverMark}+$`), "");
  const place = (marked.length - name.length) / serverMark.length;
  return `mcp__${servers[place] ?? "unknown"}__${name}`;
}

/** Without the options that would write rules into the project's settings, or change the mode of the session. */
export function onceOnly(params: JsonObject): JsonObject {
  const options = arrayField(params, "options").filter(
    (option) => stringField(option, "kind") !== "allow_always",
  );
  return { ...params, options };
}

interface PendingQuestion {
  readonly id: JsonRpcId;
  readonly submit: string;
}

/** The questions of the agent, which Qwen Code asks as permissions with an answer. */
export class QuestionDesk {
  readonly #pending = new Map<string, PendingQuestion>();
  #count = 0;

  clear(): void {
    this.#pending.clear();
  }

  isQuestion(params: JsonObject): boolean {
    const call = objectField(params, "toolCall");
    return askedTool(stringField(call, "kind"), objectField(call, "rawInput")) === questionTool;
  }

  ask(id: JsonRpcId, params: JsonObject): AgentEventBody {
    const options = arrayField(params, "options");
    const submit = options.find((option) => stringField(option, "kind") === "allow_once");
    const requestId = `question-${++this.#count}`;
    this.#pending.set(requestId, { id, submit: stringField(submit, "optionId") ?? "proceed_once" });
    const questions = arrayField(objectField(objectField(params, "toolCall"), "rawInput"), "questions");
    return { type: "question.requested", requestId, questions: questions.map(toQuestion) };
  }

  /** The line that answers; nothing when it is none of these questions. */
  reply(answer: Extract<HostAnswer, { type: "question" }>): string | undefined {
    const pending = this.#pending.get(answer.requestId);
    if (pending === undefined) return undefined;
    this.#pending.delete(answer.requestId);
    if (answer.answers === undefined) return declined(pending.id);
    const answers = Object.fromEntries(
      Object.entries(answer.answers).map(([id, given]) => [
        id,
        typeof given === "string" ? given : given.join(", "),
      ]),
    );
    return line(pending.id, { outcome: { outcome: "selected", optionId: pending.submit }, answers });
  }

  /** Declines those that are open: the turn is being stopped. */
  withdraw(): { readonly events: readonly AgentEventBody[]; readonly write: readonly string[] } {
    const all = [...this.#pending];
    this.#pending.clear();
    return {
      write: all.map(([, { id }]) => declined(id)),
      events: all.map(([requestId]) => ({
        type: "permission.resolved",
        requestId,
        outcome: "cancelled",
        by: "interrupt",
      })),
    };
  }
}

export function declined(id: JsonRpcId): string {
  return line(id, { outcome: { outcome: "cancelled" } });
}

function line(id: JsonRpcId, result: JsonObject): string {
  return JSON.stringify({ jsonrpc: "2.0", id, result });
}

/** Qwen Code wants the answers by the place of the question. */
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
    multiSelect: booleanField(value, "multiSelect") === true,
  };
}
