import type { ModelRequest } from "./model-request.ts";
import { resolveToolCall, structuredOutputCall, type ToolCall } from "./offered-tools.ts";
import { recallText } from "./scenarios.ts";
import type { FaultStep, Script, ScriptStep, ScriptUsage, ToolStep } from "./script.ts";

/** A part of an answer that a dialect renders. */
export type ContentPart =
  | { readonly type: "text"; readonly text: string; readonly times?: number }
  | { readonly type: "think"; readonly text: string }
  | { readonly type: "call"; readonly call: ToolCall };

export type ReplyPart = ContentPart | FaultStep;

/** The answer to one request. */
export interface Reply {
  readonly parts: readonly ReplyPart[];
  readonly delayMs: number;
  readonly usage: Required<ScriptUsage>;
  readonly stopReason?: string;
}

interface Answer {
  readonly parts: ReplyPart[];
  calls: number;
  delayMs: number;
  usage: ScriptUsage;
  stopReason?: string;
}

/** Counts how often a fault was met, for a bounded number of requests. */
export class FaultCounter {
  readonly #met = new Map<string, number>();
  readonly #limit: number;

  constructor(limit = 1000) {
    this.#limit = limit;
  }

  /** Tells whether the fault is due once more, and counts it. */
  take(key: string, times: number): boolean {
    const met = this.#met.get(key) ?? 0;
    this.#met.delete(key);
    this.#met.set(key, met + 1);
    for (const oldest of this.#met.keys()) {
      if (this.#met.size <= this.#limit) break;
      this.#met.delete(oldest);
    }
    return met < times;
  }
}

/** Picks the answer that is due in a turn. */
export function dueReply(script: Script, request: ModelRequest, faults: FaultCounter): Reply {
  const answers = cutIntoAnswers(script, request);
  let callsBefore = 0;
  let index = 0;
  for (const answer of answers) {
    if (answer.calls === 0 || request.toolResults < callsBefore + answer.calls) break;
    callsBefore += answer.calls;
    index += 1;
  }
  const answer = answers[index] ?? lastAnswer(answers.at(-1));
  const parts = answer.parts.filter((part, place) => {
    const times = part.type === "text" || !("times" in part) ? undefined : part.times;
    return times === undefined || faults.take(`${request.key}:${index}:${place}`, times);
  });
  // An answer of which only faults are left, all of them spent, must still say something.
  if (parts.length === 0) parts.push({ type: "text", text: "Done." });
  return {
    parts,
    delayMs: answer.delayMs,
    usage: fillUsage(answer.usage, parts, request),
    ...(answer.stopReason === undefined ? {} : { stopReason: answer.stopReason }),
  };
}

function cutIntoAnswers(script: Script, request: ModelRequest): Answer[] {
  let current: Answer = { parts: [], calls: 0, delayMs: 0, usage: {} };
  const answers = [current];
  const next = (): void => {
    current = { parts: [], calls: 0, delayMs: current.delayMs, usage: current.usage };
    answers.push(current);
  };
  for (const step of script) {
    switch (step.type) {
      case "slow":
      case "usage":
      case "stop":
        // Behind a call they speak of the answer that follows its result.
        if (current.calls > 0) next();
        if (step.type === "slow") current.delayMs = step.delayMs;
        else if (step.type === "usage") current.usage = step.usage;
        else current.stopReason = step.reason;
        break;
      default: {
        const part = toPart(step, request);
        const joins = "together" in step && step.together;
        if (current.calls > 0 && !joins) next();
        current.parts.push(part);
        if (part.type === "call") current.calls += 1;
      }
    }
  }
  return answers;
}

function toPart(
  step: Exclude<ScriptStep, { type: "slow" | "usage" | "stop" }>,
  request: ModelRequest,
): ReplyPart {
  switch (step.type) {
    case "text":
    case "think":
    case "status":
    case "hang":
    case "drop":
    case "wait":
      return step;
    case "recall":
      return { type: "text", text: recallText(request.prompts) };
    case "json":
      return structuredPart(step, request);
    default:
      return { type: "call", call: resolveToolCall(step, request) };
  }
}

function structuredPart(step: Extract<ToolStep, { type: "json" }>, request: ModelRequest): ReplyPart {
  const call = structuredOutputCall(step.value, request);
  return call === undefined ? { type: "text", text: JSON.stringify(step.value) } : { type: "call", call };
}

function lastAnswer(before: Answer | undefined): Answer {
  return {
    parts: [{ type: "text", text: "Done." }],
    calls: 0,
    delayMs: before?.delayMs ?? 0,
    usage: before?.usage ?? {},
  };
}

function fillUsage(
  usage: ScriptUsage,
  parts: readonly ReplyPart[],
  request: ModelRequest,
): Required<ScriptUsage> {
  const lengthOf = (type: ReplyPart["type"]): number =>
    parts.filter((part) => part.type === type).reduce((sum, part) => sum + partLength(part), 0);
  const reasoning = usage.reasoning ?? tokens(lengthOf("think"));
  return {
    input: usage.input ?? tokens(request.prompts.reduce((sum, prompt) => sum + prompt.length, 0)),
    output: usage.output ?? reasoning + tokens(lengthOf("text") + lengthOf("call")),
    cacheRead: usage.cacheRead ?? 0,
    cacheWrite: usage.cacheWrite ?? 0,
    reasoning,
  };
}

function partLength(part: ReplyPart): number {
  switch (part.type) {
    case "text":
      return part.text.length * (part.times ?? 1);
    case "think":
      return part.text.length;
    case "call":
      return JSON.stringify(part.call.input).length;
    default:
      return 0;
  }
}

/** A token is about four characters. */
function tokens(characters: number): number {
  return Math.ceil(characters / 4);
}
