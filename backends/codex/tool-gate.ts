import type { PermissionMode } from "../../src/kit.ts";
import type { TomlValue } from "./toml.ts";

/**
 * Tools that have a way to ask, or nothing to ask about. By the names that Codex's hooks see: its shell tool is
 * `Bash`, and `apply_patch` goes by three names at once.
 */
const askableTools = [
  "Bash",
  "apply_patch",
  "Edit",
  "Write",
  "update_plan",
  "request_user_input",
  "clockcurr_time",
];
const askablePrefixes = ["mcp__"];

/** Refuses a call, and names the tool for whoever reads along. */
const refusal = "playpen: not permitted in this session: ";
const command = `printf '${refusal}' >&2; sed -n 's/.*"tool_name":"\\([^"]*\\)".*/\\1/p' >&2; exit 2`;

interface Gate {
  readonly matcher?: string;
  /** Codex runs no hook whose hash its configuration does not call trusted. */
  readonly hash: string;
}

const gates: { readonly [Mode in Exclude<PermissionMode, "allow-all">]: Gate } = {
  "deny-all": { hash: "sha256:4dbfaf66616265c5a9ddd956fa130b9f0f6a60c2f93c65feb37d3a57cb233439" },
  ask: {
    matcher: otherThan(askableTools, askablePrefixes),
    hash: "sha256:1336f357cc57f7d64eb47d858aa17156d8f3cf86500b47b7cd3142e224fd397a",
  },
};

/** Codex's name for the first hook that comes by argument. */
const gateKey = "/<session-flags>/config.toml:pre_tool_use:0:0";

/**
 * The setting `hooks`: by it Codex refuses tool calls that it would otherwise make without asking anybody, since some
 * of its tools (`view_image`, `read_mcp_resource`, sub-agents) know no approval.
 */
export function toolGate(mode: Exclude<PermissionMode, "allow-all">): TomlValue {
  const { matcher, hash } = gates[mode];
  const handler = { type: "command", command, timeout: 60 };
  return {
    PreToolUse: [{ ...(matcher === undefined ? {} : { matcher }), hooks: [handler] }],
    state: { [gateKey]: { trusted_hash: hash } },
  };
}

/** Tells whether Codex listed the hook as one that it runs. */
export function isGateArmed(mode: PermissionMode, hook: unknown): boolean {
  if (mode === "allow-all") return true;
  const { matcher, hash } = gates[mode];
  if (typeof hook !== "object" || hook === null) return false;
  const listed = new Map(Object.entries(hook));
  return (
    listed.get("key") === gateKey &&
    listed.get("command") === command &&
    listed.get("currentHash") === hash &&
    listed.get("trustStatus") === "trusted" &&
    listed.get("enabled") === true &&
    listed.get("eventName") === "preToolUse" &&
    (listed.get("matcher") ?? undefined) === matcher
  );
}

/** The tool whose call the hook refused, from what it said. */
export function refusedTool(feedback: string): string | undefined {
  const text = feedback.trim();
  return text.startsWith(refusal.trim()) ? text.slice(refusal.trim().length).trim() : undefined;
}

/**
 * A regular expression for every text that is none of the names and begins with none of the prefixes. Codex's
 * expressions have no look-ahead, so the complement is spelt out, letter by letter.
 */
export function otherThan(names: readonly string[], prefixes: readonly string[]): string {
  const complement = (left: readonly string[], open: readonly string[]): string | undefined => {
    if (open.includes("")) return undefined;
    const heads = [...new Set([...left, ...open].map((text) => text.charAt(0)))].filter(
      (head) => head !== "",
    );
    const branches = [
      ...(left.includes("") ? [] : ["$"]),
      heads.length === 0 ? "." : `[^${heads.join("")}]`,
      ...heads.flatMap((head) => {
        const tail = (texts: readonly string[]): string[] =>
          texts.filter((text) => text.startsWith(head)).map((text) => text.slice(1));
        const rest = complement(tail(left), tail(open));
        return rest === undefined ? [] : [head + rest];
      }),
    ];
    return `(?:${branches.join("|")})`;
  };
  return `^${complement(names, prefixes) ?? "$"}`;
}
