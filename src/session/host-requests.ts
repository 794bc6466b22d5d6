import { errorText } from "../errors/error-text.ts";
import type { Redactor } from "../errors/redactor.ts";
import { wellFormed } from "../kit/well-formed.ts";
import type { CompiledPolicy, PolicyVerdict } from "../permissions/permission-policy.ts";
import type { HostAnswer } from "../spec/backend.ts";
import type { AgentEventBody, QuestionAnswers } from "../spec/events.ts";
import type { PermissionDecision, QuestionHandler } from "../spec/permissions.ts";
import { answersProblem, decisionProblem } from "./host-answers.ts";
import type { TurnLedger } from "./turn-ledger.ts";

type PermissionRequested = Extract<AgentEventBody, { type: "permission.requested" }>;
type QuestionRequested = Extract<AgentEventBody, { type: "question.requested" }>;
type AllowedAnswer = Extract<HostAnswer, { type: "permission"; outcome: "allow" }>;

export interface HostRequestsOptions {
  readonly sessionId: string;
  readonly cwd: string;
  readonly agent: string;
  readonly policy: CompiledPolicy;
  readonly onQuestion: QuestionHandler | undefined;
  /** How long a handler may take before the answer is no. */
  readonly permissionTimeoutMs: number | undefined;
  readonly updatedInput: boolean;
  readonly redactor: Redactor;
  readonly ledger: TurnLedger;
  readonly reply: (answer: HostAnswer) => void;
}

/** A request that a handler thinks about. Known by itself, since agents use an id again in their next process. */
interface OpenRequest {
  readonly requestId: string;
  readonly controller: AbortController;
  timer: NodeJS.Timeout | undefined;
}

/** Answers what the agent asks the host: permissions by the policy or its handler, questions by theirs. */
export class HostRequests {
  readonly #options: HostRequestsOptions;
  readonly #open = new Map<string, OpenRequest>();

  constructor(options: HostRequestsOptions) {
    this.#options = options;
  }

  /** Notices requests, and their ends, among the agent's events. */
  observe(body: AgentEventBody): void {
    if (body.type === "permission.requested") this.#permission(body);
    else if (body.type === "question.requested") this.#question(body);
    else if (body.type === "permission.resolved") {
      this.#withdraw(this.#open.get(body.requestId), "The agent withdrew the request.");
    }
  }

  /** The turn is over: handlers that still think about one of its requests are told, and their answers are not used. */
  cancelClosed(): void {
    for (const request of [...this.#open.values()]) {
      if (!this.#options.ledger.isOpenRequest(request.requestId)) this.#withdraw(request, "The turn ended.");
    }
  }

  #permission(body: PermissionRequested): void {
    const verdict = this.#evaluate(body);
    if (verdict === "allow") this.#allow(body.requestId, "policy", "allow");
    else if (verdict === "deny") this.#deny(body.requestId, "policy", "Denied by the host's policy.");
    else void this.#askHandler(body);
  }

  #evaluate(body: PermissionRequested): PolicyVerdict {
    try {
      return this.#options.policy.evaluate(body.tool, this.#options.cwd);
    } catch {
      // A tool call that rules cannot even be applied to is not one that they allow.
      return "deny";
    }
  }

  /** Whatever goes wrong in the handler, the answer is no. */
  async #askHandler(body: PermissionRequested): Promise<void> {
    const { policy, sessionId, agent, updatedInput } = this.#options;
    const { requestId, tool } = body;
    const request = this.#begin(requestId);
    this.#limit(request);
    try {
      const { signal } = request.controller;
      const decision: unknown = await policy.handler?.({ requestId, sessionId, tool, signal });
      if (!this.#finish(request)) return;
      const problem = decisionProblem(decision, { agent, updatedInput });
      if (problem === undefined) this.#decide(requestId, decision as PermissionDecision);
      else this.#refuse(requestId, `The permission handler ${problem}`, problem);
    } catch (error) {
      // The agent is told no more than that: the error is the host's own affair.
      if (this.#finish(request)) {
        this.#refuse(requestId, `The permission handler failed: ${errorText(error)}`, "failed.");
      }
    }
  }

