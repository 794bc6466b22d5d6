import { stringField, type JsonObject, type ToolKind, type ToolRequest } from "../../src/kit.ts";
import { questionTool } from "./bridge.ts";

const kinds: { readonly [tool: string]: ToolKind } = {
  bash: "execute",
  read: "read",
  edit: "edit",
  write: "edit",
  grep: "search",
  find: "search",
  ls: "search",
  [questionTool]: "other",
};

const longestTitle = 200;

/** A tool call as hosts see it. */
export function toolRequest(name: string, input: JsonObject): ToolRequest {
  const kind = Object.hasOwn(kinds, name) ? (kinds[name] ?? "other") : "other";
  return { name, kind, title: toolTitle(name, input), input };
}

function toolTitle(name: string, input: JsonObject): string {
  const words =
    stringField(input, "command") ??
    stringField(input, "pattern") ??
    stringField(input, "path") ??
    stringField(input, "url") ??
    stringField(input, "query");
  const line = words?.split("\n", 1)[0] ?? "";
  if (line === "") return name;
  return line.length > longestTitle ? `${line.slice(0, longestTitle - 1)}…` : line;
}
