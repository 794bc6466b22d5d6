import {
  arrayField,
  isJsonObject,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type TurnInput,
} from "../../../src/kit.ts";
import { toolTitle } from "../tools.ts";

/** What Qwen Code says of a compaction, in the agent's name. */
const compaction =
  /^IMPORTANT: This conversation approached the input token limit for .*\(compressed from: (\S+) to (\S+) tokens\)/;

/** The same, where the user asked for it by a command. */
const commandedCompaction = /^Context compressed \((\d+) -> (\d+)\)\.$/;

type Compacted = Extract<AgentEventBody, { type: "context.compacted" }>;

/** The compaction that an update's text tells of, where it is none of the agent's words. */
export function compacted(update: JsonObject, isCommand: boolean): Compacted | undefined {
  if (update["sessionUpdate"] !== "agent_message_chunk") return undefined;
  const text = stringField(objectField(update, "content"), "text") ?? "";
  const match = (isCommand ? commandedCompaction : compaction).exec(text);
  if (match === null) return undefined;
  const [before, after] = [Number(match[1]), Number(match[2])];
  return {
    type: "context.compacted",
    ...(Number.isFinite(before) ? { before } : {}),
    ...(Number.isFinite(after) ? { after } : {}),
    trigger: isCommand ? "manual" : "auto",
  };
}

/** Whether a prompt is the command to compact the conversation. */
export function isCompaction(content: TurnInput["content"]): boolean {
  const [first] = content;
  return first?.type === "text" && /^\/(?:compress|summarize)(?:\s|$)/.test(first.text);
}

/** Brings what Qwen Code tells of tool calls into the protocol's own form. */
export class CallUpdates {
  /** What is said of a call before it ends, and only then. */
  readonly #calls = new Map<string, JsonObject>();

  clear(): void {
    this.#calls.clear();
  }

  /** Takes in the call of a permission request, which is all that is said of an asked call until it ends. */
  asked(call: JsonObject, name: string | undefined): JsonObject {
    const meta = { ...objectField(call, "_meta"), ...(name === undefined ? {} : { toolName: name }) };
    return this.#learn(this.#titled({ ...call, _meta: meta }));
  }

  /** Takes in a `tool_call` or `tool_call_update`. */
  update(update: JsonObject): JsonObject {
    if (update["sessionUpdate"] === "tool_call") return this.#learn(this.#titled(update));
    const known = this.#calls.get(stringField(update, "toolCallId") ?? "") ?? {};
    const path = stringField(objectField(known, "rawInput"), "file_path");
    const content = arrayField(update, "content").map((item) => wholeDiff(item, path));
    return {
      ...known,
      ...update,
      ...(content.length === 0 ? {} : { content }),
      ...rawOutput(update["rawOutput"], content.length > 0),
    };
  }

  #learn(call: JsonObject): JsonObject {
    const { toolCallId, kind, title, rawInput } = call;
    if (typeof toolCallId !== "string") return call;
    this.#calls.set(toolCallId, { toolCallId, kind, title, rawInput });
    return call;
  }

  /** Its own titles are the command with the model's description behind it, or a tool's name in front. */
  #titled(call: JsonObject): JsonObject {
    const name = stringField(objectField(call, "_meta"), "toolName");
    return name === undefined ? call : { ...call, title: toolTitle(name, objectField(call, "rawInput")) };
  }
}

/** Of the file it names only the last part, and for one that was not there it says that it was empty. */
function wholeDiff(item: unknown, knownPath: string | undefined): unknown {
  if (!isJsonObject(item) || stringField(item, "type") !== "diff") return item;
  const path = knownPath ?? stringField(item, "path");
  const { oldText, ...rest } = item;
  return oldText === "" ? { ...rest, path } : { ...item, path };
}

/**
 * Of an edit it tells the whole file twice, and the diff, which the change of the file has. A text is for people to see,
 * and leaves out what stands in the content: the exit code of a command, for one.
 */
function rawOutput(raw: unknown, hasContent: boolean): { readonly rawOutput?: JsonObject | undefined } {
  if (typeof raw === "string" && hasContent) return { rawOutput: undefined };
  if (!isJsonObject(raw) || raw["fileDiff"] === undefined) return {};
  const { fileDiff: _diff, originalContent: _before, newContent: _after, ...rest } = raw;
  return { rawOutput: { ...rest, output: "" } };
}

/** The sub-agent's call that an update belongs to. */
export function parentCall(fields: JsonObject): string | undefined {
  return stringField(objectField(fields, "_meta"), "parentToolCallId");
}
