import { createHash } from "node:crypto";
import type { JsonObject } from "../../spec/json.ts";

/** A tool that the CLI offers to the model. */
export interface OfferedTool {
  readonly name: string;
  /** `function` takes a JSON object, `custom` takes raw text. */
  readonly kind: "function" | "custom";
  /** The group that a tool belongs to, in the dialects that have groups. */
  readonly namespace?: string;
  readonly description: string;
  /** The JSON schema of each parameter. */
  readonly parameters: JsonObject;
}

/** A CLI's request for the next answer, in words common to all dialects. */
export interface ModelRequest {
  readonly dialect: string;
  readonly model: string;
  readonly stream: boolean;
  /** Every prompt of the user in the conversation, oldest first, without what the CLI wrapped around it. */
  readonly prompts: readonly string[];
  /** The prompt to answer: the last one, or empty. */
  readonly prompt: string;
  /** How many tool calls of this turn have their result. */
  readonly toolResults: number;
  readonly tools: readonly OfferedTool[];
  /** The directory the agent works in, where the CLI tells the model. */
  readonly cwd?: string;
  /** The format that the CLI wants the answer in, with its JSON schema, as the API has it. */
  readonly outputSchema?: JsonObject;
  /** What the CLI wants for itself: such a request is no turn of the user's. */
  readonly side?: SideRequest;
  /** The same for a repeated request, and for no other. */
  readonly key: string;
  /** The body as it came. */
  readonly body: JsonObject;
}

/**
 * `title` names the session, `probe` tries the connection, `compaction` shortens the conversation, `summary` puts
 * something into a few words, `memory` looks for what is worth keeping beyond the session, and `decision` wants a choice
 * made in a form that the request prescribes.
 */
export type SideRequest = "title" | "probe" | "compaction" | "summary" | "memory" | "decision";

/** One thing in a conversation, as far as it decides what is due. */
export type ConversationEntry =
  | { readonly type: "user"; readonly text: string }
  | { readonly type: "tool-result"; readonly callId: string };

/** Elements that CLIs put around or beside what the user typed. */
const wrappers = [
  "system-reminder",
  "environment_context",
  "user_instructions",
  "permissions instructions",
  "skills_instructions",
  "turn_aborted",
  "subagent_notification",
  "task-notification",
  "local-command-stdout",
  "local-command-caveat",
  "command-name",
  "command-message",
  "command-args",
  "image",
  "current_datetime",
  "session_context",
] as const;

const wrapped = new RegExp(`<(${wrappers.join("|")})(?: [^>]*)?>[\\s\\S]*?</\\1>`, "g");
const notTyped = new RegExp(
  `^(?:${[
    "\\[Request interrupted by user",
    "# AGENTS\\.md instructions",
    "</?image",
    "This is the (?:Qwen Code|Gemini CLI)\\. We are setting up the context for our chat",
    "\\[System: You ",
    "System: Potential loop detected",
  ].join("|")})`,
);
/** How Claude Code hands over a message that came while the agent was at work. */
const steered = /The user sent a new message while you were working:\n([\s\S]*?)\n\nIMPORTANT:/;

/** Takes off what a CLI added to a prompt; empty when nothing of it is the user's. */
export function typedText(text: string): string {
  const whileWorking = steeredText(text);
  if (whileWorking !== undefined) return whileWorking;
  const bare = text.replace(wrapped, "").trim();
  return notTyped.test(bare) ? "" : bare;
}

/** What the user typed while the agent was at work, when the text is about that. */
export function steeredText(text: string): string | undefined {
  return steered.exec(text)?.[1]?.trim();
}

/** Finds the prompts of a conversation, and how far the last one has come. */
export function readConversation(
  entries: Iterable<ConversationEntry>,
): Pick<ModelRequest, "prompts" | "prompt" | "toolResults"> {
  const prompts: string[] = [];
  let results = new Set<string>();
  for (const entry of entries) {
    if (entry.type === "tool-result") {
      results.add(entry.callId);
      continue;
    }
    const typed = typedText(entry.text);
    if (typed === "") continue;
    prompts.push(typed);
    results = new Set();
  }
  return { prompts, prompt: prompts.at(-1) ?? "", toolResults: results.size };
}

const workingDirectory =
  /(?:working directory: `?|working in the directory: |\*\*Workspace Directories:\*\*\n\s*- )(\/[^\n`]*)/i;

export function findCwd(texts: Iterable<string>): string | undefined {
  let found: string | undefined;
  for (const text of texts) {
    const match = /<cwd>([^<]+)<\/cwd>/.exec(text) ?? workingDirectory.exec(text);
    found = match?.[1]?.trim() ?? found;
  }
  return found;
}

/** Makes the key that a repeated request has in common with the first attempt. */
export function requestKey(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
