import {
  arrayField,
  booleanField,
  isJsonObject,
  numberField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type Question,
  type QuestionAnswers,
} from "../../src/kit.ts";
import { responseLine } from "./wire.ts";

interface Asked {
  readonly toolCallId: string | undefined;
  readonly questions: readonly Question[];
}

/** Brings the agent's questions to the host, and its answers to the agent. */
export class Questions {
  readonly #open = new Map<string, Asked>();

  /** A new process: the last one's questions are gone. */
  reset(): void {
    this.#open.clear();
  }

  /** `undefined` when nothing is asked. */
  asked(requestId: string, params: JsonObject): AgentEventBody | undefined {
    const questions = arrayField(params, "questions").filter(isJsonObject).map(toQuestion);
    if (questions.length === 0) return undefined;
    this.#open.set(requestId, { toolCallId: stringField(params, "toolCallId"), questions });
    return { type: "question.requested", requestId, questions };
  }

  /** The line with the host's answers; `undefined` for a question that nobody waits for. */
  answer(requestId: string, answers: QuestionAnswers | undefined): string | undefined {
    const asked = this.#open.get(requestId);
    if (asked === undefined) return undefined;
    this.#open.delete(requestId);
    if (answers === undefined) return declined(requestId);
    return responseLine(requestId, {
      answers: asked.questions.map(({ id, question }) => {
        const given = Object.hasOwn(answers, id) ? answers[id] : undefined;
        const answer = given === undefined ? "" : typeof given === "string" ? given : given.join(", ");
        return { index: Number(id), question, answer };
      }),
    });
  }

  /** The call by which was asked has ended, or the turn has: nobody waits for the answer any more. */
  withdraw(toolCallId: string | undefined, isInterrupting: boolean): readonly AgentEventBody[] {
    const events: AgentEventBody[] = [];
    for (const [requestId, asked] of this.#open) {
      if (toolCallId !== undefined && asked.toolCallId !== toolCallId) continue;
      this.#open.delete(requestId);
      const by = isInterrupting ? "interrupt" : "agent";
      events.push({ type: "permission.resolved", requestId, outcome: "cancelled", by });
    }
    return events;
  }
}

export function declined(requestId: string): string {
  return responseLine(requestId, { cancelled: true, answers: [] });
}

function toQuestion(question: JsonObject, position: number): Question {
  const header = stringField(question, "topic");
  return {
    // Droid wants the number back.
    id: String(numberField(question, "index") ?? position + 1),
    ...(header === undefined ? {} : { header }),
    question: stringField(question, "question") ?? "",
    options: arrayField(question, "options").flatMap((option) => {
      const label = typeof option === "string" ? option : stringField(option, "label");
      return label === undefined ? [] : [{ label }];
    }),
    multiSelect: booleanField(question, "multiSelect") === true,
  };
}
