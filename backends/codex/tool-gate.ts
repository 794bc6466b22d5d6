import { createHash } from "node:crypto";
import type { McpServers, PermissionMode } from "../../src/kit.ts";
import { AllowedTools } from "./allowed-tools.ts";
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
const askablePrefix = "mcp__";

/** Refuses a call, and names the tool for whoever reads along. */
const refusal = "playpen: not permitted in this session: ";
const command = `printf '${refusal}' >&2; sed -n 's/.*"tool_name":"\\([^"]*\\)".*/\\1/p' >&2; exit 2`;
const handler = { type: "command", command, timeout: 60 } as const;

/** Codex's name for the first hook that comes by argument. */
const gateKey = "/<session-flags>/config.toml:pre_tool_use:0:0";

export interface GateInput {
  readonly permissions: PermissionMode;
  readonly allowedTools?: readonly string[];
  readonly mcpServers: McpServers;
}

/**
 * The hook by which Codex refuses tool calls that it would otherwise make without asking anybody: some of its tools
 * (`view_image`, `read_mcp_resource`, sub-agents) know no approval, and none knows of a session's `allowedTools`.
 */
export class ToolGate {
  /** What the names of refused tools look like; absent where all are. */
  readonly #matcher: string | undefined;

  private constructor(matcher: string | undefined) {
    this.#matcher = matcher;
  }

  /** The gate of a session; `undefined` where every call of every tool is allowed. */
  static of({ permissions, allowedTools, mcpServers }: GateInput): ToolGate | undefined {
    if (permissions === "deny-all") return new ToolGate(undefined);
    if (allowedTools === undefined) {
      return permissions === "allow-all" ? undefined : new ToolGate(otherThan(askableTools, [askablePrefix]));
    }
    const allowed = new AllowedTools(allowedTools, mcpServers);
    const isOpen = (name: string): boolean =>
      permissions === "allow-all" || askableTools.includes(name) || name.startsWith(askablePrefix);
    return new ToolGate(otherThan(allowed.hookNames.filter(isOpen), allowed.hookPrefixes));
  }

  /** The setting `hooks`. Codex runs no hook whose hash its configuration does not call trusted. */
  get setting(): TomlValue {
    const matcher = this.#matcher;
    return {
      PreToolUse: [{ ...(matcher === undefined ? {} : { matcher }), hooks: [handler] }],
      state: { [gateKey]: { trusted_hash: this.#hash } },
    };
  }

  /** Tells whether Codex listed the hook as one that it runs. */
  isArmed(hook: unknown): boolean {
    if (typeof hook !== "object" || hook === null) return false;
    const listed = new Map(Object.entries(hook));
    return (
      listed.get("key") === gateKey &&
      listed.get("command") === command &&
      listed.get("currentHash") === this.#hash &&
      listed.get("trustStatus") === "trusted" &&
      listed.get("enabled") === true &&
      listed.get("eventName") === "preToolUse" &&
      (listed.get("matcher") ?? undefined) === this.#matcher
    );
  }

  /** As Codex makes it: of the hook with its defaults, in JSON whose members are sorted. */
  get #hash(): string {
    const matcher = this.#matcher;
    const identity = JSON.stringify({
      event_name: "pre_tool_use",
      hooks: [{ async: false, command, timeout: handler.timeout, type: handler.type }],
      ...(matcher === undefined ? {} : { matcher }),
    });
    return `sha256:${createHash("sha256").update(identity).digest("hex")}`;
  }
}

/** The tool whose call the hook refused, from what it said. */
export function refusedTool(feedback: string): string | undefined {
  const text = feedback.trim();
  return text.startsWith(refusal.trim()) ? text.slice(refusal.trim().length).trim() : undefined;
}

/**
 * A regular expression for every text that is none of the names and begins with none of the prefixes, all of letters,
 * digits and `_`. Codex's expressions have no look-ahead, so the complement is spelt out, letter by letter.
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
