import {
  arrayField,
  booleanField,
  isJsonObject,
  objectField,
  stringField,
  type AgentEventBody,
  type HostAnswer,
  type JsonObject,
  type PermissionMode,
  type Question,
  type QuestionAnswers,
} from "../../src/kit.ts";
import type { AllowedTools } from "./allowed-tools.ts";
import { answerToolName } from "./answer-schema.ts";
import { toolKind, toolName, toolSubject, toolTitle } from "./tools.ts";
import { responseLine } from "./wire.ts";

/** What the CLI is told about a call: a line to write, an event, or both. */
export interface DeskStep {
  readonly write?: string;
  readonly event?: AgentEventBody;
  /** The call will not be made. */
  readonly deniedToolCallId?: string;
}

interface OpenRequest {
  readonly type: "permission" | "question";
  readonly toolCallId: string | undefined;
  readonly name: string;
  readonly input: JsonObject;
}

export const hookCallbackId = "permission";

/**
 * Hooks for the CLI's `initialize` request. The CLI asks by itself only about calls that it holds to be dangerous; a
 * hook is called for each one, and its "ask" has every call put to the host, whatever mode, rules and other hooks
 * say. That a hook times out counts as consent to the CLI's own judgement, hence the long time; the answer takes no
 * time, since only the question that follows waits for people.
 */
export function permissionHooks(mode: PermissionMode, isConfined: boolean): JsonObject {
  if (mode === "allow-all" && !isConfined) return {};
  return { PreToolUse: [{ hookCallbackIds: [hookCallbackId], timeout: 86_400 }] };
}

/** Decides on tool calls, or puts them to the host, and brings the host's answers into the CLI's form. */
export class PermissionDesk {
  readonly #mode: PermissionMode;
  readonly #answersQuestions: boolean;
  readonly #allowed: AllowedTools;
  readonly #open = new Map<string, OpenRequest>();
  /** Calls the host allowed for the rest of the session. */
  readonly #remembered = new Set<string>();

  constructor(mode: PermissionMode, answersQuestions: boolean, allowed: AllowedTools) {
    this.#mode = mode;
    this.#answersQuestions = answersQuestions;
    this.#allowed = allowed;
  }

  /** A new process: the last one's questions need no answer any more. */
  reset(): void {
    this.#open.clear();
  }

  /** The hook's answer; the host is asked by the `can_use_tool` that follows. */
  hook(requestId: string, request: JsonObject): DeskStep {
    const name = toolName(stringField(request["input"], "tool_name") ?? "");
    const refusal = this.#refusal(name);
    if (refusal !== undefined) {
      const write = hookLine(requestId, "deny", refusal);
      const toolCallId = stringField(request, "tool_use_id");
      return toolCallId === undefined ? { write } : { write, deniedToolCallId: toolCallId };
    }
    if (name === answerToolName) return { write: hookLine(requestId, "allow", "It only gives the answer.") };
    return { write: hookLine(requestId, "ask", "Each tool call is put to the host program.") };
  }

  canUseTool(requestId: string, request: JsonObject): DeskStep {
    const name = toolName(stringField(request, "tool_name") ?? "");
    const input = objectField(request, "input");
    const toolCallId = stringField(request, "tool_use_id");
    const refusal = this.#refusal(name);
    if (refusal !== undefined) return denied(requestId, toolCallId, refusal);
    if (name === answerToolName) return { write: allowLine(requestId, input) };
    if (name === "AskUserQuestion") return this.#question(requestId, { name, input, toolCallId });
    if (this.#mode === "allow-all" || this.#remembered.has(callKey(name, input))) {
      return { write: allowLine(requestId, input) };
    }
    this.#open.set(requestId, { type: "permission", toolCallId, name, input });
    const tool = { name, kind: toolKind(name), title: toolTitle(name, input), input };
    return {
      event: {
        type: "permission.requested",
        requestId,
        tool: toolCallId === undefined ? tool : { ...tool, toolCallId },
        canRemember: true,
      },
    };
  }

