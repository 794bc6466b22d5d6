import { arrayField, stringField, type AgentEventBody, type ToolRequest } from "../../src/kit.ts";

type FileChanged = Extract<AgentEventBody, { type: "file.changed" }>;

/** The files that a successful editing call has changed, by its input and its result. */
export function fileChanges(
  toolCallId: string,
  { name, input }: ToolRequest,
  result: unknown,
): readonly FileChanged[] {
  const path = stringField(input, "path");
  if (path === undefined) return arrayField(result, "files").flatMap((file) => patched(toolCallId, file));
  const diff = withoutFence(stringField(result, "diff"));
  // `create_file` may also have written over a file that was there.
  const change = name === "create_file" ? "added" : "modified";
  return [{ type: "file.changed", path, change, toolCallId, ...(diff === undefined ? {} : { diff }) }];
}

/** One file of a patch. Of one that was moved, the old path stands in the diff alone. */
function patched(toolCallId: string, file: unknown): FileChanged[] {
  const path = pathOf(stringField(file, "uri") ?? "");
  if (path === undefined) return [];
  const diff = stringField(file, "diff");
  const told = { type: "file.changed", toolCallId } as const;
  const withDiff = { path, ...(diff === undefined ? {} : { diff }) };
  switch (stringField(file, "type")) {
    case "add":
      return [{ ...told, change: "added", ...withDiff }];
    case "delete":
      return [{ ...told, change: "deleted", ...withDiff }];
    case "move": {
      const old = /^--- (.+)$/m.exec(diff ?? "")?.[1];
      const moved: FileChanged = { ...told, change: "added", ...withDiff };
      return old === undefined ? [moved] : [{ ...told, change: "deleted", path: old }, moved];
    }
    default:
      return [{ ...told, change: "modified", ...withDiff }];
  }
}

function pathOf(uri: string): string | undefined {
  if (!uri.startsWith("file://")) return undefined;
  const path = uri.slice("file://".length);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The CLI puts a diff into a block of Markdown. */
function withoutFence(diff: string | undefined): string | undefined {
  return diff?.replace(/^```diff\n/, "").replace(/\n```$/, "\n");
}
