import { stringField, type AgentEventBody, type JsonObject } from "../../src/kit.ts";

type FileChanged = Extract<AgentEventBody, { type: "file.changed" }>;
type Change = FileChanged["change"];

const patchHeads: readonly (readonly [RegExp, Change])[] = [
  [/^\*\*\* Add File: (.+?)\s*$/, "added"],
  [/^\*\*\* Update File: (.+?)\s*$/, "modified"],
  [/^\*\*\* Delete File: (.+?)\s*$/, "deleted"],
  [/^\*\*\* Move to: (.+?)\s*$/, "added"],
];

/** The files that a successful editing call has changed, by its input: the results do not tell. */
export function fileChanges(toolCallId: string, name: string, input: JsonObject): readonly FileChanged[] {
  const path = stringField(input, "path");
  if (path !== undefined) {
    // `create_file` may also have written over a file that was there.
    const change = name === "create_file" ? "added" : "modified";
    return [{ type: "file.changed", path, change, toolCallId }];
  }
  const patch = Object.values(input).find(
    (value) => typeof value === "string" && value.includes("*** Begin Patch"),
  );
  return typeof patch === "string" ? patchedFiles(toolCallId, patch) : [];
}

function patchedFiles(toolCallId: string, patch: string): FileChanged[] {
  const changes: FileChanged[] = [];
  for (const line of patch.split("\n")) {
    for (const [head, change] of patchHeads) {
      const path = head.exec(line)?.[1];
      if (path === undefined) continue;
      const moved = line.startsWith("*** Move to: ") ? changes.pop() : undefined;
      if (moved !== undefined) changes.push({ ...moved, change: "deleted" });
      changes.push({ type: "file.changed", path, change, toolCallId });
    }
  }
  return changes;
}
