import { show } from "../kit/validate-options.ts";
import { type AgentEvent, endsTurn } from "../spec/events.ts";

interface OpenText {
  text: string;
  readonly seq: number;
}

/** What was begun and not yet ended by one turn, or between turns. */
interface Scope {
  readonly name: string;
  readonly texts: Map<string, OpenText>;
  readonly tools: Map<string, number>;
  readonly requests: Map<string, number>;
  /** Everything of it that was begun, ended or not. */
  readonly seen: Set<string>;
  wasStarted: boolean;
  terminal: AgentEvent | undefined;
}

/**
 * Checks the whole log of a session, from its first event on, against what the library promises of every stream of
 * events. Returns each violation in words; an empty list is what it should be.
 *
 * - `seq` starts at 1 and has no gap, `at` never goes back, all events are of one session.
 * - A turn has one terminal event, which is its last. Nothing follows `session.ended`.
 * - Messages, reasoning, tool calls, permissions and questions that were begun are ended: those of a turn before its
 *   terminal event, the others before `session.ended`. Nothing is ended that was not begun, or is ended twice.
 * - The deltas of a message add up to the text it is completed with.
 *
 * @throws TypeError for what is no array.
 *
 * @example
 * ```ts
 * const events: AgentEvent[] = [];
 * for await (const event of session.events({ from: 1 })) events.push(event);
 * assert.deepEqual(checkEventInvariants(events), []);
 * ```
 */
export function checkEventInvariants(events: readonly AgentEvent[]): readonly string[] {
  const given: unknown = events;
  if (!Array.isArray(given)) {
    throw new TypeError(`checkEventInvariants(): events must be an array, received ${show(given)}.`);
  }
  const checker = new InvariantChecker();
  for (const event of events) checker.take(event);
  return checker.end();
}

class InvariantChecker {
  readonly #violations: string[] = [];
  readonly #scopes = new Map<string | undefined, Scope>();
  #last: AgentEvent | undefined;

  take(event: AgentEvent): void {
    this.#checkEnvelope(event);
    this.#last = event;
    const scope = this.#scopeOf(event.turnId);
    if (scope.terminal !== undefined) {
      this.#report(event, `comes after the ${scope.terminal.type} of ${scope.name}`);
    }
    this.#checkContent(event, scope);
    if (!endsTurn(event.type)) return;
    if (event.turnId === undefined) this.#report(event, "belongs to no turn");
    scope.terminal ??= event;
    this.#checkClosed(event, scope);
  }

  end(): readonly string[] {
    for (const [turnId, scope] of this.#scopes) {
      if (turnId !== undefined && scope.terminal === undefined) {
        this.#violations.push(`${scope.name} has no terminal event`);
      }
    }
    return this.#violations;
  }

  #checkEnvelope(event: AgentEvent): void {
    const last = this.#last;
    const expected = (last?.seq ?? 0) + 1;
    if (event.seq !== expected) this.#report(event, `should have seq ${String(expected)}`);
    if (last === undefined) return;
    if (event.at < last.at)
      this.#report(event, `is ${String(last.at - event.at)} ms older than the one before`);
    if (event.sessionId !== last.sessionId) this.#report(event, "is of another session");
    if (last.type === "session.ended") this.#report(event, "comes after session.ended");
  }

  #checkContent(event: AgentEvent, scope: Scope): void {
    switch (event.type) {
      case "turn.started":
        if (scope.wasStarted) this.#report(event, "starts its turn a second time");
        scope.wasStarted = true;
        return;
      case "message.started":
      case "reasoning.started":
        this.#begin(event, scope, textKey(event), () => {
          scope.texts.set(textKey(event), { text: "", seq: event.seq });
        });
        return;
      case "message.delta":
      case "reasoning.delta":
        this.#delta(event, scope.texts.get(textKey(event)));
        return;
      case "message.completed":
      case "reasoning.completed":
        this.#completeText(event, scope);
        return;
      case "tool.started":
        this.#begin(event, scope, `tool ${event.toolCallId}`, () =>
          scope.tools.set(event.toolCallId, event.seq),
        );
        return;
      case "tool.delta":
        if (!scope.tools.has(event.toolCallId))
          this.#report(event, `is of no open tool call ${event.toolCallId}`);
        return;
      case "tool.completed":
        if (!scope.tools.delete(event.toolCallId))
          this.#report(event, `ends no open tool call ${event.toolCallId}`);
        return;
      case "permission.requested":
      case "question.requested":
        if (scope.requests.has(event.requestId))
          this.#report(event, `asks again while ${event.requestId} is open`);
        scope.requests.set(event.requestId, event.seq);
        return;
      case "permission.resolved":
      case "question.resolved":
        if (!scope.requests.delete(event.requestId))
          this.#report(event, `answers no open request ${event.requestId}`);
        return;
      case "session.ended":
        for (const each of this.#scopes.values()) this.#checkClosed(event, each);
        return;
      default:
    }
  }

  #begin(event: AgentEvent, scope: Scope, key: string, open: () => void): void {
    if (scope.seen.has(key)) this.#report(event, `begins ${key} a second time`);
    scope.seen.add(key);
    open();
  }

  #delta(event: TextEvent & { readonly text: string }, open: OpenText | undefined): void {
    if (open === undefined) this.#report(event, `is of no open ${textKey(event)}`);
    else open.text += event.text;
    if (event.text === "") this.#report(event, "is empty");
  }

  #completeText(event: TextEvent & { readonly text: string }, scope: Scope): void {
    const key = textKey(event);
    const open = scope.texts.get(key);
    scope.texts.delete(key);
    if (open === undefined) this.#report(event, `ends no open ${key}`);
    else if (open.text !== event.text) this.#report(event, `has another text than the deltas of ${key}`);
  }

  #checkClosed(event: AgentEvent, scope: Scope): void {
    const open = [
      ...[...scope.texts.keys()],
      ...[...scope.tools.keys()].map((id) => `tool ${id}`),
      ...[...scope.requests.keys()].map((id) => `request ${id}`),
    ];
    if (open.length > 0) this.#report(event, `leaves open in ${scope.name}: ${open.join(", ")}`);
    scope.texts.clear();
    scope.tools.clear();
    scope.requests.clear();
  }

  #scopeOf(turnId: string | undefined): Scope {
    let scope = this.#scopes.get(turnId);
    if (scope === undefined) {
      scope = {
        name: turnId === undefined ? "the session" : `turn ${turnId}`,
        texts: new Map(),
        tools: new Map(),
        requests: new Map(),
        seen: new Set(),
        wasStarted: false,
        terminal: undefined,
      };
      this.#scopes.set(turnId, scope);
    }
    return scope;
  }

  #report(event: AgentEvent, problem: string): void {
    this.#violations.push(`event ${String(event.seq)} (${event.type}) ${problem}`);
  }
}

type TextEvent = Extract<AgentEvent, { readonly messageId: string }>;

function textKey(event: TextEvent): string {
  return `${event.type.startsWith("message") ? "message" : "reasoning"} ${event.messageId}`;
}
