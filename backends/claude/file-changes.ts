import { arrayField, numberField, stringField, type AgentEventBody, type JsonObject } from "../../src/kit.ts";

type FileChanged = Extract<AgentEventBody, { type: "file.changed" }>;

/** The change of a file that a successful editing tool reports. `result` is absent for sub-agents. */
export function fileChange(
  toolCallId: string,
  input: JsonObject,
  output: string,
  result: unknown,
): FileChanged | undefined {
  const path =
    stringField(result, "filePath") ??
    stringField(result, "notebook_path") ??
    stringField(input, "file_path") ??
    stringField(input, "notebook_path");
  if (path === undefined) return undefined;
  const isNew = stringField(result, "type") === "create" || output.startsWith("File created successfully");
  const content = stringField(result, "content") ?? stringField(input, "content");
  const hunks = patchHunks(arrayField(result, "structuredPatch"));
  const body = hunks !== "" ? hunks : isNew && content !== undefined ? additionHunk(content) : "";
  const event = { type: "file.changed", path, change: isNew ? "added" : "modified", toolCallId } as const;
  if (body === "") return event;
  return { ...event, diff: `--- ${isNew ? "/dev/null" : path}\n+++ ${path}\n${body}` };
}

function patchHunks(patch: readonly unknown[]): string {
  let text = "";
  for (const hunk of patch) {
    const lines = arrayField(hunk, "lines").filter((line) => typeof line === "string");
    const before = `${numberField(hunk, "oldStart") ?? 0},${numberField(hunk, "oldLines") ?? 0}`;
    const after = `${numberField(hunk, "newStart") ?? 0},${numberField(hunk, "newLines") ?? 0}`;
    text += `@@ -${before} +${after} @@\n${lines.join("\n")}\n`;
  }
  return text;
}

function additionHunk(content: string): string {
  if (content === "") return "";
  const endsWithNewline = content.endsWith("\n");
  const lines = (endsWithNewline ? content.slice(0, -1) : content).split("\n");
  const text = lines.map((line) => `+${line}\n`).join("");
  return `@@ -0,0 +1,${lines.length} @@\n${text}${endsWithNewline ? "" : "\\ No newline at end of file\n"}`;
}
