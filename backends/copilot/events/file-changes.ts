import { arrayField, stringField, type AgentEventBody, type JsonObject } from "../../../src/kit.ts";

type FileChanged = Extract<AgentEventBody, { readonly type: "file.changed" }>;

const changes: { readonly [kind: string]: FileChanged["change"] } = {
  create: "added",
  edit: "modified",
  delete: "deleted",
};

/** The files that a finished tool call has changed, with the parts of its diff that are about each. */
export function fileChanges(data: JsonObject, toolCallId: string): FileChanged[] {
  const edits = arrayField(data, "fileEdits");
  if (edits.length === 0) return [];
  const diffs = splitDiff(stringField(data["result"], "detailedContent") ?? "");
  return edits.flatMap((edit): FileChanged[] => {
    const path = stringField(edit, "path");
    if (path === undefined) return [];
    const kind = stringField(edit, "kind") ?? "";
    const change = (Object.hasOwn(changes, kind) ? changes[kind] : undefined) ?? "modified";
    const diff = diffs.get(path.replace(/^\//, ""));
    return [{ type: "file.changed", path, change, ...(diff === undefined ? {} : { diff }), toolCallId }];
  });
}

/** The diff of several files, by path without the slash at its beginning. */
function splitDiff(text: string): ReadonlyMap<string, string> {
  const diffs = new Map<string, string>();
  for (const part of text.split(/^(?=diff --git )/m)) {
    const path = /^diff --git a\/.+ b\/(.+)$/m.exec(part)?.[1];
    if (path !== undefined && part.startsWith("diff --git ")) diffs.set(path.trim(), `${part.trimEnd()}\n`);
  }
  return diffs;
}
