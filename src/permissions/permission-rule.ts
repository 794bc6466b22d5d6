import { show } from "../kit/validate-options.ts";
import type { ToolRequest } from "../spec/events.ts";
import type { SubjectPart, ToolSubjects } from "./tool-subject.ts";

/** One rule of the form `Tool` or `Tool(pattern)`. */
export interface PermissionRule {
  /** Whether any part of what the tool is about to do matches. */
  matchesAny(tool: ToolRequest, subjects: ToolSubjects): boolean;
  /** Whether the rule covers the tool whatever it does. */
  matchesWhole(tool: ToolRequest): boolean;
  matchesPart(tool: ToolRequest, part: SubjectPart): boolean;
}

/** @throws TypeError when the rule is malformed. */
export function parsePermissionRule(list: string, rule: unknown): PermissionRule {
  const match = typeof rule === "string" ? /^([^()\s]+)(?:\((.+)\))?$/s.exec(rule.trim()) : null;
  const name = match?.[1];
  if (name === undefined) {
    throw new TypeError(
      `permissions.${list}: a rule must look like "Bash", "execute(git *)" or "*", received ${show(rule)}.`,
    );
  }
  const namePattern = globPattern(name.toLowerCase());
  const pattern = match?.[2] === undefined ? undefined : globPattern(match[2]);

  const isTool = (tool: ToolRequest): boolean =>
    namePattern.test(tool.name.toLowerCase()) || namePattern.test(tool.kind);
  const matchesPart = (tool: ToolRequest, part: SubjectPart): boolean =>
    isTool(tool) && (pattern === undefined || part.spellings.some((spelling) => pattern.test(spelling)));

  return {
    matchesPart,
    matchesWhole: (tool) => isTool(tool) && pattern === undefined,
    matchesAny: (tool, subjects) =>
      isTool(tool) &&
      (pattern === undefined ||
        subjects.parts.some((part) => matchesPart(tool, part)) ||
        subjects.hidden.some((spelling) => pattern.test(spelling))),
  };
}

/** `*` stands for any text; `git *` also matches a bare `git`. */
function globPattern(glob: string): RegExp {
  const source = glob.replace(/[\\^$.+?()[\]{}|]/g, "\\$&").replaceAll("*", ".*");
  const optionalTail = source.endsWith(" .*") ? `${source.slice(0, -3)}( .*)?` : source;
  return new RegExp(`^${optionalTail}$`, "s");
}
