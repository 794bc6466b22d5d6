import type { CompiledPolicy } from "../permissions/permission-policy.ts";
import { isJsonObject } from "../kit/json.ts";
import { show } from "../kit/validate-options.ts";
import type { HostAnswer } from "../spec/backend.ts";
import type { AgentEventBody, QuestionAnswers } from "../spec/events.ts";
import type { PermissionDecision, QuestionHandler } from "../spec/permissions.ts";
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
  readonly ledger: TurnLedger;
  readonly reply: (answer: HostAnswer) => void;
}

/** Answers what the agent asks the host: permissions by the policy or its handler, questions by theirs. */
export class HostRequests {
  readonly #options: HostRequestsOptions;
  readonly #open = new Map<string, AbortController>();

  constructor(options: HostRequestsOptions) {
    this.#options = options;
  }

  /** Notices requests, and their ends, among the agent's events. */
  observe(body: AgentEventBody): void {
    if (body.type === "permission.requested") this.#permission(body);
    else if (body.type === "question.requested") void this.#question(body);
    else if (body.type === "permission.resolved")
      this.#withdraw(body.requestId, "The agent withdrew the request.");
  }

  /** The turn is over: handlers that still think are told, and their answers are not used. */
  cancelAll(): void {
    for (const requestId of [...this.#open.keys()]) this.#withdraw(requestId, "The turn ended.");
  }

  #permission(body: PermissionRequested): void {
    const { policy, cwd } = this.#options;
    const verdict = policy.evaluate(body.tool, cwd);
    if (verdict === "allow") this.#allow(body.requestId, "policy", "allow");
    else if (verdict === "deny") this.#deny(body.requestId, "policy", "Denied by the host's policy.");
    else void this.#askHandler(body);
  }

  /** Whatever goes wrong in the handler, the answer is no. */
  async #askHandler(body: PermissionRequested): Promise<void> {
    const { policy, sessionId, permissionTimeoutMs } = this.#options;
    const { requestId, tool } = body;
    const controller = this.#begin(requestId);
    const timer =
      permissionTimeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            this.#deny(requestId, "timeout", "The host did not answer in time.");
            controller.abort(new DOMException("The time for an answer is over.", "TimeoutError"));
          }, permissionTimeoutMs);
    try {
      const decision: unknown = await policy.handler?.({
        requestId,
        sessionId,
        tool,
        signal: controller.signal,
      });
      const problem = this.#problemWith(decision);
      if (problem === undefined) this.#decide(requestId, decision as PermissionDecision);
      else this.#refuse(requestId, problem);
    } catch (error) {
      this.#refuse(
        requestId,
        `The permission handler failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    } finally {
      clearTimeout(timer);
      this.#open.delete(requestId);
    }
  }

  #decide(requestId: string, decision: PermissionDecision): void {
    const outcome = typeof decision === "string" ? decision : decision.outcome;
    if (outcome === "allow") this.#allow(requestId, "host", decision);
    else {
      const message = typeof decision === "object" && "message" in decision ? decision.message : undefined;
      this.#deny(requestId, "host", message ?? "Denied by the host.");
    }
  }

  #problemWith(decision: unknown): string | undefined {
    const outcome: unknown = isJsonObject(decision) ? decision["outcome"] : decision;
    if (outcome !== "allow" && outcome !== "deny") {
      return `The permission handler returned ${show(decision)} instead of "allow", "deny" or { outcome }.`;
    }
    const updated: unknown = isJsonObject(decision) ? decision["updatedInput"] : undefined;
    if (updated === undefined) return undefined;
    if (!isJsonObject(updated)) return "The permission handler returned an updatedInput that is no object.";
    if (!this.#options.updatedInput)
      return `${this.#options.agent} cannot take another input for a tool call.`;
    return undefined;
  }

  #refuse(requestId: string, message: string): void {
    if (!this.#options.ledger.isOpenRequest(requestId)) return;
    this.#options.ledger.accept({ type: "agent.notice", level: "error", message });
    this.#deny(requestId, "host", message);
  }

  #allow(requestId: string, by: "policy" | "host", decision: PermissionDecision): void {
    const { ledger, reply } = this.#options;
    if (!ledger.resolve({ type: "permission.resolved", requestId, outcome: "allowed", by })) return;
    const answer: AllowedAnswer = { type: "permission", requestId, outcome: "allow" };
    if (typeof decision === "string" || decision.outcome === "deny") return void reply(answer);
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
    reply({ type: "permission", requestId, outcome: "deny", message });
  }

  async #question(body: QuestionRequested): Promise<void> {
    const { ledger, onQuestion, sessionId, reply } = this.#options;
    const { requestId, questions } = body;
    const controller = this.#begin(requestId);
    let answers: QuestionAnswers | undefined;
    try {
      answers = await onQuestion?.({ requestId, sessionId, questions, signal: controller.signal });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `The question handler failed: ${reason}`;
      if (ledger.isOpenRequest(requestId)) ledger.accept({ type: "agent.notice", level: "error", message });
    }
    this.#open.delete(requestId);
    const given = answers === undefined ? {} : { answers };
    const by = onQuestion === undefined ? "policy" : "host";
    if (ledger.resolve({ type: "question.resolved", requestId, by, ...given })) {
      reply({ type: "question", requestId, ...given });
    }
  }

  #begin(requestId: string): AbortController {
    const controller = new AbortController();
    this.#open.set(requestId, controller);
    return controller;
  }

  #withdraw(requestId: string, message: string): void {
    const controller = this.#open.get(requestId);
    this.#open.delete(requestId);
    controller?.abort(new DOMException(message, "AbortError"));
  }
}
