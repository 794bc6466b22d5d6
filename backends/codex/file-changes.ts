import {
  arrayField,
  isJsonObject,
  stringField,
  type AgentEventBody,
  type JsonObject,
} from "../../src/kit.ts";

type FileChanged = Extract<AgentEventBody, { type: "file.changed" }>;

interface Change {
  readonly path: string;
  readonly kind: string;
  readonly movedTo?: string;
  readonly diff?: string;
}

/** The changes of a patch: `exec` tells the kind as a word and no diff, the app-server an object and the diff. */
function changesOf(item: JsonObject): readonly Change[] {
  return arrayField(item, "changes").flatMap((change): Change[] => {
    const path = stringField(change, "path");
    if (path === undefined || !isJsonObject(change)) return [];
    const kind = stringField(change, "kind") ?? stringField(change["kind"], "type") ?? "update";
    const movedTo = stringField(change["kind"], "move_path");
    const diff = stringField(change, "diff");
    return [
      { path, kind, ...(movedTo === undefined ? {} : { movedTo }), ...(diff === undefined ? {} : { diff }) },
    ];
  });
}

/** A few words for a patch, such as `Edit a.ts, b.ts`. */
export function patchTitle(item: JsonObject): string {
  const paths = changesOf(item).map((change) => change.movedTo ?? change.path);
  return paths.length === 0 ? "Edit files" : `Edit ${paths.join(", ")}`;
}

export function fileChanges(item: JsonObject, toolCallId: string): FileChanged[] {
  const changed = (path: string, change: FileChanged["change"], diff?: string): FileChanged => ({
    type: "file.changed",
    path,
    change,
    ...(diff === undefined ? {} : { diff }),
    toolCallId,
  });
  return changesOf(item).flatMap(({ path, kind, movedTo, diff }) => {
    if (kind === "add") return [changed(path, "added", wholeFileDiff(path, diff, "+"))];
    if (kind === "delete") return [changed(path, "deleted", wholeFileDiff(path, diff, "-"))];
    const target = movedTo ?? path;
    const unified = diff === undefined ? undefined : `--- ${path}\n+++ ${target}\n${diff}`;
    if (movedTo === undefined) return [changed(path, "modified", unified)];
    return [changed(path, "deleted"), changed(movedTo, "added", unified)];
  });
}

/** For a file that came or went Codex gives its content; a diff is made of it. */
function wholeFileDiff(path: string, content: string | undefined, sign: "+" | "-"): string | undefined {
  if (content === undefined) return undefined;
  const isComplete = content.endsWith("\n");
  const lines = content === "" ? [] : (isComplete ? content.slice(0, -1) : content).split("\n");
  const range = (isThere: boolean): string => (isThere && lines.length > 0 ? `1,${lines.length}` : "0,0");
  const isAdded = sign === "+";
  return [
    `--- ${isAdded ? "/dev/null" : path}`,
    `+++ ${isAdded ? path : "/dev/null"}`,
    ...(lines.length === 0 ? [] : [`@@ -${range(!isAdded)} +${range(isAdded)} @@`]),
    ...lines.map((line) => sign + line),
    ...(isComplete || lines.length === 0 ? [] : ["\\ No newline at end of file"]),
    "",
  ].join("\n");
}
