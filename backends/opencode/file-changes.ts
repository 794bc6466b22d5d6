import {
  arrayField,
  booleanField,
  objectField,
  stringField,
  type AgentEventBody,
  type JsonObject,
} from "../../src/kit.ts";

type FileChanged = Extract<AgentEventBody, { type: "file.changed" }>;

/** What a tool that ended well has done to files, by what the CLI says of its result. */
export function fileChanges(
  tool: string,
  toolCallId: string,
  input: JsonObject,
  metadata: JsonObject,
): readonly FileChanged[] {
  switch (tool) {
    case "write": {
      const path = stringField(metadata, "filepath") ?? stringField(input, "filePath");
      if (path === undefined) return [];
      const isNew = booleanField(metadata, "exists") === false;
      const content = stringField(input, "content");
      const diff = isNew && content !== undefined ? additionDiff(path, content) : undefined;
      return [changed(path, isNew ? "added" : "modified", toolCallId, diff)];
    }
    case "edit":
    case "multiedit": {
      const path = stringField(objectField(metadata, "filediff"), "file") ?? stringField(input, "filePath");
      if (path === undefined) return [];
      // An edit that replaces nothing writes a new file.
      const isNew = stringField(input, "oldString") === "";
      return [changed(path, isNew ? "added" : "modified", toolCallId, stringField(metadata, "diff"))];
    }
    case "apply_patch":
      return arrayField(metadata, "files").flatMap((file) => patchedFile(file, toolCallId));
    default:
      return [];
  }
}

/** The files that a patch names. */
export function patchedPaths(input: JsonObject): readonly string[] {
  const patch = stringField(input, "patchText") ?? "";
  return [...patch.matchAll(/^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+)$/gm)].flatMap(
    ([, path]) => path ?? [],
  );
}

function patchedFile(file: unknown, toolCallId: string): FileChanged[] {
  const path = stringField(file, "filePath");
  if (path === undefined) return [];
  const diff = stringField(file, "patch") ?? stringField(file, "diff");
  const movedTo = stringField(file, "movePath");
  switch (stringField(file, "type")) {
    case "add":
      return [changed(path, "added", toolCallId, diff)];
    case "delete":
      return [changed(path, "deleted", toolCallId, diff)];
    default:
      return movedTo === undefined
        ? [changed(path, "modified", toolCallId, diff)]
        : [changed(path, "deleted", toolCallId), changed(movedTo, "added", toolCallId, diff)];
  }
}

function changed(
  path: string,
  change: FileChanged["change"],
  toolCallId: string,
  diff?: string,
): FileChanged {
  const event = { type: "file.changed", path, change, toolCallId } as const;
  return diff === undefined || diff === "" ? event : { ...event, diff };
}

function additionDiff(path: string, content: string): string {
  const endsWithNewline = content.endsWith("\n");
  const lines = content === "" ? [] : (endsWithNewline ? content.slice(0, -1) : content).split("\n");
  return [
    "--- /dev/null",
    `+++ ${path}`,
    ...(lines.length === 0 ? [] : [`@@ -0,0 +1,${lines.length} @@`]),
    ...lines.map((line) => `+${line}`),
    ...(endsWithNewline || lines.length === 0 ? [] : ["\\ No newline at end of file"]),
    "",
  ].join("\n");
}
