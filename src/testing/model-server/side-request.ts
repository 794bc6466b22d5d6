import type { OfferedTool, SideRequest } from "./model-request.ts";

/** The tool by which Qwen Code has a question of its own answered; nothing else is on offer then. */
export const answerToolName = "respond_in_schema";

/** What tells a request that a CLI makes for itself from a turn of the user's. */
interface Clues {
  /** The texts of the instructions, apart from the conversation. */
  readonly instructions: readonly string[];
  readonly prompt: string;
  readonly tools: readonly OfferedTool[];
}

const compactionPrompts = [
  /CONTEXT CHECKPOINT COMPACTION/,
  /\b(?:Your task is to|Please) create a detailed summary of (?:the|our|this) conversation/,
  // Gemini CLI and Qwen Code have a snapshot written; Gemini CLI has it improved as well.
  /\bgenerate the (?:updated )?<state_snapshot>|the <state_snapshot> you just generated/,
];
const compactionInstructions = [/^You are a context summarization (?:agent|assistant)\b/];
const titleInstructions = [
  /\btitle generator\b/i,
  /\b(?:generat|writ|creat|suggest)\w* an? [\w\s,-]{0,40}\btitle\b/i,
];
const titlePrompts = [/^Generate a session title for this message:/];
const decisionInstructions = [
  /You are a specialized Task Routing AI/,
  /You are a diagnostic agent that determines whether a conversational AI assistant is stuck/,
];
const decisionPrompts = [
  /^Analyze \*only\* the content and structure of your immediately preceding response/,
];
const memoryInstructions = [
  /^You are now acting as the managed memory extraction subagent/,
  /^You are performing a managed memory dream/,
];
const summaryInstructions = [/^You generate session recaps\b/, /^Write a short summary label\b/];
const summaryPrompts = [
  /^Summarize the user's primary intent or goal in this conversation/,
  /^Summarize the following tool output/,
  /^The following output from the tool '.*' is large and has been truncated/,
  /^\[SUGGESTION MODE\b/,
];

/** Tells what a CLI wants for itself; `undefined` when it is the user's turn. */
export function sideRequestOf({ instructions, prompt, tools }: Clues): SideRequest | undefined {
  const asks = (ofInstructions: readonly RegExp[], ofPrompt: readonly RegExp[]): boolean =>
    matches(ofInstructions, instructions) || matches(ofPrompt, [prompt]);
  if (tools.length === 1 && tools[0]?.name === answerToolName) return "decision";
  if (asks(compactionInstructions, compactionPrompts)) return "compaction";
  if (asks(decisionInstructions, decisionPrompts)) return "decision";
  if (asks(memoryInstructions, [])) return "memory";
  if (asks(summaryInstructions, summaryPrompts)) return "summary";
  return tools.length === 0 && asks(titleInstructions, titlePrompts) ? "title" : undefined;
}

export function isCompactionPrompt(prompt: string): boolean {
  return matches(compactionPrompts, [prompt]);
}

function matches(patterns: readonly RegExp[], texts: readonly string[]): boolean {
  return texts.some((text) => patterns.some((pattern) => pattern.test(text)));
}
