import { booleanField, stringField, type AgentEventBody, type JsonObject } from "../../src/kit.ts";

type FileChanged = Extract<AgentEventBody, { type: "file.changed" }>;

/** The change of a file that a successful call has made. `details` is the tool's own structured result. */
export function fileChange(
  tool: string,
  input: JsonObject,
  details: unknown,
  toolCallId: string,
  cwd: string,
): FileChanged | undefined {
  const given = stringField(input, "path");
  if ((tool !== "write" && tool !== "edit") || given === undefined) return undefined;
  const path =
    given.startsWith("/") || given.startsWith("~") ? given : `${cwd}/${given.replace(/^\.\//, "")}`;
  const isNew = tool === "write" && booleanField(details, "isNew") === true;
  const body = tool === "edit" ? hunks(stringField(details, "diff") ?? "") : isNew ? addition(input) : "";
  const event = { type: "file.changed", path, change: isNew ? "added" : "modified", toolCallId } as const;
  if (body === "") return event;
  return { ...event, diff: `--- ${isNew ? "/dev/null" : path}\n+++ ${path}\n${body}` };
}

function addition(input: JsonObject): string {
  const content = stringField(input, "content") ?? "";
  if (content === "") return "";
  const endsWithNewline = content.endsWith("\n");
  const lines = (endsWithNewline ? content.slice(0, -1) : content).split("\n");
  const text = lines.map((line) => `+${line}\n`).join("");
  return `@@ -0,0 +1,${lines.length} @@\n${text}${endsWithNewline ? "" : "\\ No newline at end of file\n"}`;
}

interface Hunk {
  readonly oldStart: number;
  readonly newStart: number;
  readonly lines: string[];
}

/**
 * Pi shows a change as numbered lines (`+12 text`), with dots where it left lines out. Its numbers are those of the new
 * file for what was added, else of the old one.
 */
function hunks(numbered: string): string {
  const all: Hunk[] = [];
  let current: Hunk | undefined;
  let grown = 0;
  for (const line of numbered.split("\n")) {
    const match = /^([ +-])\s*(\d+) (.*)$/s.exec(line);
    if (match === null) {
      current = undefined;
      continue;
    }
    const [, sign = " ", digits = "", text = ""] = match;
    const number = Number(digits);
    if (current === undefined) {
      const oldStart = sign === "+" ? number - grown : number;
      current = { oldStart, newStart: oldStart + grown, lines: [] };
      all.push(current);
    }
    current.lines.push(sign + text);
    if (sign === "+") grown += 1;
    else if (sign === "-") grown -= 1;
  }
  return all.map(hunkText).join("");
}

function hunkText({ oldStart, newStart, lines }: Hunk): string {
  const before = lines.filter((line) => !line.startsWith("+")).length;
  const after = lines.filter((line) => !line.startsWith("-")).length;
  // Where a side has no lines, its number is that of the line before.
  const oldRange = `${before === 0 ? oldStart - 1 : oldStart},${before}`;
  const newRange = `${after === 0 ? newStart - 1 : newStart},${after}`;
  return `@@ -${oldRange} +${newRange} @@\n${lines.join("\n")}\n`;
}