  reply(answer: HostAnswer): DeskStep {
    const { requestId } = answer;
    const request = this.#open.get(requestId);
    if (request?.type !== answer.type) return {};
    this.#open.delete(requestId);
    if (answer.type === "question") {
      if (answer.answers === undefined) {
        return denied(requestId, request.toolCallId, "The user declined to answer.");
      }
      const answers = answerTexts(answer.answers);
      return { write: allowLine(requestId, { ...request.input, answers }) };
    }
    if (answer.outcome === "deny") return denied(requestId, request.toolCallId, answer.message);
    if (answer.remember === true) this.#remembered.add(callKey(request.name, request.input));
    return { write: allowLine(requestId, answer.updatedInput ?? request.input) };
  }

  /** The CLI does not wait for the answer any more. */
  withdraw(requestId: string, isInterrupting: boolean): DeskStep {
    const request = this.#open.get(requestId);
    this.#open.delete(requestId);
    if (request === undefined) return {};
    const by = isInterrupting ? "interrupt" : "agent";
    return { event: { type: "permission.resolved", requestId, outcome: "cancelled", by } };
  }

  /** Why a call cannot be made whatever the host says; `undefined` where it may. */
  #refusal(name: string): string | undefined {
    if (name === answerToolName) return undefined;
    if (this.#mode === "deny-all") return "No tool may be used in this session.";
    return this.#allowed.allows(name) ? undefined : `The tool ${name} may not be used in this session.`;
  }

  #question(requestId: string, call: Omit<OpenRequest, "type">): DeskStep {
    const questions = arrayField(call.input, "questions").filter(isJsonObject).map(toQuestion);
    if (!this.#answersQuestions || questions.length === 0) {
      return denied(requestId, call.toolCallId, "Nobody is there to answer questions: decide by yourself.");
    }
    this.#open.set(requestId, { type: "question", ...call });
    return { event: { type: "question.requested", requestId, questions } };
  }
}

type HookDecision = "allow" | "ask" | "deny";

function hookLine(requestId: string, permissionDecision: HookDecision, reason: string): string {
  return responseLine(requestId, {
    hookSpecificOutput: {
      hookEventName: "PreToolUse",
      permissionDecision,
      permissionDecisionReason: reason,
    },
  });
}

function allowLine(requestId: string, updatedInput: JsonObject): string {
  // Without the input the CLI takes the answer for a mistake, and denies.
  return responseLine(requestId, { behavior: "allow", updatedInput });
}

function denied(requestId: string, toolCallId: string | undefined, message: string): DeskStep {
  const write = responseLine(requestId, { behavior: "deny", message: message || "The call was denied." });
  return toolCallId === undefined ? { write } : { write, deniedToolCallId: toolCallId };
}

/** "The like" of a call: the same tool on the same command, path or address; any call where there is none of these. */
function callKey(name: string, input: JsonObject): string {
  return JSON.stringify([name, toolSubject(input)]);
}

/** The CLI wants the answers by the text of the question. */
function toQuestion(question: JsonObject): Question {
  const text = stringField(question, "question") ?? "";
  const header = stringField(question, "header");
  return {
    id: text,
    ...(header === undefined ? {} : { header }),
    question: text,
    options: arrayField(question, "options").map((option) => {
      const description = stringField(option, "description");
      const label = stringField(option, "label") ?? "";
      return description === undefined ? { label } : { label, description };
    }),
    multiSelect: booleanField(question, "multiSelect") === true,
  };
}

function answerTexts(answers: QuestionAnswers): JsonObject {
  const texts: { [question: string]: string } = {};
  for (const [question, answer] of Object.entries(answers)) {
    texts[question] = typeof answer === "string" ? answer : answer.join(", ");
  }
  return texts;
}
