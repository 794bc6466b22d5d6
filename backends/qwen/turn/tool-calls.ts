import {
  arrayField,
  booleanField,
  isJsonObject,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type PlanEntry,
  type ToolStatus,
} from "../../../src/kit.ts";
import { answerTool, isRefusal, shellResult, toolKind, toolTitle } from "../tools.ts";

type Events = readonly AgentEventBody[];

interface OpenCall {
  readonly name: string;
  readonly input: JsonObject;
}

/** Makes events of tool calls and their results. */
export class ToolCalls {
  readonly #open = new Map<string, OpenCall>();
  /** Calls that hand over the answer, with it. */
  readonly #answers = new Map<string, JsonObject>();
  #refusedAnswer: JsonObject | undefined;
  readonly #deniesAll: boolean;

  /** With `deniesAll` no call can have failed for another reason. */
  constructor(deniesAll: boolean) {
    this.#deniesAll = deniesAll;
  }

  startProcess(): void {
    this.#open.clear();
    this.#answers.clear();
    this.#refusedAnswer = undefined;
  }

  /** The last answer that Qwen Code did not take. */
  get refusedAnswer(): JsonObject | undefined {
    return this.#refusedAnswer;
  }

  start(block: unknown, parent: string | undefined): Events {
    const toolCallId = stringField(block, "id");
    const name = stringField(block, "name");
    if (toolCallId === undefined || name === undefined || this.#open.has(toolCallId)) return [];
    if (name === answerTool) {
      // No work of the agent's: the turn's output tells it.
      this.#answers.set(toolCallId, objectField(block, "input"));
      return [];
    }
    const input = objectField(block, "input");
    this.#open.set(toolCallId, { name, input });
    const event = {
      type: "tool.started",
      toolCallId,
      name,
      kind: toolKind(name),
      title: toolTitle(name, input),
      input,
    } as const;
    return [parent === undefined ? event : { ...event, parentToolCallId: parent }];
  }

  /** `isInterrupting`: what fails now, fails because it is stopped. */
  complete(block: unknown, isInterrupting: boolean): Events {
    const toolCallId = stringField(block, "tool_use_id");
    if (toolCallId === undefined) return [];
    const call = this.#open.get(toolCallId);
    this.#open.delete(toolCallId);
    const isError = booleanField(block, "is_error") === true;
    const text = textOf(isJsonObject(block) ? block["content"] : undefined);
    const answer = this.#answers.get(toolCallId);
    if (answer !== undefined) {
      this.#answers.delete(toolCallId);
      this.#refusedAnswer = isError ? answer : undefined;
      return isError ? [refusedAnswer(text)] : [];
    }
    const result = call?.name === "run_shell_command" ? shellResult(text) : undefined;
    const failed = isError || (result?.exitCode !== undefined && result.exitCode !== 0);
    const status = failed ? this.#failedStatus(text, isInterrupting) : "ok";
    return [
      {
        type: "tool.completed",
        toolCallId,
        status,
        output: result?.output ?? text,
        ...(result?.exitCode === undefined ? {} : { exitCode: result.exitCode }),
      },
      ...(status === "ok" && call !== undefined ? effects(toolCallId, call, text) : []),
    ];
  }

  #failedStatus(text: string, isInterrupting: boolean): ToolStatus {
    if (this.#deniesAll || isRefusal(text)) return "denied";
    return isInterrupting ? "interrupted" : "error";
  }
}

/** The agent sees it too, and may hand over another one. */
function refusedAnswer(reason: string): AgentEventBody {
  return {
    type: "agent.notice",
    level: "warning",
    message: `The answer does not follow the schema: ${reason}`,
  };
}

/** What a call that ended well has changed. */
function effects(toolCallId: string, { name, input }: OpenCall, text: string): Events {
  const path = stringField(input, "file_path");
  switch (name) {
    case "write_file":
    case "edit": {
      if (path === undefined) return [];
      const isNew = /^(?:Successfully created|Created new file)/.test(text);
      return [{ type: "file.changed", path, change: isNew ? "added" : "modified", toolCallId }];
    }
    case "todo_write":
      return [{ type: "plan.updated", entries: planEntries(input) }];
    default:
      return [];
  }
}

function planEntries(input: JsonObject): readonly PlanEntry[] {
  return arrayField(input, "todos").flatMap((todo): PlanEntry[] => {
    const content = stringField(todo, "content");
    if (content === undefined) return [];
    const status = stringField(todo, "status");
    return [{ content, status: status === "in_progress" || status === "completed" ? status : "pending" }];
  });
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.flatMap((part) => stringField(part, "text") ?? []).join("\n") : "";
}
