import {
  arrayField,
  booleanField,
  isJsonObject,
  objectField,
  parseJson,
  stringField,
  type AgentEventBody,
  type HostAnswer,
  type JsonObject,
  type Question,
  type QuestionAnswers,
} from "../../src/kit.ts";
import { permissionTitle, questionTitle } from "./bridge.ts";
import { toolRequest } from "./tools.ts";

/** How Pi wants the answer to a dialog. */
type Form =
  | {
      readonly type: "permission";
      readonly toolCallId: string | undefined;
      readonly name: string;
      readonly input: JsonObject;
    }
  /** The library's own tool. */
  | { readonly type: "questions"; readonly toolCallId: string | undefined }
  /** Dialogs of other extensions. */
  | { readonly type: "value" }
  | { readonly type: "confirm" };

/** What follows from a dialog or its answer. */
export interface DialogStep {
  readonly write?: string;
  readonly event?: AgentEventBody;
  /** The call will not be made. */
  readonly deniedToolCallId?: string;
  /** The call is made with another input. */
  readonly changed?: { readonly toolCallId: string; readonly input: JsonObject };
}

const yes = "Yes";
const no = "No";

/** Brings the dialogs of extensions to the host, and its answers to them. */
export class Dialogs {
  readonly #open = new Map<string, Form>();
  /** Calls the host allowed for the rest of the session. */
  readonly #remembered = new Set<string>();

  /** A new process: the last one's dialogs are gone. */
  reset(): void {
    this.#open.clear();
  }

  /** A dialog that waits for an answer. One that the host does not answer is closed at once, which is a no. */
  request(
    dialog: JsonObject,
    host: { readonly decides: boolean; readonly answersQuestions: boolean },
  ): DialogStep {
    const id = stringField(dialog, "id") ?? "";
    const title = stringField(dialog, "title") ?? "";
    const isPermission = title === permissionTitle;
    if (!(isPermission ? host.decides : host.answersQuestions)) return { write: cancelled(id) };
    if (isPermission) return this.#permission(id, parseJson(stringField(dialog, "placeholder") ?? ""));
    if (title === questionTitle)
      return this.#questions(id, parseJson(stringField(dialog, "placeholder") ?? ""));
    return this.#foreign(id, dialog);
  }

  reply(answer: HostAnswer): DialogStep {
    const { requestId } = answer;
    const form = this.#open.get(requestId);
    if (form === undefined || (form.type === "permission") !== (answer.type === "permission")) return {};
    this.#open.delete(requestId);
    if (answer.type === "question") return { write: answerLine(requestId, form, answer.answers) };
    if (form.type !== "permission") return {};
    if (answer.outcome === "deny") {
      const write = valueLine(requestId, { allow: false, message: answer.message });
      return form.toolCallId === undefined ? { write } : { write, deniedToolCallId: form.toolCallId };
    }
    if (answer.remember === true) this.#remembered.add(callKey(form.name, form.input));
    const { updatedInput } = answer;
    if (updatedInput === undefined) return { write: valueLine(requestId, { allow: true }) };
    const write = valueLine(requestId, { allow: true, input: updatedInput });
    return form.toolCallId === undefined
      ? { write }
      : { write, changed: { toolCallId: form.toolCallId, input: updatedInput } };
  }

  /** A call has ended, so that nothing waits for an answer about it any more. */
  withdraw(toolCallId: string, isInterrupting: boolean): readonly AgentEventBody[] {
    return this.#close(
      (form) => "toolCallId" in form && form.toolCallId === toolCallId,
      isInterrupting ? "interrupt" : "agent",
    );
  }

  /** The agent's run has ended, and with it what it asked. */
  withdrawAll(isInterrupting: boolean): readonly AgentEventBody[] {
    return this.#close(() => true, isInterrupting ? "interrupt" : "agent");
  }

  #close(isMeant: (form: Form) => boolean, by: "interrupt" | "agent"): readonly AgentEventBody[] {
    const events: AgentEventBody[] = [];
    for (const [requestId, form] of this.#open) {
      if (!isMeant(form)) continue;
      this.#open.delete(requestId);
      events.push({ type: "permission.resolved", requestId, outcome: "cancelled", by });
    }
    return events;
  }

  #permission(id: string, request: unknown): DialogStep {
    const name = stringField(request, "toolName") ?? "";
    const input = objectField(request, "input");
    const toolCallId = stringField(request, "toolCallId");
    if (this.#remembered.has(callKey(name, input))) return { write: valueLine(id, { allow: true }) };
    this.#open.set(id, { type: "permission", toolCallId, name, input });
    const tool = toolRequest(name, input);
    return {
      event: {
        type: "permission.requested",
        requestId: id,
        tool: toolCallId === undefined ? tool : { ...tool, toolCallId },
        canRemember: true,
      },
    };
  }

  #questions(id: string, request: unknown): DialogStep {
    const questions = arrayField(request, "questions").filter(isJsonObject).map(toQuestion);
    if (questions.length === 0) return { write: cancelled(id) };
    this.#open.set(id, { type: "questions", toolCallId: stringField(request, "toolCallId") });
    return { event: { type: "question.requested", requestId: id, questions } };
  }

  #foreign(id: string, dialog: JsonObject): DialogStep {
    const method = stringField(dialog, "method");
    const title = stringField(dialog, "title") ?? "";
    const message = stringField(dialog, "message");
    const labels =
      method === "confirm"
        ? [yes, no]
        : arrayField(dialog, "options").filter((item) => typeof item === "string");
    this.#open.set(id, { type: method === "confirm" ? "confirm" : "value" });
    const question: Question = {
      id: "answer",
      ...(message === undefined ? {} : { header: title }),
      question: message ?? title,
      options: labels.map((label) => ({ label })),
      multiSelect: false,
    };
    return { event: { type: "question.requested", requestId: id, questions: [question] } };
  }
}

/** "The like" of a call: the same tool on the same command or path; any call where there is none of these. */
function callKey(name: string, input: JsonObject): string {
  return JSON.stringify([name, stringField(input, "command") ?? stringField(input, "path") ?? ""]);
}

function toQuestion(question: JsonObject, index: number): Question {
  const header = stringField(question, "header");
  return {
    id: stringField(question, "id") ?? String(index),
    ...(header === undefined ? {} : { header }),
    question: stringField(question, "question") ?? "",
    options: arrayField(question, "options").map((option) => {
      const description = stringField(option, "description");
      const label = stringField(option, "label") ?? "";
      return description === undefined ? { label } : { label, description };
    }),
    multiSelect: booleanField(question, "multiSelect") === true,
  };
}

function answerLine(id: string, form: Form, answers: QuestionAnswers | undefined): string {
  if (answers === undefined) return cancelled(id);
  if (form.type === "questions") return valueLine(id, { answers });
  const [given] = Object.values(answers);
  const text = given === undefined ? undefined : typeof given === "string" ? given : given.join(", ");
  if (text === undefined) return cancelled(id);
  return response(id, form.type === "confirm" ? { confirmed: text === yes } : { value: text });
}

function valueLine(id: string, value: JsonObject): string {
  return response(id, { value: JSON.stringify(value) });
}

function cancelled(id: string): string {
  return response(id, { cancelled: true });
}

function response(id: string, fields: JsonObject): string {
  return JSON.stringify({ type: "extension_ui_response", id, ...fields });
}
