import {
  arrayField,
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
  type ToolKind,
} from "../../../src/kit.ts";
import { refusedTool } from "../tool-gate.ts";
import type { Approvals } from "./approvals.ts";
import type { Commands } from "./commands.ts";
import { itemCompleted, itemStarted } from "./items.ts";
import type { Threads } from "./threads.ts";

type Events = readonly AgentEventBody[];

/** What the session learns from items beside telling them on. */
export interface ItemContext {
  readonly threads: Threads;
  readonly approvals: Approvals;
  /** Codex's id of the running turn. */
  readonly turnId: string | undefined;
  readonly commands: Commands;
  /** Whether the notification is of the running turn. */
  readonly belongs: boolean;
}

/** The events of a notification about an item; `undefined` for one that is not known. */
export function itemEvents(method: string, params: JsonObject, context: ItemContext): Events | undefined {
  const messageId = stringField(params, "itemId") ?? "";
  const text = stringField(params, "delta") ?? "";
  const origin = context.threads.origin(params);
  switch (method) {
    case "item/started":
      return started(params, context);
    case "item/completed":
      return completed(params, context);
    case "item/agentMessage/delta":
      return [{ type: "message.delta", messageId, text, ...origin }];
    case "item/reasoning/summaryTextDelta":
    case "item/reasoning/textDelta":
      return [{ type: "reasoning.delta", messageId, text, ...origin }];
    case "item/reasoning/summaryPartAdded": {
      const isFirst = (numberField(params, "summaryIndex") ?? 0) === 0;
      return isFirst ? [] : [{ type: "reasoning.delta", messageId, text: "\n\n", ...origin }];
    }
    case "item/commandExecution/outputDelta":
      if (context.commands.isLeft(messageId)) return [];
      return [{ type: "tool.delta", toolCallId: messageId, output: text }];
    default:
      return undefined;
  }
}

function started(params: JsonObject, context: ItemContext): Events {
  const item = objectField(params, "item");
  context.approvals.itemStarted(item);
  context.threads.item(item, context.turnId);
  if (context.belongs) context.commands.started(item);
  return itemStarted(item, context.threads.origin(params));
}

function completed(params: JsonObject, { threads, approvals, commands, turnId }: ItemContext): Events {
  const item = objectField(params, "item");
  const wasStarted = approvals.itemCompleted(item);
  if (commands.isLeft(stringField(item, "id"))) return commands.leftCompleted(item);
  commands.completed(item);
  const ended = threads.item(item, turnId);
  const events = itemCompleted(item, threads.origin(params), wasStarted);
  if (ended === undefined) return events;
  const status = item["kind"] === "interrupted" ? "interrupted" : "ok";
  return [...events, { type: "tool.completed", toolCallId: ended, status, output: "" }];
}

/** A tool call that a hook refused never becomes an item. */
export function blockedCall(run: JsonObject): Events {
  if (stringField(run, "status") !== "blocked") return [];
  const feedback = arrayField(run, "entries").flatMap((entry) => stringField(entry, "text") ?? []);
  const name = feedback.map(refusedTool).find((tool) => tool !== undefined);
  const toolCallId = /:([^:/]+)$/.exec(stringField(run, "id") ?? "")?.[1];
  if (name === undefined || toolCallId === undefined) {
    const message = `A hook blocked a tool call: ${feedback.join(" ")}`;
    return [{ type: "agent.notice", level: "warning", message }];
  }
  return [
    { type: "tool.started", toolCallId, ...refusedCall(name), title: name, input: {} },
    { type: "tool.completed", toolCallId, status: "denied", output: "Not permitted in this session." },
  ];
}

/** The tool that the hook refused, named as its calls are elsewhere. */
function refusedCall(name: string): { readonly name: string; readonly kind: ToolKind } {
  if (name === "Bash") return { name: "shell", kind: "execute" };
  if (name === "apply_patch") return { name, kind: "edit" };
  return { name, kind: name.startsWith("mcp__") ? "mcp" : "other" };
}
