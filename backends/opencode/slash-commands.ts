import type { AgentContentPart } from "../../src/kit.ts";

/** Commands of OpenCode's own, in case it is prompted before it has told which it knows. */
const known: ReadonlySet<string> = new Set(["compact", "init", "review"]);

/** No blank that OpenCode would take off, and nothing that anybody sees. */
const wordJoiner = "\u2060";

/**
 * The prompt as `opencode acp` takes it. It reads each prompt that begins with a slash as a command, and one that it
 * does not know as nothing at all: the turn would end at once, without a word. Such a prompt is marked as plain text.
 */
export function promptOf(
  content: readonly AgentContentPart[],
  commands: ReadonlySet<string>,
): readonly AgentContentPart[] {
  const text = content
    .map((part) => (part.type === "text" ? part.text : ""))
    .join("")
    .trim();
  if (!text.startsWith("/")) return content;
  const [name = ""] = text.slice(1).split(/\s+/, 1);
  // A slash and nothing behind it is sent as it is, too.
  if (name === "" || known.has(name) || commands.has(name)) return content;
  const first = content.findIndex((part) => part.type === "text");
  return content.map((part, place) =>
    place === first && part.type === "text" ? { ...part, text: wordJoiner + part.text } : part,
  );
}