  #limit(request: OpenRequest): void {
    const { permissionTimeoutMs } = this.#options;
    if (permissionTimeoutMs === undefined) return;
    request.timer = setTimeout(() => {
      if (!this.#finish(request)) return;
      this.#deny(request.requestId, "timeout", "The host did not answer in time.");
      request.controller.abort(new DOMException("The time for an answer is over.", "TimeoutError"));
    }, permissionTimeoutMs);
  }

  #decide(requestId: string, decision: PermissionDecision): void {
    const outcome = typeof decision === "string" ? decision : decision.outcome;
    if (outcome === "allow") this.#allow(requestId, "host", decision);
    else {
      const message = typeof decision === "object" && "message" in decision ? decision.message : undefined;
      this.#deny(requestId, "host", message ?? "Denied by the host.");
    }
  }

  #refuse(requestId: string, notice: string, problem: string): void {
    this.#notice(requestId, notice);
    this.#deny(requestId, "host", `The host's permission handler ${problem}`);
  }

  #notice(requestId: string, message: string): void {
    const { ledger, redactor } = this.#options;
    if (!ledger.isOpenRequest(requestId)) return;
    ledger.accept({ type: "agent.notice", level: "error", message: redactor.redact(message) });
  }

  #allow(requestId: string, by: "policy" | "host", decision: PermissionDecision): void {
    const { ledger, reply } = this.#options;
    if (!ledger.resolve({ type: "permission.resolved", requestId, outcome: "allowed", by })) return;
    const answer: AllowedAnswer = { type: "permission", requestId, outcome: "allow" };
    if (typeof decision === "string" || decision.outcome === "deny") {
      reply(answer);
      return;
    }
    const { updatedInput, remember } = decision;
    reply({
      ...answer,
      ...(updatedInput === undefined ? {} : { updatedInput }),
      ...(remember === undefined ? {} : { remember }),
    });
  }

  #deny(requestId: string, by: "policy" | "host" | "timeout", message: string): void {
    const { ledger, reply } = this.#options;
    if (!ledger.resolve({ type: "permission.resolved", requestId, outcome: "denied", by, message })) return;
    reply({ type: "permission", requestId, outcome: "deny", message: wellFormed(message) });
  }

  #question(body: QuestionRequested): void {
    const { onQuestion } = this.#options;
    if (onQuestion === undefined) this.#answer(body.requestId, "policy", undefined);
    else void this.#askQuestion(body, onQuestion);
  }

  async #askQuestion(body: QuestionRequested, onQuestion: QuestionHandler): Promise<void> {
    const { sessionId } = this.#options;
    const { requestId, questions } = body;
    const request = this.#begin(requestId);
    let answers: unknown;
    let failure: string | undefined;
    try {
      answers = await onQuestion({ requestId, sessionId, questions, signal: request.controller.signal });
      failure = answersProblem(answers);
    } catch (error) {
      failure = `failed: ${errorText(error)}`;
    }
    if (!this.#finish(request)) return;
    if (failure !== undefined) this.#notice(requestId, `The question handler ${failure}`);
    const given = failure === undefined ? (answers as QuestionAnswers | undefined) : undefined;
    this.#answer(requestId, "host", given && wellFormedAnswers(given));
  }

  #answer(requestId: string, by: "policy" | "host", answers: QuestionAnswers | undefined): void {
    const { ledger, reply } = this.#options;
    const given = answers === undefined ? {} : { answers };
    if (ledger.resolve({ type: "question.resolved", requestId, by, ...given })) {
      reply({ type: "question", requestId, ...given });
    }
  }

  #begin(requestId: string): OpenRequest {
    const request: OpenRequest = { requestId, controller: new AbortController(), timer: undefined };
    this.#open.set(requestId, request);
    return request;
  }

  /** Whether this request was still waiting for its answer. */
  #finish(request: OpenRequest): boolean {
    clearTimeout(request.timer);
    if (this.#open.get(request.requestId) !== request) return false;
    this.#open.delete(request.requestId);
    return true;
  }

  #withdraw(request: OpenRequest | undefined, message: string): void {
    if (request === undefined || !this.#finish(request)) return;
    request.controller.abort(new DOMException(message, "AbortError"));
  }
}

function wellFormedAnswers(answers: QuestionAnswers): QuestionAnswers {
  return Object.fromEntries(
    Object.entries(answers).map(([questionId, answer]) => [
      questionId,
      typeof answer === "string" ? wellFormed(answer) : answer.map(wellFormed),
    ]),
  );
}
