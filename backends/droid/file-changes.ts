import {
  arrayField,
  isJsonObject,
  numberField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
} from "../../src/kit.ts";

type FileChanged = Extract<AgentEventBody, { type: "file.changed" }>;
type Change = FileChanged["change"];

/** Tells which files a session's successful calls have changed. */
export class FileChanges {
  readonly #cwd: string;
  /** Files that are known to have been there: of what it writes, Droid does not tell whether it is new. */
  readonly #known = new Set<string>();

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  /** @param result - The tool's own structured result, where it gives one. */
  of(tool: string, input: JsonObject, result: unknown, toolCallId: string): readonly FileChanged[] {
    switch (tool) {
      case "Read":
        this.#path(input);
        return [];
      case "Create":
        return this.#changed(input, "added", "", toolCallId);
      case "Edit":
      case "MultiEdit":
        return this.#changed(input, "modified", hunks(arrayField(result, "diffLines")), toolCallId);
      case "ApplyPatch":
        return this.#patched(stringField(input, "input") ?? stringField(input, "patch") ?? "", toolCallId);
      default:
        return [];
    }
  }

  #changed(input: JsonObject, change: Change, body: string, toolCallId: string): readonly FileChanged[] {
    const wasKnown = this.#isKnown(input);
    const path = this.#path(input);
    if (path === undefined) return [];
    const event: FileChanged = {
      type: "file.changed",
      path,
      change: change === "added" && wasKnown ? "modified" : change,
      toolCallId,
    };
    return body === "" ? [event] : [{ ...event, diff: `--- ${path}\n+++ ${path}\n${body}` }];
  }

  /** The heads of a patch name the files. */
  #patched(patch: string, toolCallId: string): readonly FileChanged[] {
    const events: FileChanged[] = [];
    for (const match of patch.matchAll(/^\*\*\* (Add|Update|Delete) File: (.+?)\s*$/gm)) {
      const path = this.#resolve(match[2] ?? "");
      const change = match[1] === "Add" ? "added" : match[1] === "Delete" ? "deleted" : "modified";
      if (change === "deleted") this.#known.delete(path);
      else this.#known.add(path);
      events.push({ type: "file.changed", path, change, toolCallId });
    }
    return events;
  }

  #isKnown(input: JsonObject): boolean {
    const given = stringField(input, "file_path");
    return given !== undefined && this.#known.has(this.#resolve(given));
  }

  #path(input: JsonObject): string | undefined {
    const given = stringField(input, "file_path");
    if (given === undefined) return undefined;
    const path = this.#resolve(given);
    this.#known.add(path);
    return path;
  }

  #resolve(path: string): string {
    return path.startsWith("/") || path.startsWith("~") ? path : `${this.#cwd}/${path.replace(/^\.\//, "")}`;
  }
}

interface Hunk {
  readonly oldStart: number;
  readonly newStart: number;
  readonly lines: string[];
  oldNext: number;
  newNext: number;
}

/** Droid tells a change line by line, with the numbers that a line has in the old and in the new file. */
function hunks(diffLines: readonly unknown[]): string {
  const all: Hunk[] = [];
  let current: Hunk | undefined;
  let grown = 0;
  for (const line of diffLines) {
    if (!isJsonObject(line)) continue;
    const content = stringField(line, "content") ?? "";
    const sign = line["type"] === "added" ? "+" : line["type"] === "removed" ? "-" : " ";
    const numbers = objectField(line, "lineNumber");
    const oldNumber = numberField(numbers, "old") ?? (numberField(numbers, "new") ?? 1) - grown;
    const newNumber = numberField(numbers, "new") ?? oldNumber + grown;
    if (current === undefined || !follows(current, sign, oldNumber, newNumber)) {
      current = {
        oldStart: oldNumber,
        newStart: newNumber,
        lines: [],
        oldNext: oldNumber,
        newNext: newNumber,
      };
      all.push(current);
    }
    current.lines.push(sign + content);
    if (sign !== "+") current.oldNext += 1;
    if (sign !== "-") current.newNext += 1;
    grown += sign === "+" ? 1 : sign === "-" ? -1 : 0;
  }
  return all.map(hunkText).join("");
}

function follows(hunk: Hunk, sign: string, oldNumber: number, newNumber: number): boolean {
  return sign === "+" ? newNumber === hunk.newNext : oldNumber === hunk.oldNext;
}

function hunkText({ oldStart, newStart, lines }: Hunk): string {
  const before = lines.filter((line) => !line.startsWith("+")).length;
  const after = lines.filter((line) => !line.startsWith("-")).length;
  // Where a side has no lines, its number is that of the line before.
  const oldRange = `${String(before === 0 ? oldStart - 1 : oldStart)},${String(before)}`;
  const newRange = `${String(after === 0 ? newStart - 1 : newStart)},${String(after)}`;
  return `@@ -${oldRange} +${newRange} @@\n${lines.join("\n")}\n`;
}
