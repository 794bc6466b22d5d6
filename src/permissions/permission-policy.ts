import { isJsonObject } from "../kit/json.ts";
import { show } from "../kit/validate-options.ts";
import type { ToolRequest } from "../spec/events.ts";
import type {
  PermissionHandler,
  PermissionMode,
  PermissionPolicy,
  PermissionRules,
} from "../spec/permissions.ts";
import { parsePermissionRule, type PermissionRule } from "./permission-rule.ts";
import { toolSubjects } from "./tool-subject.ts";

export type PolicyVerdict = "allow" | "deny" | "ask";

/** A permission policy, checked and ready to be asked. */
export interface CompiledPolicy {
  /** What the backend has to enforce. */
  readonly mode: PermissionMode;
  /** Called for verdict `"ask"`. */
  readonly handler: PermissionHandler | undefined;
  evaluate(tool: ToolRequest, cwd: string): PolicyVerdict;
}

/**
 * Checks a policy and makes it ready.
 *
 * @throws TypeError when a rule is malformed, or when something may be asked and there is no handler.
 */
export function compilePermissionPolicy(
  policy: PermissionPolicy,
  onPermission: PermissionHandler | undefined,
): CompiledPolicy {
  if (policy === "allow-all" || policy === "deny-all") {
    const verdict = policy === "allow-all" ? "allow" : "deny";
    return { mode: policy, handler: undefined, evaluate: () => verdict };
  }
  if (typeof policy === "function") return { mode: "ask", handler: policy, evaluate: () => "ask" };
  if (!isJsonObject(policy)) {
    throw new TypeError(
      `permissions: must be "allow-all", "deny-all", rules ({ allow, ask, deny, default }) or a function, received ${show(policy)}.`,
    );
  }
  return compileRules(policy, onPermission);
}

function compileRules(rules: PermissionRules, handler: PermissionHandler | undefined): CompiledPolicy {
  for (const name of Object.keys(rules)) {
    if (!["allow", "ask", "deny", "default"].includes(name)) {
      throw new TypeError(
        `permissions: unknown member ${show(name)}; known are allow, ask, deny and default.`,
      );
    }
  }
  const fallback = rules.default ?? (handler === undefined ? "deny" : "ask");
  if (!["allow", "ask", "deny"].includes(fallback)) {
    throw new TypeError(`permissions.default: must be "allow", "ask" or "deny", received ${show(fallback)}.`);
  }
  const deny = parseRules("deny", rules.deny);
  const ask = parseRules("ask", rules.ask);
  const allow = parseRules("allow", rules.allow);
  if (handler === undefined && (ask.length > 0 || fallback === "ask")) {
    throw new TypeError(
      "permissions: a rule asks the host, but there is no onPermission handler. Pass one, or use allow and deny only.",
    );
  }
  return {
    mode: "ask",
    handler,
    evaluate(tool, cwd) {
      const subjects = toolSubjects(tool, cwd);
      if (deny.some((rule) => rule.matchesAny(tool, subjects))) return "deny";
      if (ask.some((rule) => rule.matchesAny(tool, subjects))) return "ask";
      if (isAllowed(allow, tool, subjects)) return "allow";
      return fallback;
    },
  };
}

/** Each part of a compound command must be allowed by some rule, not all of them by one. */
function isAllowed(
  rules: readonly PermissionRule[],
  tool: ToolRequest,
  subjects: ReturnType<typeof toolSubjects>,
): boolean {
  if (rules.some((rule) => rule.matchesWhole(tool))) return true;
  return (
    subjects.allowable &&
    subjects.parts.length > 0 &&
    subjects.parts.every((part) => rules.some((rule) => rule.matchesPart(tool, part)))
  );
}

function parseRules(list: string, rules: readonly string[] | undefined): readonly PermissionRule[] {
  if (rules === undefined) return [];
  if (!Array.isArray(rules)) {
    throw new TypeError(`permissions.${list}: must be an array of rules, received ${show(rules)}.`);
  }
  return rules.map((rule: unknown) => parsePermissionRule(list, rule));
}
