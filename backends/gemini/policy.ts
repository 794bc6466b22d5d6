import type { LaunchInput, PermissionMode } from "../../src/kit.ts";

type Decision = "allow" | "ask_user" | "deny";

interface Rule {
  readonly tools: string | readonly string[];
  readonly decision: Decision;
  readonly priority: number;
  /** Applies to calls that have an input, whatever it is. */
  readonly hasInput?: boolean;
}

/** What the CLI's policy engine does with a call that the session allows to be made. */
const decisions: { readonly [Mode in PermissionMode]: Decision } = {
  "allow-all": "allow",
  ask: "ask_user",
  "deny-all": "deny",
};

/**
 * The rules of a session for the CLI's policy engine; `undefined` where it needs none. They are an administrator's, so
 * nothing that a project, an extension or an earlier answer says stands above them.
 */
export function policyOf({ permissions, allowedTools }: LaunchInput): string | undefined {
  const decision = decisions[permissions];
  if (allowedTools === undefined && decision === "allow") return undefined;
  const rules: readonly Rule[] = [
    // A sub-agent's calls could not be asked for.
    ...(decision === "ask_user" ? [{ tools: "invoke_agent", decision: "deny", priority: 999 } as const] : []),
    ...(allowedTools?.length === 0 ? [] : allowed(allowedTools ?? "*", decision)),
    ...(allowedTools === undefined ? [] : [{ tools: "*", decision: "deny", priority: 996 } as const]),
  ];
  return rules.map(ruleText).join("\n");
}

function allowed(tools: string | readonly string[], decision: Decision): readonly Rule[] {
  return [
    // Without a pattern for the input, commands that the CLI holds to be harmless would not be asked for.
    ...(decision === "ask_user" ? [{ tools, decision, priority: 998, hasInput: true }] : []),
    { tools, decision, priority: 997 },
  ];
}

function ruleText({ tools, decision, priority, hasInput }: Rule): string {
  // JSON's strings and arrays are TOML's, but for U+007F.
  const names = JSON.stringify(tools).replaceAll("\u007f", "\\u007f");
  const pattern = hasInput === true ? 'argsPattern = "^"\n' : "";
  return `[[rule]]\ntoolName = ${names}\n${pattern}decision = "${decision}"\npriority = ${priority}\n`;
}
