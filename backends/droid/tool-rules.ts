import { arrayField, stringField, type JsonObject, type ProtocolInput } from "../../src/kit.ts";
import { mcpToolId } from "./tools.ts";

/** Names no tool, and so lets none be used. */
const noTool = "none";
const askTool = "ask-user";
/** The tool by which the model looks for tools that it is not shown at once, as those of MCP servers are. */
const searchTool = "tool-search-cli";

export interface ToolRules {
  /** The only tools that may be used; empty: all. */
  readonly restrictToolIds: readonly string[];
  readonly disabledToolIds: readonly string[];
}

/** Which tools a session may use, before the CLI's own names for them are known. */
export function firstRules({ permissions, allowedTools, answersQuestions }: ProtocolInput): ToolRules {
  if (permissions === "deny-all" || allowedTools !== undefined) {
    return { restrictToolIds: [noTool], disabledToolIds: [searchTool, askTool] };
  }
  return { restrictToolIds: [], disabledToolIds: answersQuestions ? [] : [askTool] };
}

export interface NamedRules extends ToolRules {
  /** Tools of the session's list that the CLI does not have. */
  readonly unknown: readonly string[];
}

/** The rules for a session that is confined to tools which the host has named as the agent sees them. */
export function rulesFor(
  allowedTools: readonly string[],
  { answersQuestions }: ProtocolInput,
  told: unknown,
): NamedRules {
  const ids = idsByName(told);
  const restrictToolIds: string[] = [];
  const unknown: string[] = [];
  for (const name of allowedTools) {
    const id = ids.get(name) ?? mcpToolId(name);
    if (id === undefined) unknown.push(name);
    else restrictToolIds.push(id);
  }
  const needsSearch = allowedTools.some((name) => mcpToolId(name) !== undefined);
  const isSearchAllowed = needsSearch || restrictToolIds.includes(searchTool);
  return {
    restrictToolIds: restrictToolIds.length === 0 ? [noTool] : restrictToolIds,
    disabledToolIds: [...(isSearchAllowed ? [] : [searchTool]), ...(answersQuestions ? [] : [askTool])],
    unknown,
  };
}

function idsByName(told: unknown): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  for (const tool of arrayField(told, "tools")) {
    const id = stringField(tool, "id");
    const name = stringField(tool, "llmId");
    if (id === undefined) continue;
    ids.set(id, id);
    if (name !== undefined) ids.set(name, id);
  }
  return ids;
}

export function ruleFields({ restrictToolIds, disabledToolIds }: ToolRules): JsonObject {
  return { restrictToolIds, disabledToolIds };
}
