import { arrayField, isJsonObject, numberField, objectField, stringField } from "../../kit/json.ts";
import type { AgentEventBody } from "../../spec/events.ts";
import type { JsonObject } from "../../spec/json.ts";
import { unifiedDiff } from "./unified-diff.ts";

type FileChanged = Extract<AgentEventBody, { type: "file.changed" }>;

/** What a content block says, as text; `undefined` when it is no text. */
export function blockText(block: unknown): string | undefined {
  switch (stringField(block, "type")) {
    case "text":
      return stringField(block, "text");
    case "resource":
      return stringField(objectField(block, "resource"), "text");
    case "resource_link":
      return stringField(block, "uri");
    default:
      return undefined;
  }
}

/** The text that a call shows: that of its content, in parts. Diffs and terminals have none. */
export function contentText(call: JsonObject): string {
  return arrayField(call, "content")
    .flatMap((item) => blockText(objectField(item, "content")) ?? [])
    .join("\n");
}

const outputMembers = [
  "output",
  "stdout",
  "content",
  "result",
  "text",
  "aggregated_output",
  "formatted_output",
];

/** What a finished call has printed or returned. Its content is for people to see, and may be dressed up for that. */
export function callOutput(call: JsonObject): string {
  const raw = call["rawOutput"];
  if (typeof raw === "string" && raw !== "") return raw;
  const text = contentText(call);
  if (text !== "" || raw === "") return text;
  if (!isJsonObject(raw)) return raw === undefined || raw === null ? "" : JSON.stringify(raw);
  for (const name of outputMembers) {
    const member = raw[name];
    if (typeof member === "string" && member !== "") return member;
    const list = Array.isArray(member) ? raw : objectField(raw, name);
    const parts = arrayField(list, Array.isArray(member) ? name : "content").flatMap(
      (part) => stringField(part, "text") ?? [],
    );
    if (parts.length > 0) return parts.join("\n");
  }
  const error =
    stringField(raw, "error") ?? stringField(raw["error"], "message") ?? stringField(raw, "message");
  return error ?? (outputMembers.some((name) => raw[name] === "") ? "" : JSON.stringify(raw));
}

export function callExitCode(call: JsonObject): number | undefined {
  const raw = objectField(call, "rawOutput");
  return (
    numberField(raw, "exitCode") ??
    numberField(raw, "exit_code") ??
    numberField(objectField(raw, "metadata"), "exit") ??
    arrayField(raw, "contents")
      .map((part) => numberField(part, "exitCode"))
      .find((code) => code !== undefined) ??
    numberField(objectField(objectField(call, "_meta"), "terminal_exit"), "exit_code")
  );
}

/** What a call's terminal has printed since the last update, by the members that agents have for it in their metadata. */
export function terminalOutput(update: JsonObject): string | undefined {
  const meta = objectField(update, "_meta");
  const data =
    stringField(meta["terminal_output_delta"], "data") ?? stringField(meta["terminal_output"], "data");
  return data === "" ? undefined : data;
}

/** The changes of files that a successful call has shown as diffs. */
export function callFileChanges(
  toolCallId: string,
  call: JsonObject,
  diffs: readonly unknown[],
): readonly FileChanged[] {
  const isDeletion = stringField(call, "kind") === "delete";
  const changes = diffs.flatMap((item): FileChanged[] => {
    const path = wholePath(stringField(item, "path"), call);
    if (path === undefined) return [];
    const told = stringField(objectField(item, "_meta"), "kind");
    const old = stringField(item, "oldText");
    // Many agents tell an empty text where the file is new, and some say in the metadata that it is not.
    const before = told === "add" || (old === "" && told === undefined) ? undefined : old;
    const after = stringField(item, "newText") ?? "";
    const isGone = (isDeletion || told === "delete") && after === "";
    const change = isGone ? "deleted" : before === undefined ? "added" : "modified";
    const diff = unifiedDiff(path, before, isGone ? undefined : after);
    return [{ type: "file.changed", path, change, diff, toolCallId }];
  });
  if (changes.length > 0 || !isDeletion) return changes;
  return arrayField(call, "locations").flatMap((location): FileChanged[] => {
    const path = stringField(location, "path");
    return path === undefined ? [] : [{ type: "file.changed", path, change: "deleted", toolCallId }];
  });
}

/** Some agents tell a diff's path by its last part alone, and the whole of it where the call began. */
function wholePath(told: string | undefined, call: JsonObject): string | undefined {
  if (told === undefined || told.startsWith("/")) return told;
  const input = objectField(call, "rawInput");
  const known = ["file_path", "filePath", "path"].map((name) => stringField(input, name));
  return known.find((path) => path?.startsWith("/") === true && path.endsWith(`/${told}`)) ?? told;
}

/** The path that a call is about, where nothing but its locations or its diff tell. */
export function callPath(call: JsonObject): string | undefined {
  const places = [...arrayField(call, "locations"), ...arrayField(call, "content")];
  return places.map((place) => stringField(place, "path")).find((path) => path !== undefined);
}
