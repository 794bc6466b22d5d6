import { isJsonObject, parseJson, stringField } from "../kit/json.ts";
import { show } from "../kit/validate-options.ts";
import type { JsonObject } from "../spec/json.ts";
import type { AgentEventBody, BackendEventType } from "../spec/events.ts";
import type { Step } from "../spec/backend.ts";

/** A line that a scripted agent prints: a step of the backend contract, as JSON. */
export type ScriptedLine = Omit<Step, "raw">;

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isNumber: Check = (value) => typeof value === "number";
const isList: Check = Array.isArray;
const isTool: Check = (value) => hasMembers(value, { name: isText, kind: isText, input: isJsonObject });

const textMembers = { messageId: isText };
const deltaMembers = { messageId: isText, text: isText };

/** What an event must have, so that whoever gets it may rely on its type. */
const eventMembers: { readonly [Type in BackendEventType]: { readonly [member: string]: Check } } = {
  "session.started": { agent: isText, cwd: isText, resumed: isFlag },
  "session.updated": {},
  "message.started": textMembers,
  "message.delta": deltaMembers,
  "message.completed": deltaMembers,
  "reasoning.started": textMembers,
  "reasoning.delta": deltaMembers,
  "reasoning.completed": deltaMembers,
  "tool.started": { toolCallId: isText, name: isText, kind: isText, title: isText, input: isJsonObject },
  "tool.delta": { toolCallId: isText, output: isText },
  "tool.completed": { toolCallId: isText, status: isText, output: isText },
  "file.changed": { path: isText, change: isText },
  "plan.updated": { entries: isList },
  "permission.requested": { requestId: isText, tool: isTool, canRemember: isFlag },
  "permission.resolved": { requestId: isText, outcome: isText, by: isText },
  "question.requested": { requestId: isText, questions: isList },
  "usage.updated": { usage: isUsage },
  "context.compacted": { trigger: isText },
  "agent.retrying": { attempt: isNumber, reason: isText },
  "agent.notice": { level: isText, message: isText },
  "agent.unparsed": { line: isText, bytes: isNumber, truncated: isFlag },
  "agent.unknown": {},
  "turn.completed": { stopReason: isText },
  "turn.failed": { error: isError },
  "turn.interrupted": { by: isText },
};

const stepMembers: { readonly [member: string]: Check } = {
  events: (value) => isList(value) && (value as readonly unknown[]).every(isEvent),
  background: isFlag,
  write: (value) => isList(value) && (value as readonly unknown[]).every(isText),
  closeStdin: isFlag,
  wakeAfterMs: isNumber,
  ready: isFlag,
  startError: isError,
  resumeLost: isFlag,
  nativeSessionId: isText,
  responses: (value) =>
    isList(value) && (value as readonly unknown[]).every((item) => hasMembers(item, { id: isText })),
};

/** Reads what a scripted agent printed. Whatever the line holds, a well-formed step comes of it. */
export function parseScriptedLine(line: string): Step {
  const raw = parseJson(line);
  if (!isJsonObject(raw)) {
    return {
      events: [{ type: "agent.unparsed", line: line.slice(0, 2048), bytes: line.length, truncated: false }],
    };
  }
  if (!isScriptedLine(raw)) return { events: [{ type: "agent.unknown", raw }], raw };
  return {
    ...raw,
    // Another object: the core takes the events over, and puts this one beside them.
    get raw() {
      return parseJson(line);
    },
  };
}

function isScriptedLine(value: object): value is ScriptedLine {
  return Object.entries(value).every(([name, member]) => {
    return Object.hasOwn(stepMembers, name) && stepMembers[name]?.(member) === true;
  });
}

function isEvent(value: unknown): value is AgentEventBody {
  return isJsonObject(value) && eventProblem(value) === undefined;
}

/** What keeps a value from being an event of an agent, as the end of a sentence. */
export function eventProblem(value: JsonObject): string | undefined {
  const type = stringField(value, "type");
  if (type === undefined || !Object.hasOwn(eventMembers, type))
    return `has a type that no agent tells: ${show(value["type"])}`;
  const wrong = Object.entries(eventMembers[type as BackendEventType]).find(
    ([name, check]) => !check(value[name]),
  );
  if (wrong === undefined) return undefined;
  const [name] = wrong;
  return `(${type}) needs another ${show(name)} than ${show(value[name])}`;
}

function isError(value: unknown): boolean {
  return hasMembers(value, { code: isText, message: isText, retryable: isFlag });
}

function isUsage(value: unknown): boolean {
  return hasMembers(value, { inputTokens: isNumber, outputTokens: isNumber });
}

function hasMembers(value: unknown, members: { readonly [member: string]: Check }): boolean {
  return isJsonObject(value) && Object.entries(members).every(([name, check]) => check(value[name]));
}
